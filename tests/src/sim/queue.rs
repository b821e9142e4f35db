//! Event queue, in the order (time, seeded tie, sequence).
//!
//! Events of one instant that come from different sources happen in a random order that the seed
//! decides; events of one source keep the order in which they were made. The tie is computed from
//! seed, source and time alone, so that an event more or less does not reorder the others.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use raft::Instant;

use super::random::{Domain, Stream, mix};

/// Source of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(u64);

impl Source {
    /// The link from one peer to another, by their server numbers.
    #[must_use]
    pub const fn link(from: usize, to: usize) -> Self {
        Self(1 << 60 | (from as u64) << 30 | to as u64)
    }

    /// A peer's disk.
    #[must_use]
    pub const fn disk(peer: usize) -> Self {
        Self(2 << 60 | peer as u64)
    }

    /// A peer's timer.
    #[must_use]
    pub const fn timer(peer: usize) -> Self {
        Self(3 << 60 | peer as u64)
    }

    /// A peer's late polls.
    #[must_use]
    pub const fn poll(peer: usize) -> Self {
        Self(5 << 60 | peer as u64)
    }

    /// A peer's reads of entries.
    #[must_use]
    pub const fn entry_reads(peer: usize) -> Self {
        Self(6 << 60 | peer as u64)
    }

    /// A task of the test, by its name as a number.
    #[must_use]
    pub const fn task(name: u64) -> Self {
        Self(4 << 60 | name >> 4)
    }
}

/// Events to come.
#[derive(Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<Scheduled<E>>>,
    tie_seed: u64,
    pushed: u64,
}

/// An event with its place in the order.
#[derive(Debug)]
pub struct Scheduled<E> {
    /// Time of the event.
    pub at: Instant,
    tie: u64,
    /// Its number among all events of the run.
    pub sequence: u64,
    /// The event.
    pub event: E,
}

impl<E> Queue<E> {
    /// An empty queue whose ties are decided by `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let tie_seed = Stream::new(seed, Domain::Tie, [0, 0]).draw();
        Self { heap: BinaryHeap::with_capacity(256), tie_seed, pushed: 0 }
    }

    /// Adds an event of `source` at `at`.
    pub fn push(&mut self, at: Instant, source: Source, event: E) {
        let tie = mix(self.tie_seed ^ source.0 ^ at.as_nanos().rotate_left(32));
        self.pushed += 1;
        self.heap.push(Reverse(Scheduled { at, tie, sequence: self.pushed, event }));
    }

    /// The time of the next event.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(scheduled)| scheduled.at)
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<Scheduled<E>> {
        self.heap.pop().map(|Reverse(scheduled)| scheduled)
    }
}

impl<E> Scheduled<E> {
    const fn key(&self) -> (u64, u64, u64) {
        (self.at.as_nanos(), self.tie, self.sequence)
    }
}

impl<E> PartialEq for Scheduled<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Scheduled<E> {}

impl<E> PartialOrd for Scheduled<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Scheduled<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, events: &[(u64, Source)]) -> Vec<usize> {
        let mut queue = Queue::new(seed);
        for (name, (at, source)) in events.iter().enumerate() {
            queue.push(Instant::from_nanos(*at), *source, name);
        }
        std::iter::from_fn(|| queue.pop()).map(|scheduled| scheduled.event).collect()
    }

    #[test]
    fn time_decides_first() {
        let events = [(30, Source::disk(0)), (10, Source::timer(1)), (20, Source::link(0, 1))];
        for seed in 0..20 {
            assert_eq!(order(seed, &events), [1, 2, 0]);
        }
    }

    #[test]
    fn one_source_keeps_its_order_and_two_race() {
        let (a, b) = (Source::link(0, 1), Source::link(0, 2));
        let mut first = [0, 0];
        for seed in 0..100 {
            let order = order(seed, &[(5, a), (5, b), (5, a), (5, b)]);
            let position = |name| order.iter().position(|found| *found == name);
            assert!(position(0) < position(2), "{order:?}");
            assert!(position(1) < position(3), "{order:?}");
            first[order[0]] += 1;
        }
        assert!(first[0] > 20 && first[1] > 20, "both win races: {first:?}");
    }

    #[test]
    fn an_event_more_does_not_reorder_the_others() {
        for seed in 0..50 {
            let with =
                order(seed, &[(5, Source::disk(0)), (5, Source::disk(1)), (5, Source::disk(2))]);
            let without = order(seed, &[(5, Source::disk(0)), (5, Source::disk(1))]);
            let same: Vec<usize> = with.into_iter().filter(|name| *name != 2).collect();
            assert_eq!(same, without);
        }
    }
}
