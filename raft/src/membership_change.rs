//! Requests to change a cluster's members, and their errors. The steps of a change are those of
//! [`Node::change_membership`](crate::Node::change_membership).

use std::collections::BTreeSet;

use crate::membership::{Address, BrokenMembership, Membership};
use crate::types::{Index, PeerId};

/// A change of a cluster's members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MembershipChange {
    /// Adds a learner, which receives all entries and has no vote. The first step of every new
    /// voter.
    AddLearner {
        /// The peer.
        peer: PeerId,
        /// Its address, unless the transport has its own.
        address: Option<Address>,
    },
    /// Makes a learner a voter, if it has caught up.
    Promote {
        /// The learner.
        peer: PeerId,
    },
    /// Makes a voter a learner.
    Demote {
        /// The voter.
        peer: PeerId,
    },
    /// Removes a voter or a learner.
    Remove {
        /// The member.
        peer: PeerId,
    },
    /// Puts a learner that has caught up in the place of a voter, which leaves.
    ReplaceVoter {
        /// The voter.
        old: PeerId,
        /// The learner.
        new: PeerId,
    },
    /// Changes a member's address.
    UpdateAddress {
        /// The member.
        peer: PeerId,
        /// Its new address.
        address: Address,
    },
    /// Replaces the members, however many change: learners that have caught up may become voters in
    /// one step, members not listed leave, and addresses are replaced.
    Replace(Membership),
}

/// A rejected change of members; it had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// This peer is not the leader.
    #[error("not the leader")]
    NotLeader {
        /// The leader, if known.
        leader: Option<PeerId>,
    },
    /// A leadership transfer is in progress (dissertation §3.10).
    #[error("a transfer to peer {to} is in progress")]
    TransferInProgress {
        /// The next leader.
        to: PeerId,
    },
    /// Another change is in progress (paper §6).
    #[error("the change of entry {since} is still under way")]
    InProgress {
        /// The entry of the change's last step.
        since: Index,
    },
    /// A leader changes members only once an entry of its own term is committed: its predecessor
    /// may have committed a change that its log does not show as committed yet.
    #[error("no entry of the leader's term is committed yet; retry")]
    TermNotCommitted,
    /// The peer is already a voter or a learner.
    #[error("peer {peer} is already a member")]
    AlreadyMember {
        /// The peer.
        peer: PeerId,
    },
    /// The peer is not a member.
    #[error("peer {peer} is not a member")]
    NotAMember {
        /// The peer.
        peer: PeerId,
    },
    /// A new voter must be a learner first, and catch up (dissertation §4.2.1).
    #[error("peer {peer} must be a learner before it becomes a voter")]
    NotALearner {
        /// The peer.
        peer: PeerId,
    },
    /// The peer is not a voter.
    #[error("peer {peer} is not a voter")]
    NotAVoter {
        /// The peer.
        peer: PeerId,
    },
    /// A voter that lacks entries could stop the cluster from committing (dissertation §4.2.1).
    #[error("learner {peer} lacks {missing} entries, at most {allowed} may be missing")]
    NotCaughtUp {
        /// The learner.
        peer: PeerId,
        /// The number of entries it may lack.
        missing: u64,
        /// The limit, [`Config::promotion_lag_max`](crate::Config::promotion_lag_max).
        allowed: u64,
    },
    /// The learner has not stored the entry that made it one: until then it does not vote.
    #[error("learner {peer} has not stored the entry that made it a learner yet; retry")]
    NotAdmitted {
        /// The learner.
        peer: PeerId,
    },
    /// The learner does not answer.
    #[error("learner {peer} does not answer")]
    Unresponsive {
        /// The learner.
        peer: PeerId,
    },
    /// The requested members contradict each other.
    #[error(transparent)]
    Broken(#[from] BrokenMembership),
    /// A joint configuration is a step of a change, not a valid target.
    #[error("a joint configuration is not a valid request; give the new members alone")]
    Joint,
    /// The requested members are the current ones.
    #[error("no change: these are the current members")]
    NoChange,
}

impl Membership {
    /// The members after a change.
    ///
    /// # Errors
    /// The change does not fit these members.
    pub fn changed(&self, change: MembershipChange) -> Result<Self, ChangeError> {
        let target = match change {
            MembershipChange::AddLearner { peer, address } => {
                if self.contains(peer) {
                    return Err(ChangeError::AlreadyMember { peer });
                }
                let learner = self.clone().with_learner(peer);
                match address {
                    Some(address) => learner.with_address(peer, address),
                    None => learner,
                }
            }
            MembershipChange::Promote { peer } => {
                self.must(peer, self.learners(), ChangeError::NotALearner { peer })?;
                self.clone().with_voter(peer)
            }
            MembershipChange::Demote { peer } => {
                self.must(peer, self.voters(), ChangeError::NotAVoter { peer })?;
                self.clone().with_demoted(peer)
            }
            MembershipChange::Remove { peer } => {
                if !self.contains(peer) {
                    return Err(ChangeError::NotAMember { peer });
                }
                self.clone().without(peer)
            }
            MembershipChange::ReplaceVoter { old, new } => self.with_replaced(old, new)?,
            MembershipChange::UpdateAddress { peer, address } => {
                if !self.contains(peer) {
                    return Err(ChangeError::NotAMember { peer });
                }
                self.clone().with_address(peer, address)
            }
            MembershipChange::Replace(target) => target.with_records_of(self),
        };
        if target.is_joint() {
            return Err(ChangeError::Joint);
        }
        if target == *self {
            return Err(ChangeError::NoChange);
        }
        Ok(target.validated()?)
    }

