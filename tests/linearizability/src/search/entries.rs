//! Calls and returns in the order of their times, as a list from which calls are lifted and put back.

use crate::timed::Timed;

/// A place in the list. The head is before everything.
pub(super) type Position = usize;

/// The head of the list.
const HEAD: Position = 0;

/// An entry; operations are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Call(usize),
    Return(usize),
    End,
}

/// The list.
pub(super) struct Entries {
    entries: Vec<Entry>,
    next: Vec<Position>,
    prev: Vec<Position>,
    calls: Vec<Position>,
    returns: Vec<Option<Position>>,
    returns_left: usize,
}

impl Entries {
    /// The list of these calls. Those of equal times overlap: a call comes before a return.
    pub(super) fn new<C>(history: &[&Timed<C>]) -> Self {
        let mut times = Vec::with_capacity(2 * history.len());
        for (number, timed) in history.iter().enumerate() {
            times.push((timed.called(), 0, Entry::Call(number)));
            times.extend(timed.returned().map(|at| (at, 1, Entry::Return(number))));
        }
        times.sort_by_key(|(at, order, _)| (*at, *order));
        let length = times.len() + 2;
        let mut list = Self {
            entries: vec![Entry::End; length],
            next: (1..=length).collect(),
            prev: (0..length).map(|position| position.saturating_sub(1)).collect(),
            calls: vec![HEAD; history.len()],
            returns: vec![None; history.len()],
            returns_left: 0,
        };
        for (position, (_, _, entry)) in (1..).zip(times) {
            list.entries[position] = entry;
            match entry {
                Entry::Call(number) => list.calls[number] = position,
                Entry::Return(number) => {
                    list.returns[number] = Some(position);
                    list.returns_left += 1;
                }
                Entry::End => {}
            }
        }
        list
    }

    pub(super) fn first(&self) -> Position {
        self.next[HEAD]
    }

    pub(super) fn after(&self, position: Position) -> Position {
        self.next[position]
    }

    pub(super) fn before(&self, position: Position) -> Position {
        self.prev[position]
    }

    pub(super) fn entry(&self, position: Position) -> Entry {
        self.entries[position]
    }

    /// The place of a call.
    pub(super) fn call(&self, number: usize) -> Position {
        self.calls[number]
    }

    /// The place of a return; behind everything for a call without one.
    pub(super) fn deadline(&self, number: usize) -> Position {
        self.returns[number].unwrap_or(Position::MAX)
    }

    /// Number of calls in the list that have returned.
    pub(super) const fn returns_left(&self) -> usize {
        self.returns_left
    }

    /// The first return, or the end.
    pub(super) fn first_return(&self) -> Position {
        let mut position = self.first();
        while let Entry::Call(_) = self.entries[position] {
            position = self.next[position];
        }
        position
    }

    pub(super) fn lift(&mut self, number: usize) {
        self.unlink(self.calls[number]);
        if let Some(position) = self.returns[number] {
            self.unlink(position);
            self.returns_left -= 1;
        }
    }

    /// In the reverse order of lifting, so that the neighbours are those of then.
    pub(super) fn put_back(&mut self, number: usize) {
        if let Some(position) = self.returns[number] {
            self.link(position);
            self.returns_left += 1;
        }
        self.link(self.calls[number]);
    }

    fn unlink(&mut self, position: Position) {
        let (prev, next) = (self.prev[position], self.next[position]);
        self.next[prev] = next;
        self.prev[next] = prev;
    }

    fn link(&mut self, position: Position) {
        let (prev, next) = (self.prev[position], self.next[position]);
        self.next[prev] = position;
        self.prev[next] = position;
    }
}
