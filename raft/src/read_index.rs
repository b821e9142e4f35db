//! Reads on their way to being safe (Ongaro's dissertation §6.4): what a leader, a follower and every
//! peer remember of them. The rules are those of [`Node::read`](crate::Node::read).
//!
//! ```text
//!              leader                           any peer
//!  read ─► [LeaderReads: a round] ─► confirmed ─► [Confirmed: until applied] ─► ReadReady
//!    └───► [FollowerReads: a request] ─► answered ─┘
//!             follower
//! ```
//!
//! All three are a [`Queue`] and what it waits for. Invariants: reads stand in the order in which
//! they came in, those that have a round (a request) before those that have none yet; rounds never
//! fall along the line. All wait equally long, so that the first one in line is the first one whose
//! time is over.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::lease::Lease;
use crate::types::{Index, Instant, PeerId, ReadId, RequestId, Round};

/// Why a read that was taken will not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadDropReason {
    /// The peer's role or term changed before leadership was confirmed.
    LeaderLost,
    /// The leader did not take the read: it has too many, or cannot serve any yet.
    Rejected,
    /// Nothing came of it within [`Config::read_timeout`](crate::Config::read_timeout).
    TimedOut,
}

/// Whose read it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadOrigin {
    /// One of this peer.
    Local(ReadId),
    /// A follower's request, for all the reads it stands for.
    Follower(PeerId, RequestId),
}

/// Reads in the order in which they came in: whose each is, and what it waits for.
#[derive(Clone, Debug)]
pub struct Queue<R, W> {
    waiting: VecDeque<Waiting<R, W>>,
}

/// One read in a queue.
#[derive(Clone, Copy, Debug)]
struct Waiting<R, W> {
    reader: R,
    deadline: Instant,
    awaits: W,
}

impl<R, W> Default for Queue<R, W> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<R, W> Queue<R, W> {
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

    /// When the first read's time is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.deadline)
    }

    /// All reads, in order.
    pub(crate) fn into_readers(self) -> impl Iterator<Item = R> {
        self.waiting.into_iter().map(|waiting| waiting.reader)
    }

    fn push(&mut self, reader: R, deadline: Instant, awaits: W) {
        self.waiting.push_back(Waiting { reader, deadline, awaits });
    }
}

impl<R: Copy, W: Copy> Queue<R, W> {
    /// The next read whose time is over.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<R> {
        self.waiting.pop_front_if(|waiting| waiting.deadline <= now).map(|waiting| waiting.reader)
    }

    /// The next read, if what it waits for came to something; with it and the read's deadline.
    fn pop_with<T>(&mut self, outcome: impl FnOnce(W) -> Option<T>) -> Option<(R, T, Instant)> {
        let Waiting { reader, deadline, awaits } = *self.waiting.front()?;
        let outcome = outcome(awaits)?;
        self.waiting.pop_front();
        Some((reader, outcome, deadline))
    }
}

impl<R: Hash, W: Hash> Queue<R, W> {
    /// See [`Node::behaviour_hash`](crate::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { waiting } = self;
        waiting.len().hash(hasher);
        for Waiting { reader, deadline, awaits } in waiting {
            (reader, deadline.since(now), awaits).hash(hasher);
        }
    }
}

/// Reads that somebody is asked about, once for all that came in since the last time.
impl<R, Q: Copy> Queue<R, Option<Q>> {
    pub(crate) fn enqueue(&mut self, reader: R, deadline: Instant) {
        self.push(reader, deadline, None);
    }

    /// Whether nobody was asked about a read yet.
    pub(crate) fn has_unassigned(&self) -> bool {
        self.waiting.back().is_some_and(|waiting| waiting.awaits.is_none())
    }

    /// Puts all reads that are in no question into this one, and tells how many they are.
    pub(crate) fn assign(&mut self, question: Q) -> usize {
        let fresh = self.waiting.iter_mut().rev().take_while(|waiting| waiting.awaits.is_none());
        fresh.map(|waiting| waiting.awaits = Some(question)).count()
    }
}

