//! A leader's lease: for a while after a quorum has answered a round, no other peer can be elected,
//! and reads need no new round (Ongaro's dissertation §6.4.1).
//!
//! A peer that answers a round keeps its leader for
//! [`Config::election_timeout_min`](crate::Config::election_timeout_min) of its own clock. It
//! received the round after it was sent, so the lease counts from the time of sending, by the
//! leader's clock, and is shorter by the assumed clock drift. A lease ends with the leadership; a
//! revoked one does not return in the same term.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::types::{Instant, Round};

/// A leader's lease, or none.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    /// Its length; `None` if this leader has none.
    length: Option<Duration>,
    /// The start of the newest confirmed round.
    from: Option<Instant>,
    /// Unconfirmed rounds and their start times.
    unconfirmed: VecDeque<(Round, Instant)>,
}

impl Lease {
    /// No lease yet; `length` is that of later ones.
    pub(crate) const fn new(length: Option<Duration>) -> Self {
        Self { length, from: None, unconfirmed: VecDeque::new() }
    }

    /// The end of the lease.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        Some(self.from?.after(self.length?))
    }

    /// Returns whether reads may be served now without a round.
    #[must_use]
    pub fn holds(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    /// Returns whether a new round is due to extend the lease.
    pub(crate) fn needs_round(&self, now: Instant, interval: Duration) -> bool {
        let newest = self.unconfirmed.back().map(|(_, at)| *at).or(self.from);
        self.length.is_some() && newest.is_none_or(|newest| now.since(newest) >= interval)
    }

    /// Notes the start of a round, before any of its messages is sent.
    pub(crate) fn on_round_started(&mut self, round: Round, now: Instant) {
        let Some(length) = self.length else { return };
        // Of one that began so long ago, an answer gives no lease any more.
        while self.unconfirmed.pop_front_if(|(_, at)| now.since(*at) >= length).is_some() {}
        self.unconfirmed.push_back((round, now));
    }

    /// Notes that a quorum has answered this round.
    pub(crate) fn on_round_confirmed(&mut self, round: Round, now: Instant) {
        while let Some((_, at)) =
            self.unconfirmed.pop_front_if(|(unconfirmed, _)| *unconfirmed <= round)
        {
            debug_assert!(at <= now, "a round that begins at {at:?} is answered at {now:?}");
            self.from = Some(at);
        }
    }

    /// Ends the lease for the rest of the leadership: a peer was asked to take over, other peers do
    /// not ignore its vote requests, and the time they arrive is unknown.
    pub(crate) fn revoke(&mut self) {
        *self = Self::new(None);
    }

    /// See [`Node::behaviour_hash`](crate::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { length, from: _, unconfirmed } = self;
        (length, self.until().map(|until| until.since(now)), unconfirmed.len()).hash(hasher);
        for (round, at) in unconfirmed {
            (round, now.since(*at)).hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_nanos(100);

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn it_counts_from_the_sending_of_the_newest_confirmed_round() {
        let mut lease = Lease::new(Some(LENGTH));
        for (round, unconfirmed) in [(1, 10), (2, 20), (3, 30)] {
            lease.on_round_started(Round::new(round), at(unconfirmed));
        }
        assert!(!lease.holds(at(31)), "no answer yet");
        lease.on_round_confirmed(Round::new(2), at(40));
        assert_eq!(lease.until(), Some(at(120)));
        assert!(lease.holds(at(119)) && !lease.holds(at(120)));
        lease.on_round_confirmed(Round::new(1), at(41));
        assert_eq!(lease.until(), Some(at(120)), "an older answer takes nothing back");
    }

    #[test]
    fn unanswered_rounds_are_dropped_when_their_lease_would_be_over() {
        let mut lease = Lease::new(Some(LENGTH));
        for round in 0..1000 {
            lease.on_round_started(Round::new(round), at(10 * round));
        }
        assert_eq!(lease.unconfirmed.len(), 10);
    }

    /// Two nodes that differ in their leases alone are two states of the model check.
    #[test]
    fn leases_of_another_end_or_with_other_open_rounds_have_other_hashes() {
        let hash = |confirmed: bool, round: u64, now: u64| {
            let mut lease = Lease::new(Some(LENGTH));
            lease.on_round_started(Round::new(round), at(10));
            if confirmed {
                lease.on_round_confirmed(Round::new(round), at(15));
            }
            let mut hasher = std::hash::DefaultHasher::new();
            lease.behaviour_hash(at(now), &mut hasher);
            hasher.finish()
        };
        let hashes = [(true, 1, 20), (true, 1, 30), (false, 1, 20), (false, 2, 20), (false, 2, 30)];
        let distinct: std::collections::BTreeSet<_> =
            hashes.iter().map(|(confirmed, round, now)| hash(*confirmed, *round, *now)).collect();
        assert_eq!(distinct.len(), hashes.len());
    }

    #[test]
    fn a_revoked_lease_does_not_return() {
        let mut lease = Lease::new(Some(LENGTH));
        lease.on_round_started(Round::new(1), at(10));
        lease.revoke();
        lease.on_round_confirmed(Round::new(1), at(15));
        lease.on_round_started(Round::new(2), at(20));
        lease.on_round_confirmed(Round::new(2), at(20));
        assert!(!lease.holds(at(21)) && !lease.needs_round(at(500), LENGTH));
    }
}
