//! Replication state of one follower, as its leader tracks it.
//!
//! Invariant: `match_index < next_index`. A follower is in one of three flows:
//!
//! ```text
//!            accepted                   next_index compacted
//!  Probe ───────────────► Replicate ───────────────────────► Snapshot
//!    ▲                        │                                  │
//!    └────────────────────────┴──────────────────────────────────┘
//!      unanswered for a heartbeat                  installed
//! ```

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use crate::entry::{Entry, Snapshot};
use crate::identity::{Incarnation, Standing, StoreStamp};
use crate::output::EntryRead;
pub use crate::snapshot_transfer::{Chunks, SnapshotTransfer};
use crate::types::{Index, Instant, Round};

/// A leader's view of one follower (Figure 2 `nextIndex[]`, `matchIndex[]`).
#[derive(Clone, Debug)]
pub struct Progress {
    /// The last index at which the follower's log is known to equal the leader's, durably.
    pub match_index: Index,
    /// The next index to send.
    pub next_index: Index,
    /// The `commit_index` last sent to the follower.
    pub commit_sent: Index,
    /// The leader's last contact with the follower in its term; the election counts.
    pub last_contact: Instant,
    /// The newest round sent to the follower.
    pub round_sent: Round,
    /// The newest round it has answered, of those not confirmed at the time.
    pub round_answered: Round,
    /// The first round whose messages were sent after the last fall back to probing. Answers to earlier
    /// ones are late: an acceptance raises `match_index`, and nothing else.
    pub probed_since: Round,
    /// The time of the next heartbeat.
    pub heartbeat_due: Instant,
    /// The flow of entries to it.
    pub flow: Flow,
    /// Entries for it that are not in memory.
    pub fetch: Fetch,
    /// The store of its last answer that counted.
    pub store: Option<StoreStamp>,
    /// The sign that it lost its data.
    pub loss: Option<Loss>,
    /// An answer that only a lost store or a late message explains.
    pub suspicion: Option<Suspicion>,
}

/// The sign that a member lost its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loss {
    /// The sign.
    pub kind: LossKind,
    /// The standing of the store that gave it, if that has an identity.
    pub standing: Option<Standing>,
    /// The time of the last one.
    pub seen_at: Instant,
}

/// The kinds of signs that a member lost its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// It answers from another store than the one that counts for it, or from one without identity.
    OtherStore {
        /// The store.
        found: Option<Incarnation>,
    },
    /// It lacks entries that the same store has acknowledged.
    RolledBack,
}

/// A rejection below `match_index`, late or impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Suspicion {
    /// The first round whose messages were sent later.
    pub since: Round,
    /// The `match_index` at that time.
    pub match_index: Index,
}

/// The flow of entries to a follower.
#[derive(Clone, Debug)]
pub enum Flow {
    /// One message at a time, until the last common entry is found.
    Probe(Probe),
    /// Messages in a pipeline, ahead of their answers.
    Replicate(InFlight),
    /// The snapshot first: the entries it needs are gone.
    Snapshot(SnapshotTransfer),
}

/// Entries for a follower that only the store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fetch {
    /// None are needed.
    #[default]
    None,
    /// They are being read.
    Open(EntryRead),
    /// They are read, and not yet sent.
    Done(VecDeque<Entry>),
}

/// The state of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// A probe may be sent, with entries.
    Ready,
    /// A probe is unanswered; the next one goes with the next heartbeat.
    Waiting,
    /// A heartbeat interval passed without an answer: probes carry no entries until the follower
    /// answers.
    Silent,
}

/// The unanswered messages to a follower, by the last index each carried and the bytes of its
/// entries.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    lasts: VecDeque<(Index, usize)>,
    bytes: usize,
    /// The time of the last accepted message, or of the first one sent into an empty pipeline.
    pub(crate) last_progress_at: Instant,
}

impl InFlight {
    /// An empty pipeline.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { lasts: VecDeque::new(), bytes: 0, last_progress_at: now }
    }

    /// Notes a sent message with entries through `last`, of this many bytes.
    pub(crate) fn sent(&mut self, last: Index, bytes: usize, now: Instant) {
        if self.lasts.is_empty() {
            self.last_progress_at = now;
        }
        self.lasts.push_back((last, bytes));
        self.bytes += bytes;
    }

    /// Removes the messages answered by the follower's `match_index`.
    pub(crate) fn accepted(&mut self, match_index: Index, now: Instant) {
        let answered = |(last, _): &mut (Index, usize)| *last <= match_index;
        while let Some((_, bytes)) = self.lasts.pop_front_if(answered) {
            self.bytes -= bytes;
            self.last_progress_at = now;
        }
    }

    /// See [`Node::behaviour_hash`](crate::Node::behaviour_hash). The last progress of an empty
    /// pipeline has no effect.
    pub(crate) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { lasts, bytes: _, last_progress_at } = self;
        lasts.hash(hasher);
        lasts.front().map(|_| now.since(*last_progress_at)).hash(hasher);
    }

    /// The bytes of the unanswered messages' entries.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes of the oldest unanswered message's entries.
    pub(crate) fn first_bytes(&self) -> Option<usize> {
        self.lasts.front().map(|(_, bytes)| *bytes)
    }

    /// Returns whether a message with more bytes than these is unanswered.
    pub(crate) fn has_large(&self, bytes_max: usize) -> bool {
        self.bytes > bytes_max && self.lasts.iter().any(|(_, bytes)| *bytes > bytes_max)
    }

    /// The number of unanswered messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lasts.len()
    }

    /// Returns whether every message was answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lasts.is_empty()
    }
}

