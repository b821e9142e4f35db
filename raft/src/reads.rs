//! Reads on their way to being safe (Ongaro's thesis §6.4): what a leader, a follower and every
//! peer remember of them. The rules are those of [`Node::read`](crate::Node::read).
//!
//! ```text
//!              leader                           any peer
//!  read ─► [LeaderReads: a round] ─► confirmed ─► [Confirmed: until applied] ─► ReadReady
//!    └───► [FollowerReads: a request] ─► answered ─┘
//!             follower
//! ```
//!
//! Invariants: reads stand in the order in which they came in, those that have a round (a request)
//! before those that have none yet; rounds never fall along the line. All wait equally long, so
//! that the first one in line is the first one whose time is over.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::lease::Lease;
use crate::types::{Index, Instant, PeerId, ReadId, RequestId, Round};

/// Why a read that was taken will not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadDrop {
    /// The peer's role or term changed before leadership was confirmed.
    LeaderLost,
    /// The leader did not take the read: it has too many, or cannot serve any yet.
    Refused,
    /// Nothing came of it within [`Config::read_timeout`](crate::Config::read_timeout).
    TimedOut,
}

/// Whose read it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// One of this peer.
    Local(ReadId),
    /// A follower's request, for all the reads it stands for.
    Follower(PeerId, RequestId),
}

/// A leader's reads, and the rounds by which it makes sure that it still leads.
#[derive(Clone, Debug, Default)]
pub struct LeaderReads {
    /// The newest round. It begins with the first message that carries its number.
    round: Round,
    /// The newest round that a quorum has answered.
    confirmed: Round,
    /// The newest round that reads wait for: followers that were not sent it are owed a message.
    wanted: Round,
    lease: Lease,
    waiting: VecDeque<Waiting>,
}

/// A read of a leader that is not confirmed yet.
#[derive(Clone, Copy, Debug, Hash)]
struct Waiting {
    reader: Reader,
    deadline: Instant,
    asked: Option<Asked>,
}

/// What a read waits for.
#[derive(Clone, Copy, Debug, Hash)]
struct Asked {
    round: Round,
    read_index: Index,
}

impl LeaderReads {
    /// A new leader's: no round has begun. A lease lasts this long, if there are leases.
    pub(crate) fn new(lease: Option<Duration>) -> Self {
        Self { lease: Lease::new(lease), ..Self::default() }
    }

    /// How long the leader may serve reads without asking.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Ends the lease for as long as this peer leads.
    pub(crate) fn give_up_lease(&mut self) {
        self.lease.give_up();
    }

    /// The newest round.
    #[must_use]
    pub const fn round(&self) -> Round {
        self.round
    }

    /// The newest round that a quorum has answered.
    #[must_use]
    pub const fn confirmed_round(&self) -> Round {
        self.confirmed
    }

    /// How many reads wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no read waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) const fn wanted(&self) -> Round {
        self.wanted
    }

    pub(crate) fn take(&mut self, reader: Reader, deadline: Instant) {
        self.waiting.push_back(Waiting { reader, deadline, asked: None });
    }

    /// Whether a read has no round yet.
    pub(crate) fn has_fresh(&self) -> bool {
        self.waiting.back().is_some_and(|waiting| waiting.asked.is_none())
    }

    /// Begins a round with the messages that leave anyway.
    pub(crate) fn begin_round(&mut self, now: Instant) -> Round {
        self.round = self.round.next();
        self.lease.begins(self.round, now);
        self.round
    }

    /// Begins a round for all reads that have none; `read_index` is the leader's commit index now,
    /// before anything of the round is sent.
    pub(crate) fn ask(&mut self, now: Instant, read_index: Index) -> Round {
        self.wanted = self.begin_round(now);
        let asked = Asked { round: self.round, read_index };
        let fresh = self.waiting.iter_mut().rev().take_while(|waiting| waiting.asked.is_none());
        fresh.for_each(|waiting| waiting.asked = Some(asked));
        self.round
    }

    /// A quorum has answered this round, and with it all before it.
    pub(crate) fn confirm(&mut self, round: Round, now: Instant) {
        self.confirmed = self.confirmed.max(round);
        self.lease.is_answered(round, now);
    }

    /// The next read, confirmed or not.
    pub(crate) fn pop(&mut self) -> Option<(Reader, Instant)> {
        self.waiting.pop_front().map(|waiting| (waiting.reader, waiting.deadline))
    }

    /// The next read whose round is confirmed.
    pub(crate) fn pop_confirmed(&mut self) -> Option<(Reader, Index, Instant)> {
        let Waiting { reader, deadline, asked } = *self.waiting.front()?;
        let Asked { read_index, .. } = asked.filter(|asked| asked.round <= self.confirmed)?;
        self.waiting.pop_front();
        Some((reader, read_index, deadline))
    }

    /// The next read whose time is over.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<Reader> {
        self.waiting.pop_front_if(|waiting| waiting.deadline <= now).map(|waiting| waiting.reader)
    }

    /// All reads, in order.
    pub(crate) fn into_readers(self) -> impl Iterator<Item = Reader> {
        self.waiting.into_iter().map(|waiting| waiting.reader)
    }

    /// When the first read's time is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.deadline)
    }

    /// See [`Node::hash_future`](crate::Node::hash_future).
    pub(crate) fn hash_future<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { round, confirmed, wanted, lease, waiting } = self;
        lease.hash_future(now, hasher);
        (round, confirmed, wanted, waiting.len()).hash(hasher);
        for Waiting { reader, deadline, asked } in waiting {
            (reader, left(*deadline, now), asked).hash(hasher);
        }
    }
}