    /// A voter replaced by a learner. Nothing changes if that has been done.
    fn with_replaced(&self, old: PeerId, new: PeerId) -> Result<Self, ChangeError> {
        if !self.contains(old) && self.voters().contains(&new) {
            return Ok(self.clone());
        }
        self.must(old, self.voters(), ChangeError::NotAVoter { peer: old })?;
        self.must(new, self.learners(), ChangeError::NotALearner { peer: new })?;
        Ok(self.clone().with_voter(new).without(old))
    }

    fn must(
        &self,
        peer: PeerId,
        among: &BTreeSet<PeerId>,
        otherwise: ChangeError,
    ) -> Result<(), ChangeError> {
        match (among.contains(&peer), self.contains(peer)) {
            (true, _) => Ok(()),
            (false, true) => Err(otherwise),
            (false, false) => Err(ChangeError::NotAMember { peer }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(number: u64) -> PeerId {
        PeerId::new(number)
    }

    fn members() -> Membership {
        Membership::of_voters([1, 2].map(p)).with_learner(p(3)).with_address(p(3), "three")
    }

    #[test]
    fn a_change_results_in_the_new_members() {
        let rows = [
            (
                MembershipChange::AddLearner { peer: p(4), address: Some("four".into()) },
                "voters 1 2, learners 3 4",
                2,
            ),
            (MembershipChange::Promote { peer: p(3) }, "voters 1 2 3", 1),
            (MembershipChange::Demote { peer: p(1) }, "voters 2, learners 1 3", 1),
            (MembershipChange::Remove { peer: p(3) }, "voters 1 2", 0),
            (MembershipChange::Remove { peer: p(2) }, "voters 1, learners 3", 1),
            (MembershipChange::Replace(Membership::of_voters([p(9)])), "voters 9", 0),
            (MembershipChange::ReplaceVoter { old: p(1), new: p(3) }, "voters 2 3", 1),
            (
                MembershipChange::UpdateAddress { peer: p(1), address: "one".into() },
                "voters 1 2, learners 3",
                2,
            ),
        ];
        for (change, expected, addresses) in rows {
            let after = members().changed(change.clone()).expect(expected);
            assert_eq!(after.to_string(), expected, "{change:?}");
            assert_eq!(after.addresses().len(), addresses, "{change:?}");
        }
    }

    #[test]
    fn an_invalid_change_is_rejected() {
        let single = Membership::of_voters([p(1)]);
        let joint = single.enter_joint(Membership::of_voters([p(2)]));
        let address = None;
        let rows = [
            (MembershipChange::AddLearner { peer: p(3), address }, "peer 3 is already a member"),
            (MembershipChange::Promote { peer: p(1) }, "peer 1 must be a learner before"),
            (MembershipChange::Promote { peer: p(7) }, "peer 7 is not a member"),
            (MembershipChange::Demote { peer: p(3) }, "peer 3 is not a voter"),
            (MembershipChange::Remove { peer: p(7) }, "peer 7 is not a member"),
            (MembershipChange::Replace(members()), "no change: these are the current members"),
            (
                MembershipChange::Replace(joint),
                "a joint configuration is not a valid request; give the new members alone",
            ),
            (MembershipChange::Replace(Membership::default()), "no voter"),
            (MembershipChange::ReplaceVoter { old: p(3), new: p(3) }, "peer 3 is not a voter"),
            (
                MembershipChange::ReplaceVoter { old: p(1), new: p(2) },
                "peer 2 must be a learner before",
            ),
            (MembershipChange::ReplaceVoter { old: p(7), new: p(2) }, "no change"),
            (
                MembershipChange::UpdateAddress { peer: p(7), address: "x".into() },
                "peer 7 is not a member",
            ),
            (MembershipChange::UpdateAddress { peer: p(3), address: "three".into() }, "no change"),
        ];
        for (change, expected) in rows {
            let error = members().changed(change.clone()).expect_err(expected).to_string();
            assert!(error.contains(expected), "{change:?}: {error}");
        }
        let last = single.changed(MembershipChange::Remove { peer: p(1) });
        assert_eq!(last, Err(ChangeError::Broken(BrokenMembership::NoVoters)));
    }
}
