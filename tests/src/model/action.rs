//! What can happen next.

use std::sync::Arc;

use raft::{CheckQuorum, Envelope, RoleName};

use super::state::State;

/// One thing that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A peer that does not lead has waited long enough.
    Timeout(usize),
    /// A peer has heard from no leader for the shortest election timeout, and waits on.
    Wait(usize),
    /// A leader's next heartbeat is due.
    Heartbeat(usize),
    /// A leader is offered a command.
    Propose(usize),
    /// A flush carries all of a peer's writes to its disk.
    Flush(usize),
    /// A peer crashes; this many of the writes under way survive. It starts again at once.
    Crash(usize, usize),
    /// A leader is asked for the next change of members.
    Change(usize),
    /// A peer that knows a leader is asked for a read.
    Read(usize),
    /// A peer's service takes a snapshot of all it was given.
    Compact(usize),
    /// A message arrives.
    Deliver(Arc<Envelope>),
    /// A message arrives, and will once more.
    DeliverAndKeep(Arc<Envelope>),
}

impl State {
    /// Everything that can happen within the bounds.
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
