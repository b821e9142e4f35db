//! Pending reads of leaders, followers and all peers (Ongaro's dissertation §6.4). The rules are
//! those of [`Node::read`](crate::Node::read).
//!
//! ```text
//!              leader                           any peer
//!  read ─► [LeaderReads: a round] ─► confirmed ─► [Confirmed: until applied] ─► ReadReady
//!    └───► [FollowerReads: a request] ─► answered ─┘
//!             follower
//! ```
//!
//! All three are a [`Queue`] with the condition each read waits for. Invariants: reads are in the
//! order in which they came in, those that have a round (a request) before those that have none
//! yet; rounds never fall along the queue. All have the same timeout, so the first in the queue
//! expires first.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::lease::Lease;
use crate::types::{Index, Instant, PeerId, ReadId, RequestId, Round};

/// The reason a read was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadDropReason {
    /// The peer's role or term changed before leadership was confirmed.
    LeaderLost,
    /// The leader rejected the read: it has too many, or cannot serve any yet.
    Rejected,
    /// It was not ready within [`Config::read_timeout`](crate::Config::read_timeout).
    TimedOut,
}

/// The origin of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadOrigin {
    /// A client of this peer.
    Local(ReadId),
    /// A follower's request, on behalf of all reads in it.
    Follower(PeerId, RequestId),
}

/// Reads in the order in which they came in, each with its origin and the condition it waits for.
#[derive(Clone, Debug)]
pub struct Queue<R, W> {
    waiting: VecDeque<Waiting<R, W>>,
}

/// One read in a queue.
#[derive(Clone, Copy, Debug)]
struct Waiting<R, W> {
    origin: R,
    deadline: Instant,
    awaits: W,
}

impl<R, W> Default for Queue<R, W> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<R, W> Queue<R, W> {
    /// The number of waiting reads.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether no read waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first read's deadline.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.deadline)
    }

    /// All reads, in order.
    pub(crate) fn into_origins(self) -> impl Iterator<Item = R> {
        self.waiting.into_iter().map(|waiting| waiting.origin)
    }

    fn push(&mut self, origin: R, deadline: Instant, awaits: W) {
        self.waiting.push_back(Waiting { origin, deadline, awaits });
    }
}

impl<R: Copy, W: Copy> Queue<R, W> {
    /// Removes the next expired read.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<R> {
        self.waiting.pop_front_if(|waiting| waiting.deadline <= now).map(|waiting| waiting.origin)
    }

    /// Removes the next read if its condition has an outcome; returns it with the outcome and the
    /// read's deadline.
    fn pop_with<T>(&mut self, outcome: impl FnOnce(W) -> Option<T>) -> Option<(R, T, Instant)> {
        let Waiting { origin, deadline, awaits } = *self.waiting.front()?;
        let outcome = outcome(awaits)?;
        self.waiting.pop_front();
        Some((origin, outcome, deadline))
    }
}

impl<R: Hash, W: Hash> Queue<R, W> {
    /// See [`Node::behaviour_hash`](crate::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { waiting } = self;
        waiting.len().hash(hasher);
        for Waiting { origin, deadline, awaits } in waiting {
            (origin, deadline.since(now), awaits).hash(hasher);
        }
    }
}

/// Reads that are assigned to a round or request, all new ones together.
impl<R, Q: Copy> Queue<R, Option<Q>> {
    pub(crate) fn enqueue(&mut self, origin: R, deadline: Instant) {
        self.push(origin, deadline, None);
    }

    /// Returns whether a read is not assigned yet.
    pub(crate) fn has_unassigned(&self) -> bool {
        self.waiting.back().is_some_and(|waiting| waiting.awaits.is_none())
    }

    /// Assigns all new reads to this round or request, and returns their number.
    pub(crate) fn assign(&mut self, assignment: Q) -> usize {
        let fresh = self.waiting.iter_mut().rev().take_while(|waiting| waiting.awaits.is_none());
        fresh.map(|waiting| waiting.awaits = Some(assignment)).count()
    }
}

