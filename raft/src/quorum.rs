//! Quorums over one configuration or two (paper §5.2, §6): pure functions over a [`Membership`] and
//! the state of its voters; learners and non-members never count.
//!
//! A quorum is a majority of the voters; during a change, a majority of the new and a majority of
//! the old ones, of which a returning member counts as crashed: the store that was a voter is lost. A cluster without voters has no quorum. Elections, commits, reads and check-quorum
//! are all decided here.

use std::collections::BTreeSet;

use crate::membership::Membership;
use crate::types::PeerId;

/// The votes a candidate has; each peer counts once, however often its answer arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    granted: BTreeSet<PeerId>,
}

/// The result of an election so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoteResult {
    /// No quorum yet.
    Pending,
    /// A quorum granted its vote.
    Won,
}

impl Tally {
    /// Counts a vote and returns whether it is new; a second one of the same peer has no effect.
    pub fn grant(&mut self, from: PeerId) -> bool {
        self.granted.insert(from)
    }

    /// The number of votes granted.
    #[must_use]
    pub fn votes(&self) -> usize {
        self.granted.len()
    }

    /// The result among the voters of `membership`.
    #[must_use]
    pub fn result(&self, membership: &Membership) -> VoteResult {
        if is_quorum(membership, |peer| self.granted.contains(&peer)) {
            VoteResult::Won
        } else {
            VoteResult::Pending
        }
    }
}

/// Returns whether the voters for which `agrees` holds are a quorum.
///
/// ```
/// use raft::{Membership, PeerId, quorum::is_quorum};
/// let membership = Membership::of_voters([1, 2, 3].map(PeerId::new));
/// assert!(is_quorum(&membership, |peer| peer.number() != 2));
/// assert!(!is_quorum(&membership, |peer| peer.number() == 2));
/// ```
#[must_use]
pub fn is_quorum(membership: &Membership, agrees: impl Fn(PeerId) -> bool) -> bool {
    held_by_quorum(membership, agrees)
}

/// The highest value that a quorum of the voters holds: each voter of the quorum holds it or a
/// higher one. The default if there are no voters. Values may be log indexes, times or rounds.
///
/// ```
/// use raft::{Index, Membership, PeerId, quorum::held_by_quorum};
/// let membership = Membership::of_voters([1, 2, 3].map(PeerId::new));
/// let held = held_by_quorum(&membership, |peer| Index::new(10 * peer.number()));
/// assert_eq!(held, Index::new(20));
/// ```
#[must_use]
pub fn held_by_quorum<T: Copy + Default + Ord>(
    membership: &Membership,
    held: impl Fn(PeerId) -> T,
) -> T {
    let new = held_by_majority(membership.voters(), &held);
    match membership.outgoing() {
        Some(old) => {
            let lost = membership.returning();
            let held = |peer| if lost.contains(&peer) { T::default() } else { held(peer) };
            new.min(held_by_majority(old, held))
        }
        None => new,
    }
}

/// The fewest votes that win an election.
#[must_use]
pub fn votes_needed(membership: &Membership) -> usize {
    let new = majority(membership.voters());
    membership.outgoing().map_or(new, |old| new.max(majority(old)))
}

/// More than half.
fn majority(voters: &BTreeSet<PeerId>) -> usize {
    voters.len() / 2 + 1
}

/// The number of voters whose values are sorted without an allocation: a leader does it with every
/// answer.
const FEW: usize = 8;

fn held_by_majority<T: Copy + Default + Ord>(
    voters: &BTreeSet<PeerId>,
    held: impl Fn(PeerId) -> T,
) -> T {
    let (mut few, mut many) = ([T::default(); FEW], Vec::new());
    let values = match few.get_mut(..voters.len()) {
        Some(values) => values,
        None => {
            many.resize(voters.len(), T::default());
            many.as_mut_slice()
        }
    };
    for (value, peer) in values.iter_mut().zip(voters) {
        *value = held(*peer);
    }
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(majority(voters) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    #[test]
    fn a_voter_counts_once_and_a_non_member_never() {
        let membership = Membership::of_voters([1, 2].map(PeerId::new));
        let mut tally = Tally::default();
        assert!(tally.grant(PeerId::new(1)));
        assert!(!tally.grant(PeerId::new(1)));
        tally.grant(PeerId::new(9));
        assert_eq!(tally.result(&membership), VoteResult::Pending);
        tally.grant(PeerId::new(2));
        assert_eq!(tally.result(&membership), VoteResult::Won);
    }

    #[test]
    fn a_majority_is_more_than_half() {
        for (peers, expected) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)] {
            let membership = Membership::of_voters((0..peers).map(PeerId::new));
            assert_eq!(votes_needed(&membership), expected, "of {peers}");
        }
    }

    #[test]
    fn an_empty_cluster_has_no_quorum() {
        assert!(!is_quorum(&Membership::default(), |_| true));
    }

    /// On both sides of [`FEW`].
    fn peers() -> impl Strategy<Value = BTreeSet<PeerId>> {
        btree_set((0_u64..12).prop_map(PeerId::new), 1..12)
    }

    /// The definition, by counting.
    fn agree(membership: &Membership, yes: &BTreeSet<PeerId>) -> bool {
        let majority =
            |voters: &BTreeSet<PeerId>| voters.intersection(yes).count() * 2 > voters.len();
        majority(membership.voters()) && membership.outgoing().is_none_or(majority)
    }

    fn joint(
        new: BTreeSet<PeerId>,
        old: Option<BTreeSet<PeerId>>,
        learners: BTreeSet<PeerId>,
    ) -> Membership {
        let new = learners.into_iter().fold(Membership::of_voters(new), Membership::with_learner);
        match old {
            Some(old) => Membership::of_voters(old).enter_joint(new),
            None => new,
        }
    }

    fn memberships() -> impl Strategy<Value = Membership> {
        (peers(), proptest::option::of(peers()), peers())
            .prop_map(|(new, old, learners)| joint(new, old, learners))
    }

    proptest! {
        #[test]
        fn a_quorum_is_a_majority_of_each_configuration(
            membership in memberships(),
            yes in peers(),
        ) {
            let found = is_quorum(&membership, |peer| yes.contains(&peer));
            prop_assert_eq!(found, agree(&membership, &yes));
        }

        #[test]
        fn a_quorum_holds_the_value_and_none_holds_a_higher_one(
            membership in memberships(),
            held in proptest::array::uniform12(0_u64..20),
        ) {
            let of = |peer: PeerId| held[peer.number() as usize];
            let found = held_by_quorum(&membership, of);
            let holding = |least: u64| -> BTreeSet<PeerId> {
                (0..12).map(PeerId::new).filter(|peer| of(*peer) >= least).collect()
            };
            prop_assert!(agree(&membership, &holding(found)));
            prop_assert!(!agree(&membership, &holding(found + 1)));
        }

        /// Paper §6: two decisions of one configuration, and of the one before or after it, share
        /// a voter.
        #[test]
        fn quorums_of_neighbouring_configurations_meet(
            (old, new) in (peers(), peers()),
            (left, right) in (peers(), peers()),
        ) {
            let joint = joint(new.clone(), Some(old.clone()), BTreeSet::new());
            for side in [Membership::of_voters(old), Membership::of_voters(new), joint.clone()] {
                if agree(&joint, &left) && agree(&side, &right) {
                    prop_assert!(left.intersection(&right).next().is_some());
                }
            }
        }
    }
}
