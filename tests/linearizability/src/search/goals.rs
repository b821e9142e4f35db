//! The states that operations need, in the order in which they will have to be reached.

use std::collections::BTreeSet;

use super::operations::{Operation, StateId};
use crate::timed::Timed;

/// The states that operations need.
pub(super) struct Goals {
    states: Vec<StateId>,
    /// For each state, the place of the first goal that can be reached from it, as far as is known.
    first: Vec<usize>,
    /// Number of goals that were looked at.
    looks: u64,
}

impl Goals {
    pub(super) fn new<C>(operations: &[Operation], timed: &[&Timed<C>]) -> Self {
        let needs = operations.iter().zip(timed).filter_map(|(own, timed)| {
            let needs = *own.effect.needs()?;
            Some((timed.end(), timed.called(), needs))
        });
        let mut needs: Vec<_> = needs.collect();
        needs.sort_unstable();
        let mut known = BTreeSet::new();
        let states = needs.into_iter().map(|(_, _, needs)| needs);
        let states = states.filter(|state| known.insert(*state)).collect();
        Self { states, first: Vec::new(), looks: 0 }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = StateId> + '_ {
        self.states.iter().copied()
    }

    /// Number of goals that were looked at.
    pub(super) const fn looks(&self) -> u64 {
        self.looks
    }

    /// A call that depends on the state leads from one state to another: what is not reached from the
    /// first is not from the second.
    pub(super) fn lead(&mut self, from: StateId, to: StateId) {
        let first = self.first.get(from as usize).copied().unwrap_or_default();
        let to = self.first_from(to);
        *to = first.max(*to);
    }

    /// The place of the first goal that can be reached from a state, as far as is known.
    fn first_from(&mut self, state: StateId) -> &mut usize {
        let state = state as usize;
        if self.first.len() <= state {
            self.first.resize(state + 1, 0);
        }
        &mut self.first[state]
    }

    /// The first goal that is reached from a state, and still needed; `look` tells both.
    pub(super) fn first(
        &mut self,
        from: StateId,
        look: impl Fn(StateId) -> (bool, bool),
    ) -> Option<StateId> {
        let (start, mut first, mut found) = (*self.first_from(from), None, None);
        let mut looks = 0;
        for (place, goal) in self.states.iter().enumerate().skip(start) {
            looks += 1;
            let (is_reached, is_needed) = look(*goal);
            first = first.or(is_reached.then_some(place));
            if is_reached && is_needed {
                found = Some(*goal);
                break;
            }
        }
        self.looks += looks;
        *self.first_from(from) = first.unwrap_or(self.states.len());
        found
    }
}
