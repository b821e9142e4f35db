//! The transfer of a snapshot to a follower, as its leader tracks it: chunks ahead of their answers, within a
//! window of bytes.
//!
//! The window doubles with each round trip until chunks wait for each other on their way. From then on it is
//! so large that they wait for half a heartbeat interval: enough for the whole rate of the link, and heartbeats
//! behind them come in time. (RFC 6817 has bulk transfers over the internet do the same.)
//!
//! Invariant: `offset <= next`.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::config::Config;
use crate::entry::Snapshot;
use crate::types::Instant;

/// A snapshot on its way to a follower.
#[derive(Clone, Debug)]
pub struct SnapshotTransfer {
    /// The snapshot; it stays the same even if the leader takes a newer one meanwhile.
    pub snapshot: Snapshot,
    /// The number of bytes the follower holds.
    pub offset: u64,
    /// The offset of the next chunk; none once the last one is sent.
    pub next: Option<u64>,
    /// The most bytes sent ahead of their answers.
    pub window: u64,
    /// The state of the chunks between.
    pub chunks: Chunks,
    /// The time of the last answer that moved `offset`, or of the first chunk after none was unanswered.
    last_progress_at: Instant,
    growth: Growth,
    round_trips: RoundTrips,
}

/// The state of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chunks {
    /// They flow.
    Flowing,
    /// No answer came in time: chunks are empty until the follower says what it holds.
    Silent,
}

/// The growth of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Growth {
    /// By what is answered.
    Double,
    /// By a chunk in each round trip; the next one ends with the answer to what was sent through here.
    Chunk { through: u64 },
}

/// The times from chunks to their answers.
#[derive(Clone, Debug, Default)]
struct RoundTrips {
    /// The unanswered chunks: their ends, and the times when they were sent.
    sent: VecDeque<(u64, Instant)>,
    last: Duration,
    /// The shortest of the last ones: the time without a queue.
    shortest: Option<Duration>,
    /// The number of steps of the window since that is measured.
    count: u8,
}

impl SnapshotTransfer {
    /// A transfer from the first byte on, with a window of one chunk.
    pub(crate) fn new(snapshot: Snapshot, chunk_bytes: u64, now: Instant) -> Self {
        Self {
            snapshot,
            offset: 0,
            next: Some(0),
            window: chunk_bytes,
            chunks: Chunks::Flowing,
            last_progress_at: now,
            growth: Growth::Double,
            round_trips: RoundTrips::default(),
        }
    }

    /// The offset of a chunk to send now.
    pub(crate) fn due_chunk(&self) -> Option<u64> {
        let within = |next: &u64| *next == self.offset || *next - self.offset < self.window;
        self.next.filter(within).filter(|_| self.chunks == Chunks::Flowing)
    }

    /// Notes a chunk of this many bytes, sent from `next` on.
    pub(crate) fn sent(&mut self, bytes: u64, now: Instant) {
        let Some(next) = self.next else { return };
        if next == self.offset {
            self.last_progress_at = now;
        }
        self.round_trips.sent.push_back((next + bytes, now));
        self.next = Some(next + bytes).filter(|next| *next < self.snapshot.data.len());
    }

    /// Notes that the follower holds this many bytes. `is_late` if the answer is to a message of before the last
    /// silence: if it has received more since, then nothing was lost, and the way is longer than the wait for it.
    pub(crate) fn answered(&mut self, offset: u64, is_late: bool, config: &Config, now: Instant) {
        match self.chunks {
            Chunks::Silent if !is_late => self.resume(offset, now),
            Chunks::Silent | Chunks::Flowing if offset > self.offset => {
                self.advance(offset, config, now);
            }
            Chunks::Silent | Chunks::Flowing => {}
        }
    }

    fn advance(&mut self, offset: u64, config: &Config, now: Instant) {
        let answered = offset - self.offset;
        self.offset = offset;
        self.next = self.next.map(|next| next.max(offset));
        (self.chunks, self.last_progress_at) = (Chunks::Flowing, now);
        let Some(shortest) = self.round_trips.answered(offset, now) else { return };
        self.adapt(answered, shortest, config);
        self.window = self.window.min(config.in_flight_bytes_max as u64);
    }

    /// Fits the window to the time that the last chunk has waited in queues, once in a round trip.
    fn adapt(&mut self, answered: u64, shortest: Duration, config: &Config) {
        let (chunk, last) = (config.snapshot_chunk_bytes as u64, self.round_trips.last);
        let wanted = shortest + config.heartbeat_interval / 2;
        match self.growth {
            Growth::Double if last <= wanted => return self.window += answered,
            Growth::Chunk { through } if self.offset < through => return,
            Growth::Chunk { .. } if last <= wanted => self.window += chunk,
            Growth::Double | Growth::Chunk { .. } => {
                let fitting = u128::from(self.window) * wanted.as_nanos() / last.as_nanos();
                self.window = u64::try_from(fitting).unwrap_or(chunk).max(chunk);
            }
        }
        self.growth = Growth::Chunk { through: self.next.unwrap_or(self.snapshot.data.len()) };
        self.round_trips.count += 1;
        if self.round_trips.count == ROUND_TRIPS {
            // With fewer chunks on their way the next ones show the way without a queue.
            self.window = chunk.max(self.window / 2);
            (self.round_trips.shortest, self.round_trips.count) = (None, 0);
        }
    }

    /// Continues from what the follower holds: chunks sent after that count as lost.
    fn resume(&mut self, offset: u64, now: Instant) {
        (self.offset, self.next) = (offset, Some(offset));
        (self.chunks, self.last_progress_at) = (Chunks::Flowing, now);
        self.round_trips.sent.clear();
    }

