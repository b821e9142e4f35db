//! Handing leadership over, from the call until it is there or given up.

use super::call::Reply;
use super::core_task::CoreTask;
use super::error::HandoverError;
use super::machine::StateMachine;
use crate::node::{Node, TransferError};
use crate::role::{Role, RoleName};
use crate::types::{PeerId, Term};

/// A caller's wish.
pub(super) struct HandoverCall {
    /// The peer that is to lead; without one, whoever is best prepared.
    pub(super) to: Option<PeerId>,
    pub(super) reply: Reply<(), HandoverError>,
}

/// Leadership is on its way.
pub(super) struct PendingHandover {
    /// The term whose leadership it is.
    term: Term,
    to: PeerId,
    reply: Reply<(), HandoverError>,
}

impl<M: StateMachine> CoreTask<M> {
    pub(super) fn on_handover(&mut self, HandoverCall { to, reply }: HandoverCall) {
        let Some(to) = to.or_else(|| best_prepared(&self.node)) else {
            let status = self.node.status();
            return reply.send(Err(match status.role {
                RoleName::Leader => HandoverError::NobodyToLead,
                RoleName::Follower | RoleName::PreCandidate | RoleName::Candidate => {
                    HandoverError::Refused(TransferError::NotLeader { leader: status.leader })
                }
            }));
        };
        match self.node.transfer_leadership(self.now, to) {
            Ok(()) => {
                let term = self.node.status().current_term;
                self.handovers.push(PendingHandover { term, to, reply });
            }
            Err(error) => reply.send(Err(HandoverError::Refused(error))),
        }
    }

    /// Answers callers once this peer leads no longer, or leads on.
    pub(super) fn settle_handovers(&mut self) {
        if self.handovers.is_empty() {
            return;
        }
        let (status, successor) = (self.node.status(), self.node.successor());
        let leads = |term| status.role == RoleName::Leader && status.current_term == term;
        let under_way = |pending: &PendingHandover| leads(pending.term) && successor.is_some();
        let settled = self.handovers.extract_if(.., |pending| !under_way(pending));
        for PendingHandover { term, to, reply } in settled {
            reply.send(if leads(term) { Err(HandoverError::GivenUp { to }) } else { Ok(()) });
        }
    }
}

/// The voter that lacks least of the log; of several, the one heard from last.
fn best_prepared(node: &Node) -> Option<PeerId> {
    let Role::Leader(leader) = node.role() else { return None };
    let voters = leader.followers.iter().filter(|(peer, _)| node.membership().votes(**peer));
    let best = voters.max_by_key(|(_, progress)| (progress.match_index, progress.heard_at));
    best.map(|(peer, _)| *peer)
}