/// A follower's reads, which its leader is asked about.
#[derive(Clone, Debug, Default)]
pub struct FollowerReads {
    waiting: VecDeque<Forwarded>,
}

/// A read of a follower that its leader has not answered yet.
#[derive(Clone, Copy, Debug, Hash)]
struct Forwarded {
    read: ReadId,
    deadline: Instant,
    request: Option<RequestId>,
}

impl FollowerReads {
    /// How many reads wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no read waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn take(&mut self, read: ReadId, deadline: Instant) {
        self.waiting.push_back(Forwarded { read, deadline, request: None });
    }

    /// Whether a read is in no request yet.
    pub(crate) fn has_fresh(&self) -> bool {
        self.waiting.back().is_some_and(|waiting| waiting.request.is_none())
    }

    /// Puts all reads that are in no request into this one, and tells how many they are.
    pub(crate) fn ask(&mut self, request: RequestId) -> usize {
        let fresh = self.waiting.iter_mut().rev().take_while(|waiting| waiting.request.is_none());
        fresh.map(|waiting| waiting.request = Some(request)).count()
    }

    /// Whether a request of this number waits for its answer. An answer to one of another life of
    /// this peer, or to one whose reads are gone, means nothing.
    pub(crate) fn waits_for(&self, request: RequestId) -> bool {
        self.waiting.iter().any(|waiting| waiting.request == Some(request))
    }

    /// The next read that was asked about by this request or an earlier one: whatever was safe to
    /// read when the later request came in covers the earlier ones.
    pub(crate) fn pop_through(&mut self, request: RequestId) -> Option<(ReadId, Instant)> {
        let asked = |waiting: &mut Forwarded| waiting.request.is_some_and(|asked| asked <= request);
        self.waiting.pop_front_if(asked).map(|waiting| (waiting.read, waiting.deadline))
    }

    /// Takes out the reads of one request.
    pub(crate) fn remove(&mut self, request: RequestId) -> Vec<ReadId> {
        let of_it = |waiting: &&Forwarded| waiting.request == Some(request);
        let reads = self.waiting.iter().filter(of_it).map(|waiting| waiting.read).collect();
        self.waiting.retain(|waiting| waiting.request != Some(request));
        reads
    }

    /// The next read whose time is over.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<ReadId> {
        self.waiting.pop_front_if(|waiting| waiting.deadline <= now).map(|waiting| waiting.read)
    }

    /// All reads, in order.
    pub(crate) fn into_reads(self) -> impl Iterator<Item = ReadId> {
        self.waiting.into_iter().map(|waiting| waiting.read)
    }

    /// When the first read's time is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.deadline)
    }

    /// See [`Node::hash_future`](crate::Node::hash_future).
    pub(crate) fn hash_future<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { waiting } = self;
        waiting.len().hash(hasher);
        for Forwarded { read, deadline, request } in waiting {
            (read, left(*deadline, now), request).hash(hasher);
        }
    }
}

/// Reads that are safe once the state machine has been given the entries through their index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Confirmed {
    waiting: VecDeque<(Index, ReadId, Instant)>,
}

impl Confirmed {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn take(&mut self, index: Index, read: ReadId, deadline: Instant) {
        self.waiting.push_back((index, read, deadline));
    }

    /// The next read whose index has been applied.
    pub(crate) fn pop_applied(&mut self, last_applied: Index) -> Option<(Index, ReadId)> {
        let applied = self.waiting.pop_front_if(|(index, ..)| *index <= last_applied);
        applied.map(|(index, read, _)| (index, read))
    }

    /// The next read whose time is over.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<ReadId> {
        self.waiting.pop_front_if(|(.., deadline)| *deadline <= now).map(|(_, read, _)| read)
    }

    /// When the first read's time is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(.., deadline)| *deadline)
    }

    /// See [`Node::hash_future`](crate::Node::hash_future).
    pub(crate) fn hash_future<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { waiting } = self;
        waiting.len().hash(hasher);
        for (index, read, deadline) in waiting {
            (index, read, left(*deadline, now)).hash(hasher);
        }
    }
}

const fn left(deadline: Instant, now: Instant) -> Duration {
    deadline.since(now)
}