    /// Stops sending if no answer has come for as long as two took, or a heartbeat interval; returns whether it
    /// did so now.
    pub(crate) fn expire(&mut self, now: Instant, config: &Config) -> bool {
        let longest = config.election_timeout_max.max(config.heartbeat_interval);
        let wait = (self.round_trips.last * 2).clamp(config.heartbeat_interval, longest);
        let is_unanswered = self.next != Some(self.offset);
        let stalled = is_unanswered && now.since(self.last_progress_at) >= wait;
        let stops = stalled && self.chunks == Chunks::Flowing;
        if stops {
            self.chunks = Chunks::Silent;
            self.window = (config.snapshot_chunk_bytes as u64).max(self.window / 2);
        }
        stops
    }

    /// See [`Node::behaviour_hash`](crate::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        let Self { snapshot, offset, next, window, chunks, last_progress_at, growth, round_trips } =
            self;
        (snapshot, offset, next, window, chunks, growth).hash(hasher);
        // Without an unanswered chunk it has no effect.
        (*next != Some(*offset)).then(|| now.since(*last_progress_at)).hash(hasher);
        let RoundTrips { sent, last, shortest, count } = round_trips;
        sent.iter().for_each(|(end, at)| (end, now.since(*at)).hash(hasher));
        (last, shortest, count).hash(hasher);
    }
}

impl RoundTrips {
    /// Notes the answer to the chunks through an offset; returns the shortest time.
    fn answered(&mut self, offset: u64, now: Instant) -> Option<Duration> {
        let mut newest = None;
        while let Some((_, sent_at)) = self.sent.pop_front_if(|(end, _)| *end <= offset) {
            newest = Some(sent_at);
        }
        self.last = now.since(newest?);
        let shortest = self.shortest.map_or(self.last, |shortest| shortest.min(self.last));
        self.shortest = Some(shortest);
        self.shortest
    }
}

/// Round trips after which the shortest time is measured anew: the way may have become longer.
const ROUND_TRIPS: u8 = 64;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;
    use std::sync::Arc;

    use super::*;
    use crate::membership::Membership;
    use crate::snapshot_data::{SnapshotData, StoredSnapshot};
    use crate::types::{EntryId, Index, PeerId, Term};

    struct Unread;

    impl StoredSnapshot for Unread {
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// A link that sends one message after the other, and the follower behind it. All times are in
    /// milliseconds.
    struct Link {
        bytes_per_ms: u64,
        round_trip: u64,
        free_at: u64,
        held: u64,
        /// The time of each answer at the leader, what the follower held, and the round.
        answers: VecDeque<(u64, u64, u64)>,
    }

    impl Link {
        /// Sends a chunk; returns the time that it waits for those before it.
        fn send(&mut self, now: u64, offset: u64, bytes: u64, round: u64) -> u64 {
            let waits = self.free_at.saturating_sub(now);
            self.free_at = now + waits + bytes.div_ceil(self.bytes_per_ms);
            if offset == self.held {
                self.held += bytes;
            }
            self.answers.push_back((self.free_at + self.round_trip, self.held, round));
            waits
        }
    }

    /// Transfers so many bytes; returns the time, and the longest wait in the queue of the link.
    fn transfer(bytes_per_ms: u64, round_trip: u64, bytes: u64) -> (u64, u64) {
        let config = Config::new(PeerId::new(1), Vec::new());
        let (chunk, heartbeat) = (config.snapshot_chunk_bytes as u64, 50);
        let snapshot = Snapshot {
            last_included: EntryId::new(Term::new(1), Index::new(9)),
            membership: Arc::new(Membership::default()),
            data: SnapshotData::stored(Arc::new(Unread), bytes),
        };
        let at = |ms: u64| Instant::START.after(Duration::from_millis(ms));
        let mut transfer = SnapshotTransfer::new(snapshot, chunk, at(0));
        let (free_at, held, answers) = (0, 0, VecDeque::new());
        let mut link = Link { bytes_per_ms, round_trip, free_at, held, answers };
        let (mut round, mut since, mut heartbeat_due, mut longest) = (0, 0, 0, 0);
        for now in 0..10_000_000 {
            while let Some((_, held, of)) = link.answers.pop_front_if(|(due, ..)| *due <= now) {
                transfer.answered(held, of < since, &config, at(now));
            }
            if transfer.offset == bytes {
                return (now, longest);
            }
            if transfer.expire(at(now), &config) {
                round += 1;
                since = round;
            }
            while let Some(offset) = transfer.due_chunk() {
                let len = chunk.min(bytes - offset);
                longest = longest.max(link.send(now, offset, len, round));
                transfer.sent(len, at(now));
                heartbeat_due = now + heartbeat;
            }
            if heartbeat_due <= now {
                link.send(now, transfer.offset, 0, round);
                heartbeat_due = now + heartbeat;
            }
        }
        panic!("{transfer:?}")
    }

    #[test]
    fn a_transfer_takes_the_rate_of_the_link_and_leaves_room_for_heartbeats() {
        // Bytes in a millisecond, and milliseconds of a round trip, also longer than a heartbeat interval (50).
        for (rate, round_trip) in
            [(1500, 1), (1500, 120), (10_000, 0), (10_000, 40), (10_000, 120), (65_536, 10)]
        {
            let bytes = rate * 10_000;
            let (took, waited) = transfer(rate, round_trip, bytes);
            let label = format!("{rate} bytes/ms, {round_trip} ms: {took} ms, waited {waited} ms");
            assert!((10_000..13_000).contains(&took), "{label}");
            assert!(waited <= 100, "{label}");
        }
    }
}
