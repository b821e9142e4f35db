//! Majorities: counting votes and finding the index a majority holds. Pure functions over what
//! they are given.

use std::collections::BTreeSet;

use crate::types::PeerId;

/// The votes a candidate has; each peer counts once, however often its answer arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    granted: BTreeSet<PeerId>,
}

/// Where an election stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// No majority yet.
    Pending,
    /// A majority granted its vote.
    Won,
}

impl Tally {
    /// Counts a vote and says whether it is new; a second one of the same peer changes nothing.
    pub fn grant(&mut self, from: PeerId) -> bool {
        self.granted.insert(from)
    }

    /// How many peers granted their vote.
    #[must_use]
    pub fn votes(&self) -> usize {
        self.granted.len()
    }

    /// Where the election stands when `majority` votes are needed.
    #[must_use]
    pub fn standing(&self, majority: usize) -> Standing {
        if self.votes() >= majority { Standing::Won } else { Standing::Pending }
    }
}

/// The highest index (or round) that at least `majority` of the peers hold. Sorts `held`, one entry
/// a peer.
///
/// ```
/// use raft::{Index, quorum::held_by_majority};
/// let mut held = [5, 9, 7, 3, 8].map(Index::new);
/// assert_eq!(held_by_majority(&mut held, 3), Index::new(7));
/// ```
#[must_use]
pub fn held_by_majority<T: Copy + Default + Ord>(held: &mut [T], majority: usize) -> T {
    held.sort_unstable_by(|a, b| b.cmp(a));
    majority.checked_sub(1).and_then(|place| held.get(place)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Index;
    use proptest::prelude::*;

    #[test]
    fn a_voter_counts_once() {
        let mut tally = Tally::default();
        assert!(tally.grant(PeerId::new(1)));
        assert!(!tally.grant(PeerId::new(1)));
        assert_eq!((tally.votes(), tally.standing(2)), (1, Standing::Pending));
        tally.grant(PeerId::new(2));
        assert_eq!(tally.standing(2), Standing::Won);
    }

    proptest! {
        #[test]
        fn a_majority_holds_the_index_and_none_holds_the_next(
            held in proptest::collection::vec(0_u64..20, 1..9),
        ) {
            let majority = held.len() / 2 + 1;
            let mut indexes: Vec<Index> = held.iter().copied().map(Index::new).collect();
            let found = held_by_majority(&mut indexes, majority).number();
            prop_assert!(held.iter().filter(|index| **index >= found).count() >= majority);
            prop_assert!(held.iter().filter(|index| **index > found).count() < majority);
        }
    }
}