impl Progress {
    /// The state of a follower at the start of a leader's term (Figure 2: `nextIndex` starts after
    /// the leader's last entry).
    #[must_use]
    pub const fn new(last: Index, now: Instant) -> Self {
        Self {
            match_index: Index::ZERO,
            next_index: last.next(),
            commit_sent: Index::ZERO,
            last_contact: now,
            round_sent: Round::ZERO,
            round_answered: Round::ZERO,
            probed_since: Round::ZERO,
            heartbeat_due: now,
            flow: Flow::Probe(Probe::Ready),
            fetch: Fetch::None,
            store: None,
            loss: None,
            suspicion: None,
        }
    }

    /// Notes that the follower's log equals the leader's through `match_index`, in an answer to a message
    /// of this round. Answers may be late and out of order: one to a message of before the last probe
    /// does not end it, since messages after that one may be on their way as well.
    pub(crate) fn accepted(&mut self, match_index: Index, round: Round, now: Instant) {
        self.match_index = self.match_index.max(match_index);
        match &mut self.flow {
            Flow::Replicate(in_flight) => in_flight.accepted(self.match_index, now),
            Flow::Probe(_) if round < self.probed_since => {}
            Flow::Probe(_) => self.replicate(now),
            Flow::Snapshot(transfer) => {
                if self.match_index >= transfer.snapshot.index() {
                    self.replicate(now);
                }
            }
        }
        self.next_index = self.next_index.max(self.match_index.next());
        debug_assert!(self.match_index < self.next_index, "{self:?}");
    }

    fn replicate(&mut self, now: Instant) {
        self.next_index = self.match_index.next();
        self.fetch = Fetch::None;
        self.flow = Flow::Replicate(InFlight::new(now));
    }

    /// Probes again after `match_index`: messages in flight count as lost.
    pub(crate) fn probe_from(&mut self, next_index: Index, probe: Probe) {
        self.next_index = next_index.max(self.match_index.next());
        self.flow = Flow::Probe(probe);
        self.fetch = Fetch::None;
    }

    /// Starts anew with a follower whose acknowledged entries are gone.
    pub(crate) fn lost_data(&mut self) {
        self.match_index = Index::ZERO;
        self.suspicion = None;
        self.flow = Flow::Probe(Probe::Ready);
        self.fetch = Fetch::None;
    }

    /// Returns whether its acknowledgements count. After a loss they do not until the configuration
    /// has made it a new member: other peers may have counted the lost ones.
    pub(crate) const fn counts(&self) -> bool {
        !matches!(self.loss, Some(Loss { kind: LossKind::RolledBack, .. }))
    }

    /// Switches to sending the snapshot, in chunks of this many bytes.
    pub(crate) fn start_snapshot(&mut self, snapshot: Snapshot, chunk_bytes: u64, now: Instant) {
        self.fetch = Fetch::None;
        self.flow = Flow::Snapshot(SnapshotTransfer::new(snapshot, chunk_bytes, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(match_index: u64) -> Progress {
        let mut progress = Progress::new(Index::new(10), Instant::START);
        progress.accepted(Index::new(match_index), Round::ZERO, Instant::START);
        progress
    }

    #[test]
    fn a_reply_opens_the_pipeline_and_an_old_one_has_no_effect() {
        let mut progress = progress(4);
        assert_eq!(progress.next_index, Index::new(5));
        progress.accepted(Index::new(2), Round::ZERO, Instant::START);
        assert_eq!((progress.match_index, progress.next_index), (Index::new(4), Index::new(5)));
        assert!(matches!(progress.flow, Flow::Replicate(_)));
    }

    #[test]
    fn a_late_acceptance_does_not_end_a_probe() {
        let mut progress = progress(4);
        progress.next_index = Index::new(9);
        progress.probe_from(Index::new(5), Probe::Waiting);
        progress.probed_since = Round::new(3);
        progress.accepted(Index::new(6), Round::new(2), Instant::START);
        assert_eq!((progress.match_index, progress.next_index), (Index::new(6), Index::new(7)));
        assert!(matches!(progress.flow, Flow::Probe(Probe::Waiting)));
        progress.accepted(Index::new(8), Round::new(3), Instant::START);
        assert_eq!(progress.next_index, Index::new(9));
        assert!(matches!(progress.flow, Flow::Replicate(_)));
    }

    #[test]
    fn one_answer_covers_all_messages_before_it() {
        let mut in_flight = InFlight::new(Instant::START);
        for last in [3, 6, 9] {
            in_flight.sent(Index::new(last), 100, Instant::START);
        }
        in_flight.accepted(Index::new(7), Instant::START);
        assert_eq!((in_flight.len(), in_flight.bytes()), (1, 100));
    }

    #[test]
    fn a_probe_never_goes_behind_what_is_known_to_match() {
        let mut progress = progress(4);
        progress.probe_from(Index::new(1), Probe::Ready);
        assert_eq!(progress.next_index, Index::new(5));
    }
}