/// A leader's reads, and the rounds by which it makes sure that it still leads.
#[derive(Clone, Debug, Default)]
pub struct LeaderReads {
    /// The newest round. It begins with the first message that carries its number.
    round: Round,
    /// The newest round that a quorum has answered.
    confirmed: Round,
    /// The newest round that reads wait for: voters that were not sent it are owed a message.
    required: Round,
    lease: Lease,
    /// Reads that are not confirmed yet.
    pub(crate) waiting: Queue<ReadOrigin, Option<AssignedRound>>,
}

/// What a read waits for.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct AssignedRound {
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
    pub(crate) fn revoke_lease(&mut self) {
        self.lease.revoke();
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

    pub(crate) const fn required_round(&self) -> Round {
        self.required
    }

    /// Begins a round with the messages that leave anyway.
    pub(crate) fn start_round(&mut self, now: Instant) -> Round {
        self.round = self.round.next();
        self.lease.on_round_started(self.round, now);
        self.round
    }

    /// Begins a round for all reads that have none; `read_index` is the leader's commit index now,
    /// before anything of the round is sent.
    pub(crate) fn start_read_round(&mut self, now: Instant, read_index: Index) -> Round {
        self.required = self.start_round(now);
        self.waiting.assign(AssignedRound { round: self.round, read_index });
        self.round
    }

    /// A quorum has answered this round, and with it all before it.
    pub(crate) fn confirm(&mut self, round: Round, now: Instant) {
        self.confirmed = self.confirmed.max(round);
        self.lease.on_round_confirmed(round, now);
    }

    /// The next read, confirmed or not.
    pub(crate) fn pop(&mut self) -> Option<(ReadOrigin, Instant)> {
        let (reader, _, deadline) = self.waiting.pop_with(Some)?;
        Some((reader, deadline))
    }

    /// The next read whose round is confirmed, and what it may read.
    pub(crate) fn pop_confirmed(&mut self) -> Option<(ReadOrigin, Index, Instant)> {
        let confirmed = self.confirmed;
        self.waiting.pop_with(|asked| {
            asked.filter(|asked| asked.round <= confirmed).map(|asked| asked.read_index)
        })
    }

    /// See [`Node::behaviour_hash`](crate::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { round, confirmed, required, lease, waiting } = self;
        lease.behaviour_hash(now, hasher);
        (round, confirmed, required).hash(hasher);
        waiting.behaviour_hash(now, hasher);
    }
}

/// A follower's reads, which its leader is asked about.
pub type FollowerReads = Queue<ReadId, Option<RequestId>>;

impl FollowerReads {
    /// Whether a request of this number waits for its answer. An answer to one of another life of
    /// this peer, or to one whose reads are gone, means nothing.
    pub(crate) fn is_pending(&self, request: RequestId) -> bool {
        self.waiting.iter().any(|waiting| waiting.awaits == Some(request))
    }

    /// The next read that was asked about by this request or an earlier one: whatever was safe to
    /// read when the later request came in covers the earlier ones.
    pub(crate) fn pop_through(&mut self, request: RequestId) -> Option<(ReadId, Instant)> {
        let (read, _, deadline) = self.pop_with(|asked| asked.filter(|it| *it <= request))?;
        Some((read, deadline))
    }

    /// Takes out the reads of one request.
    pub(crate) fn remove(&mut self, request: RequestId) -> Vec<ReadId> {
        let of_it = |waiting: &&Waiting<_, _>| waiting.awaits == Some(request);
        let reads = self.waiting.iter().filter(of_it).map(|waiting| waiting.reader).collect();
        self.waiting.retain(|waiting| waiting.awaits != Some(request));
        reads
    }
}

/// Reads that are safe once the state machine has been given the entries through their index.
pub(crate) type Confirmed = Queue<ReadId, Index>;

impl Confirmed {
    pub(crate) fn wait_for(&mut self, index: Index, read: ReadId, deadline: Instant) {
        self.push(read, deadline, index);
    }

    /// The next read whose index has been applied.
    pub(crate) fn pop_applied(&mut self, last_applied: Index) -> Option<(Index, ReadId)> {
        let applied = |index| (index <= last_applied).then_some(index);
        self.pop_with(applied).map(|(read, index, _)| (index, read))
    }
}
