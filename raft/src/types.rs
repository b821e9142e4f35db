//! The numbers of the protocol, each as a type of its own.
//!
//! Terms, indexes and peers do not mix, and arithmetic exists only where the protocol defines it.
//! Depends on no other module. All of it is inline: without link-time optimisation, or built
//! incrementally, a call from another crate would cost more than what it does.

use std::fmt;
use std::time::Duration;

/// A number with a type of its own: made from a `u64`, shown as one, in decimal unless a function
/// shows it, and otherwise not mixed with others.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        number! { $(#[$doc])* $name, fmt::Display::fmt }
    };
    ($(#[$doc:meta])* $name:ident, $shown:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The one with this number.
            #[inline]
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number itself, for encoding and display.
            #[inline]
            #[must_use]
            pub const fn number(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $shown(&self.0, f)
            }
        }
    };
}
pub(crate) use number;

number! {
    /// A term, the logical clock of Raft (paper §5.1, Figure 2 `currentTerm`).
    ///
    /// [`Term::ZERO`] is the term before the first election; no entry and no message carries it.
    #[derive(Default)]
    Term
}

number! {
    /// A position in the log. The first entry is at 1; [`Index::ZERO`] is the place before it.
    #[derive(Default)]
    Index
}

number! {
    /// The id of a peer, unique in its cluster.
    PeerId
}

number! {
    /// The number of a write to stable storage; writes are numbered in the order in which they
    /// must become durable.
    WriteId
}

number! {
    /// The number of a message among those of its sender; with the sender's id it identifies the
    /// message in the whole run, where it is sent and where it is received.
    MessageId
}

number! {
    /// A read's id, chosen by the driver.
    ReadId
}

number! {
    /// The number of a follower's request for a read index, among those of this follower.
    RequestId
}

number! {
    /// The number of a read of entries from the store, among those of a node since its start.
    EntryReadId
}

number! {
    /// The number of a leader's round of messages, among those of its term (dissertation §6.4). A
    /// peer that answers a message of a round received it after the round started.
    #[derive(Default)]
    Round
}

impl From<u64> for PeerId {
    #[inline]
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl Term {
    /// The term of a peer that has never taken part in an election.
    pub const ZERO: Self = Self(0);

    /// The last usable term: no message may carry a higher one, and no peer starts an election after
    /// it. A thousand elections a second do not reach it in a hundred million years.
    pub const MAX: Self = Self(1 << 62);

    /// The term after this one; the last number there is has none after it.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number of terms after `earlier`, through this one; 0 if there is none.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Index {
    /// The place before the first entry.
    pub const ZERO: Self = Self(0);

    /// The index after this one; the last one there is has none after it.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The index before this one; the place before the first entry has none before it.
    #[inline]
    #[must_use]
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The index `count` places further on.
    #[inline]
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The number of entries after `earlier`, through this one; 0 if there is none.
    ///
    /// ```
    /// use raft::Index;
    /// assert_eq!(Index::new(7).since(Index::new(4)), 3);
    /// assert_eq!(Index::new(4).since(Index::new(7)), 0);
    /// ```
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl WriteId {
    /// Before the first write: durable from the start.
    pub const ZERO: Self = Self(0);

    /// The number of writes after `earlier`, through this one; 0 if there is none.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The write after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl RequestId {
    /// The request after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl EntryReadId {
    /// The read after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Round {
    /// The state before the first round of a term.
    pub const ZERO: Self = Self(0);

    /// The round after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number of rounds after `earlier`, through this one; 0 if there is none.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl MessageId {
    /// The message after this one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The permanent identity of an entry: no two different entries share both term and index (paper
/// §5.3, Log Matching).
///
/// The order is the one of "at least as up-to-date" (§5.4.1): the term decides, then the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The term in which a leader created the entry.
    pub term: Term,
    /// The entry's place in the log.
    pub index: Index,
}

impl EntryId {
    /// The place before the first entry of every log.
    pub const ZERO: Self = Self { term: Term::ZERO, index: Index::ZERO };

    /// The entry of `term` at `index`.
    #[inline]
    #[must_use]
    pub const fn new(term: Term, index: Index) -> Self {
        Self { term, index }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

/// A time on the driver's clock, in nanoseconds since a start of the driver's choice.
///
/// The core never reads a clock: every time is passed to it, and must not be before an earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The start of the driver's clock.
    pub const START: Self = Self(0);

    /// The time `nanos` nanoseconds after the start.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[inline]
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time `duration` after this one; saturates.
    #[inline]
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        let nanos = duration.as_nanos();
        let nanos = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
        Self(self.0.saturating_add(nanos))
    }

    /// The time from `earlier` to this one; zero if `earlier` is later.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_term_beats_a_longer_log() {
        let old_but_long = EntryId::new(Term::new(2), Index::new(100));
        let new_but_short = EntryId::new(Term::new(3), Index::new(1));
        assert!(new_but_short > old_but_long);
        assert!(EntryId::new(Term::new(3), Index::new(2)) > new_but_short);
    }

    #[test]
    fn writes_count_from_an_earlier_one() {
        let write = WriteId::new;
        let counts = [(5, 3), (3, 3), (3, 5)].map(|(a, b)| write(a).since(write(b)));
        assert_eq!(counts, [2, 0, 0]);
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        let late = Instant::from_nanos(u64::MAX - 1);
        assert_eq!(late.after(Duration::from_secs(1)), Instant::from_nanos(u64::MAX));
        let centuries = Duration::from_secs(u64::MAX / 2);
        assert_eq!(Instant::START.after(centuries), Instant::from_nanos(u64::MAX));
        assert_eq!(Instant::START.since(late), Duration::ZERO);
    }
}
