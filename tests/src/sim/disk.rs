//! A disk that loses what was not flushed.
//!
//! Writes wait until a flush has carried them to the platter; a flush covers all writes that were
//! there when it began and takes a while. A crash keeps a random prefix of the writes that were
//! under way, and may tear the next one. Invariant: the durable part changes by whole records in
//! their order, but for one torn record at a crash.

use std::collections::VecDeque;
use std::time::Duration;

use raft::{Record, Stored, Write, WriteId};

use super::random::{Chance, Domain, Stream};

/// One peer's disk.
#[derive(Clone, Debug)]
pub struct Disk {
    durable: Stored,
    pending: VecDeque<Write>,
    flush: Flush,
    latency: Latency,
    stream: Stream,
}

/// How long a flush takes: uniform between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The shortest flush.
    pub min: Duration,
    /// The longest flush.
    pub max: Duration,
}

impl Latency {
    /// From a drive with a battery to a busy consumer's one.
    pub const DEFAULT: Self =
        Self { min: Duration::from_micros(100), max: Duration::from_millis(5) };
}

/// What the disk is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Idle,
    /// This many of the pending writes are on their way.
    Running {
        writes: usize,
    },
}

/// What a crash did to the writes that were under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashDamage {
    /// Writes that survived whole.
    pub survived: usize,
    /// Writes that are gone, the torn one among them.
    pub lost: usize,
    /// Entries that survived of a torn append.
    pub torn_entries: usize,
}

impl Disk {
    /// An empty disk of the peer at this place.
    #[must_use]
    pub fn new(seed: u64, peer: usize, latency: Latency) -> Self {
        Self {
            durable: Stored::default(),
            pending: VecDeque::new(),
            flush: Flush::Idle,
            latency,
            stream: Stream::new(seed, Domain::Disk, [peer as u64, 0]),
        }
    }

    /// Changes how long flushes take from the next one on.
    pub const fn set_latency(&mut self, latency: Latency) {
        self.latency = latency;
    }

    /// What survives a crash at this moment for certain.
    #[must_use]
    pub const fn durable(&self) -> &Stored {
        &self.durable
    }

    /// How many writes are not durable yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes a write.
    pub fn write(&mut self, write: Write) {
        self.pending.push_back(write);
    }

    /// Begins a flush of all writes so far and says how long it takes. Nothing happens if there
    /// is nothing to flush or a flush is running.
    pub fn begin_flush(&mut self) -> Option<Duration> {
        if self.flush != Flush::Idle || self.pending.is_empty() {
            return None;
        }
        self.flush = Flush::Running { writes: self.pending.len() };
        Some(self.stream.between(self.latency.min, self.latency.max))
    }

    /// Ends the running flush and names the newest durable write; `None` if no flush is running.
    pub fn end_flush(&mut self) -> Option<WriteId> {
        let Flush::Running { writes } = self.flush else { return None };
        self.flush = Flush::Idle;
        let mut newest = None;
        for write in self.pending.drain(..writes) {
            self.durable.record(&write.record);
            newest = Some(write.id);
        }
        newest
    }

    /// The power goes: a random prefix of the pending writes survives, and the first one that does
    /// not may leave a torn piece behind.
    pub fn crash(&mut self) -> CrashDamage {
        let mut luck = self.stream.fork();
        let under_way = self.pending.len();
        let survived = luck.index(under_way + 1);
        for write in self.pending.drain(..survived) {
            self.durable.record(&write.record);
        }
        let torn = self.pending.pop_front().filter(|_| luck.happens(TEARING));
        let torn_entries = torn.map_or(0, |write| tear(&mut self.durable, write.record, &mut luck));
        self.pending.clear();
        self.flush = Flush::Idle;
        CrashDamage { survived, lost: under_way - survived, torn_entries }
    }

    /// The size of the term, the vote and the log as they lie on the disk, without the snapshot.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        let entries: usize = self.durable.entries.iter().map(raft::Entry::encoded_len).sum();
        HARD_STATE_BYTES + entries
    }
}

/// A torn append keeps some of its first entries. The other records are small or checked by a
/// checksum as a whole, so that a torn one is as good as none.
fn tear(durable: &mut Stored, record: Record, luck: &mut Stream) -> usize {
    match record {
        Record::Append(mut entries) => {
            entries.truncate(luck.index(entries.len()));
            let kept = entries.len();
            if kept > 0 {
                durable.record(&Record::Append(entries));
            }
            kept
        }
        Record::HardState(_) | Record::Truncate { .. } | Record::Snapshot { .. } => 0,
    }
}

/// How often a crash tears the write at which it struck.
const TEARING: Chance = Chance::of(1, 2);

/// Term and vote, eight bytes each, and whether there is a vote.
const HARD_STATE_BYTES: usize = 8 + 8 + 1;
