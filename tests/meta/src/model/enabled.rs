//! The actions that are possible in a state.

use std::sync::Arc;

use raft::{CheckQuorum, RoleName};

use super::action::Action;
use super::state::State;

impl State {
    /// All actions within the bounds.
    pub fn actions(&self, actions: &mut Vec<Action>) {
        for server in 0..self.peers.len() {
            self.actions_of(server, actions);
        }
        for envelope in self.network.values() {
            actions.push(Action::Deliver(Arc::clone(envelope)));
            if self.left.duplicates > 0 {
                actions.push(Action::DeliverAndKeep(Arc::clone(envelope)));
            }
        }
    }

    fn actions_of(&self, server: usize, actions: &mut Vec<Action>) {
        let (peer, left) = (&self.peers[server], &self.left);
        let status = peer.status;
        if status.role == RoleName::Leader {
            if left.heartbeats > 0 {
                actions.push(Action::Heartbeat(server));
            }
            if left.commands > 0 {
                actions.push(Action::Propose(server));
            }
            if !left.changes.is_empty() {
                actions.push(Action::Change(server));
            }
        } else if status.current_term.number() < left.terms {
            actions.push(Action::Timeout(server));
            if left.protocol.check_quorum == CheckQuorum::On && status.leader.is_some() {
                actions.push(Action::Wait(server));
            }
        }
        if left.reads > 0 && status.leader.is_some() {
            actions.push(Action::Read(server));
        }
        if !peer.pending.is_empty() {
            actions.push(Action::Flush(server));
        }
        if left.crashes > 0 {
            actions.extend((0..=peer.pending.len()).map(|kept| Action::Crash(server, kept)));
        }
        if left.snapshots > 0 && status.last_applied > peer.base {
            actions.push(Action::Compact(server));
        }
    }
}
