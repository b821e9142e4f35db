//! What may be asked of a cluster's members, and why it may be refused. A change is a wish; the
//! steps to it are those of [`Node::change_membership`](crate::Node::change_membership).

use std::collections::BTreeSet;

use crate::membership::{Address, BrokenMembership, Membership};
use crate::types::{Index, PeerId};

/// A change of a cluster's members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MembershipChange {
    /// A new peer gets all entries from now on; it has no vote. The first step of everybody who is
    /// to become a voter.
    AddLearner {
        /// The peer.
        peer: PeerId,
        /// Where it is reached, unless the transport knows anyway.
        address: Option<Address>,
    },
    /// A learner becomes a voter, if it has caught up.
    Promote {
        /// The learner.
        peer: PeerId,
    },
    /// A voter becomes a learner.
    Demote {
        /// The voter.
        peer: PeerId,
    },
    /// A voter or a learner leaves.
    Remove {
        /// The member.
        peer: PeerId,
    },
    /// These are the members from now on, however many of them are new: learners that have caught
    /// up may become voters in one step, whoever is missing leaves, and addresses are as they are
    /// here.
    Replace(Membership),
}

/// A change of members was not begun; nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// This peer does not lead.
    #[error("this peer does not lead")]
    NotLeader {
        /// Who leads, as far as this peer knows.
        leader: Option<PeerId>,
    },
    /// This peer hands leadership over and begins nothing meanwhile (dissertation §3.10).
    #[error("leadership is on its way to peer {to}")]
    TransferInProgress {
        /// The peer that is to lead.
        to: PeerId,
    },
    /// Changes come one after the other (paper §6).
    #[error("the change of entry {since} is still under way")]
    InProgress {
        /// The entry of the change's last step.
        since: Index,
    },
    /// A leader changes members only once an entry of its own term is committed: until then it may
    /// not know of a change that its predecessor committed.
    #[error("the leader has not committed an entry of its own term yet")]
    TermNotCommitted,
    /// The peer is in the cluster already, as a voter or as a learner.
    #[error("peer {peer} is a member already")]
    AlreadyMember {
        /// The peer.
        peer: PeerId,
    },
    /// The peer is not in the cluster.
    #[error("peer {peer} is no member")]
    NotAMember {
        /// The peer.
        peer: PeerId,
    },
    /// A peer becomes a learner first, and a voter once it has caught up (dissertation §4.2.1).
    #[error("peer {peer} must be a learner before it becomes a voter")]
    NotALearner {
        /// The peer.
        peer: PeerId,
    },
    /// The peer is no voter.
    #[error("peer {peer} is no voter")]
    NotAVoter {
        /// The peer.
        peer: PeerId,
    },
    /// A voter that lacks entries could keep the cluster from committing until it has them (dissertation
    /// §4.2.1).
    #[error("learner {peer} lacks {missing} entries, at most {allowed} may be missing")]
    NotCaughtUp {
        /// The learner.
        peer: PeerId,
        /// How many entries it is not known to have.
        missing: u64,
        /// What [`Config::promotion_lag_max`](crate::Config::promotion_lag_max) allows.
        allowed: u64,
    },
    /// The learner does not answer, whatever entries it has.
    #[error("learner {peer} does not answer")]
    Unresponsive {
        /// The learner.
        peer: PeerId,
    },
    /// The wanted members contradict each other.
    #[error(transparent)]
    Broken(#[from] BrokenMembership),
    /// A joint configuration is a step between two, not a wish.
    #[error("a joint configuration cannot be asked for")]
    Joint,
    /// The members are as wanted.
    #[error("the members are as wanted already")]
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
            MembershipChange::Replace(target) => target,
        };
        if target.is_joint() {
            return Err(ChangeError::Joint);
        }
        if target == *self {
            return Err(ChangeError::NoChange);
        }
        Ok(target.validated()?)
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
    fn a_change_says_who_is_what_afterwards() {
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
        ];
        for (change, expected, addresses) in rows {
            let after = members().changed(change.clone()).expect(expected);
            assert_eq!(after.to_string(), expected, "{change:?}");
            assert_eq!(after.addresses().len(), addresses, "{change:?}");
        }
    }

    #[test]
    fn a_change_that_does_not_fit_is_refused() {
        let lonely = Membership::of_voters([p(1)]);
        let joint = lonely.enter_joint(Membership::of_voters([p(2)]));
        let address = None;
        let rows = [
            (MembershipChange::AddLearner { peer: p(3), address }, "peer 3 is a member already"),
            (MembershipChange::Promote { peer: p(1) }, "peer 1 must be a learner before"),
            (MembershipChange::Promote { peer: p(7) }, "peer 7 is no member"),
            (MembershipChange::Demote { peer: p(3) }, "peer 3 is no voter"),
            (MembershipChange::Remove { peer: p(7) }, "peer 7 is no member"),
            (MembershipChange::Replace(members()), "the members are as wanted already"),
            (MembershipChange::Replace(joint), "a joint configuration cannot be asked for"),
            (MembershipChange::Replace(Membership::default()), "a cluster needs a voter"),
        ];
        for (change, expected) in rows {
            let error = members().changed(change.clone()).expect_err(expected).to_string();
            assert!(error.contains(expected), "{change:?}: {error}");
        }
        let last = lonely.changed(MembershipChange::Remove { peer: p(1) });
        assert_eq!(last, Err(ChangeError::Broken(BrokenMembership::NoVoters)));
    }
}
