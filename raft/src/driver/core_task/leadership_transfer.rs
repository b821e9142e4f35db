//! Leadership transfers, from the request to the election.

use super::CoreTask;
use super::request::{PendingTransfer, TransferRequest};
use crate::driver::error::LeadershipTransferError;
use crate::driver::machine::Machine;
use crate::node;
use crate::types::{PeerId, Term};

impl<M: Machine> CoreTask<M> {
    /// Starts a leadership transfer.
    pub(super) fn on_transfer_leadership(
        &mut self,
        TransferRequest { to, reply }: TransferRequest,
    ) {
        if let Some(waited) = self.disk_stuck_for() {
            return reply.send(Err(LeadershipTransferError::DiskStuck(waited)));
        }
        match self.node.transfer_leadership(self.now, to) {
            Ok(()) => {
                let term = self.node.status().current_term;
                self.transfers.push(PendingTransfer { to, term, reply });
            }
            Err(error) => reply.send(Err(LeadershipTransferError::Rejected(error))),
        }
    }

    /// Answers callers whose transfer has succeeded or failed.
    pub(super) fn answer_transfers(&mut self) {
        if self.transfers.is_empty() {
            return;
        }
        let (status, successor) = (self.node.status(), self.node.transfer_target());
        for PendingTransfer { to, term, reply } in std::mem::take(&mut self.transfers) {
            match outcome(to, term, &status, successor) {
                Some(outcome) => reply.send(outcome),
                None if reply.is_awaited() => {
                    self.transfers.push(PendingTransfer { to, term, reply });
                }
                None => {}
            }
        }
    }
}

/// The outcome of the transfer from the leader of `term` to `to`, once it is known.
fn outcome(
    to: PeerId,
    term: Term,
    status: &node::Status,
    successor: Option<PeerId>,
) -> Option<Result<(), LeadershipTransferError>> {
    let leader = status.leader?;
    if leader == to {
        Some(Ok(()))
    } else if status.current_term > term {
        Some(Err(LeadershipTransferError::AnotherElected { to, leader }))
    } else if successor == Some(to) {
        None
    } else {
        Some(Err(LeadershipTransferError::Aborted { to }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Index, RoleName};

    /// Peer 1 leads term 4 and transfers leadership to peer 2.
    #[test]
    fn a_transfer_ends_when_the_next_leader_is_known() {
        let [one, two, three] = [1, 2, 3].map(PeerId::new);
        let rows = [
            ("on its way", Some(one), 4, Some(two), None),
            ("given up", Some(one), 4, None, Some("peer 2 did not take over in time")),
            ("stepped down", None, 4, None, None),
            ("an election", None, 5, None, None),
            ("done", Some(two), 5, None, Some("done")),
            ("done, and peer 2 was elected once more", Some(two), 7, None, Some("done")),
            ("lost", Some(three), 5, None, Some("peer 3 was elected instead of peer 2")),
            ("elected again", Some(one), 6, None, Some("peer 1 was elected instead of peer 2")),
            ("handed to it anew", Some(one), 6, Some(two), Some("peer 1 was elected instead")),
        ];
        for (case, leader, term, successor, expected) in rows {
            let status = node::Status {
                id: one,
                role: if leader == Some(one) { RoleName::Leader } else { RoleName::Follower },
                current_term: Term::new(term),
                voted_for: None,
                leader,
                commit_index: Index::ZERO,
                last_applied: Index::ZERO,
                durable_index: Index::ZERO,
            };
            let text = outcome(two, Term::new(4), &status, successor)
                .map(|outcome| outcome.map_or_else(|error| error.to_string(), |()| "done".into()));
            let fits = match (&text, expected) {
                (Some(text), Some(expected)) => text.starts_with(expected),
                (text, expected) => text.is_none() && expected.is_none(),
            };
            assert!(fits, "{case}: {text:?} should be {expected:?}");
        }
    }
}
