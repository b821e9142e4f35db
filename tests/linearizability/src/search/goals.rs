//! The states that operations need, in the order in which they will have to be reached.

use std::collections::BTreeSet;

use super::operations::{Operation, StateId};
use crate::timed::Timed;

/// The states that operations need.
pub(super) struct Goals {
    states: Vec<StateId>,
    /// For each state, the place of the first goal that can be reached from it, as far as is known.
    first: Vec<usize>,
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
        Self { states, first: Vec::new() }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = StateId> + '_ {
        self.states.iter().copied()
    }

    /// The first goal that is reached from a state, and still needed; `look` tells both.
    pub(super) fn first(
        &mut self,
        from: StateId,
        look: impl Fn(StateId) -> (bool, bool),
    ) -> Option<StateId> {
        let from = from as usize;
        if self.first.len() <= from {
            self.first.resize(from + 1, 0);
        }
        let mut is_reached_before = false;
        for place in self.first[from]..self.states.len() {
            let (is_reached, is_needed) = look(self.states[place]);
            if is_reached && !is_reached_before {
                self.first[from] = place;
                is_reached_before = true;
            }
            if is_reached && is_needed {
                return Some(self.states[place]);
            }
        }
        if !is_reached_before {
            self.first[from] = self.states.len();
        }
        None
    }
}
