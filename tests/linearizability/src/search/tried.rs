//! The configurations that a search has been in: the operations placed so far, and the state.

#![expect(clippy::disallowed_types, reason = "configurations are looked up and never iterated")]

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::entries::Position;
use super::hash::Mixed;
use super::operations::StateId;

/// A set of operations. Those that have returned are placed roughly in their order, so that all but a
/// few words are full or empty; the others are kept apart.
pub(super) struct Placed {
    returned: Vec<u64>,
    pending: Vec<u64>,
    /// Number of operations that have returned.
    count: usize,
    /// Number of leading words in which every operation is.
    full: usize,
    /// No operation is in the words from here on.
    used: usize,
}

impl Placed {
    pub(super) fn new(returned: usize, pending: usize) -> Self {
        let words = |bits: usize| vec![0; bits.div_ceil(WORD)];
        let (count, pending) = (returned, words(pending));
        Self { returned: words(returned), pending, count, full: 0, used: 0 }
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        let (words, bit) = match number.checked_sub(self.count) {
            None => (&self.returned, number),
            Some(bit) => (&self.pending, bit),
        };
        words[bit / WORD] & 1 << (bit % WORD) != 0
    }

    pub(super) fn insert(&mut self, number: usize) {
        if let Some(bit) = number.checked_sub(self.count) {
            self.pending[bit / WORD] |= 1 << (bit % WORD);
            return;
        }
        self.returned[number / WORD] |= 1 << (number % WORD);
        self.used = self.used.max(number / WORD + 1);
        while self.returned.get(self.full) == Some(&u64::MAX) {
            self.full += 1;
        }
    }

    pub(super) fn remove(&mut self, number: usize) {
        if let Some(bit) = number.checked_sub(self.count) {
            self.pending[bit / WORD] &= !(1 << (bit % WORD));
            return;
        }
        self.returned[number / WORD] &= !(1 << (number % WORD));
        self.full = self.full.min(number / WORD);
        while self.used > 0 && self.returned[self.used - 1] == 0 {
            self.used -= 1;
        }
    }

    fn key(&self, state: StateId) -> Key {
        let window = &self.returned[self.full.min(self.used)..self.used];
        Key { full: self.full, state, words: [&self.pending[..], window].concat().into() }
    }
}

const WORD: usize = u64::BITS as usize;

#[derive(PartialEq, Eq, Hash)]
struct Key {
    full: usize,
    state: StateId,
    words: Box<[u64]>,
}

/// The memory of the search.
#[derive(Default)]
pub(super) struct Tried(HashMap<Key, Position, Mixed>);

impl Tried {
    /// Remembers a configuration; `false` if it, or one with more possibilities, was tried before.
    ///
    /// The higher the horizon, the more writes can be taken for overwritten.
    pub(super) fn insert(&mut self, placed: &Placed, state: StateId, horizon: Position) -> bool {
        match self.0.entry(placed.key(state)) {
            Entry::Vacant(entry) => {
                entry.insert(horizon);
                true
            }
            Entry::Occupied(mut entry) => {
                let is_more = *entry.get() < horizon;
                if is_more {
                    entry.insert(horizon);
                }
                is_more
            }
        }
    }
}