/// A leader's reads, and the rounds that confirm its leadership.
#[derive(Clone, Debug, Default)]
pub struct LeaderReads {
    /// The newest round. It starts with the first message that carries its number.
    round: Round,
    /// The newest round that a quorum has answered.
    confirmed: Round,
    /// The newest round that reads wait for: voters must be sent a message of it.
    required: Round,
    lease: Lease,
    /// Reads that are not confirmed yet.
    pub(crate) waiting: Queue<ReadOrigin, Option<AssignedRound>>,
}

/// The round a read waits for, and its read index.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct AssignedRound {
    round: Round,
    read_index: Index,
}

impl LeaderReads {
    /// A new leader's state, before the first round. `lease` is the length of leases, if they are
    /// on.
    pub(crate) fn new(lease: Option<Duration>) -> Self {
        Self { lease: Lease::new(lease), ..Self::default() }
    }

    /// The leader's lease.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Ends the lease for the rest of the leadership.
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

    /// The number of waiting reads.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether no read waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) const fn required_round(&self) -> Round {
        self.required
    }

    /// Starts a round with the messages that are sent anyway.
    pub(crate) fn start_round(&mut self, now: Instant) -> Round {
        self.round = self.round.next();
        self.lease.on_round_started(self.round, now);
        self.round
    }

    /// Starts a round for all reads that have none; `read_index` is the leader's commit index now,
    /// before any message of the round is sent.
    pub(crate) fn start_read_round(&mut self, now: Instant, read_index: Index) -> Round {
        self.required = self.start_round(now);
        self.waiting.assign(AssignedRound { round: self.round, read_index });
        self.round
    }

    /// Notes that a quorum has answered this round, and with it all earlier ones.
    pub(crate) fn confirm(&mut self, round: Round, now: Instant) {
        self.confirmed = self.confirmed.max(round);
        self.lease.on_round_confirmed(round, now);
    }

    /// Removes the next read, confirmed or not.
    pub(crate) fn pop(&mut self) -> Option<(ReadOrigin, Instant)> {
        let (origin, _, deadline) = self.waiting.pop_with(Some)?;
        Some((origin, deadline))
    }

    /// Removes the next read with a confirmed round; returns it with its read index.
    pub(crate) fn pop_confirmed(&mut self) -> Option<(ReadOrigin, Index, Instant)> {
        let confirmed = self.confirmed;
        self.waiting.pop_with(|assigned| {
            assigned
                .filter(|assigned| assigned.round <= confirmed)
                .map(|assigned| assigned.read_index)
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

/// A follower's reads, forwarded to its leader.
pub type FollowerReads = Queue<ReadId, Option<RequestId>>;

impl FollowerReads {
    /// Returns whether a request of this number is unanswered. An answer to one from before a
    /// restart, or to one whose reads are gone, is ignored.
    pub(crate) fn is_pending(&self, request: RequestId) -> bool {
        self.waiting.iter().any(|waiting| waiting.awaits == Some(request))
    }

    /// Removes the next read of this request or an earlier one: an answer to a later request covers
    /// the earlier ones.
    pub(crate) fn pop_through(&mut self, request: RequestId) -> Option<(ReadId, Instant)> {
        let (read, _, deadline) = self.pop_with(|assigned| assigned.filter(|it| *it <= request))?;
        Some((read, deadline))
    }

    /// Removes the reads of one request.
    pub(crate) fn remove(&mut self, request: RequestId) -> Vec<ReadId> {
        let of_request = |waiting: &&Waiting<_, _>| waiting.awaits == Some(request);
        let reads = self.waiting.iter().filter(of_request).map(|waiting| waiting.origin).collect();
        self.waiting.retain(|waiting| waiting.awaits != Some(request));
        reads
    }
}

/// Reads that are safe once the state machine has applied the entries through their index.
pub(crate) type Confirmed = Queue<ReadId, Index>;

impl Confirmed {
    pub(crate) fn wait_for(&mut self, index: Index, read: ReadId, deadline: Instant) {
        self.push(read, deadline, index);
    }

    /// Removes the next read whose index has been applied.
    pub(crate) fn pop_applied(&mut self, last_applied: Index) -> Option<(Index, ReadId)> {
        let applied = |index| (index <= last_applied).then_some(index);
        self.pop_with(applied).map(|(read, index, _)| (index, read))
    }
}
