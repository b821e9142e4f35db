//! A disk that loses what was not flushed.
//!
//! Writes wait until a flush has carried them to the platter; a flush covers all writes that were
//! there when it began and takes a while. A crash keeps a random prefix of the writes that were
//! under way, and may tear the next one. A flush may stall, or fail; no peer survives a failed
//! flush, whose effect on the platter is unknown.
//!
//! Invariants: the durable part changes by whole records in their order, but for one torn record at
//! a crash; the n-th flush depends on nothing but the seed, the peer and n, and so does the damage
//! of the n-th crash.

use std::collections::VecDeque;
use std::time::Duration;

use raft::{HardState, PersistentState, Record, Term, Write, WriteId};

use super::random::{Chance, Domain, Stream};

/// One peer's disk.
#[derive(Clone, Debug)]
pub struct Disk {
    durable: PersistentState,
    /// The states that were lost.
    lost: Vec<PersistentState>,
    pending: VecDeque<Write>,
    flush: Flush,
    latency: Latency,
    flush_faults: FlushFaultRates,
    seed: u64,
    peer: u64,
    flushes: u64,
    crashes: u64,
}

/// Latency of a flush: uniform between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The shortest flush.
    pub min: Duration,
    /// The longest flush.
    pub max: Duration,
}

impl Latency {
    /// From a drive with a battery to a busy consumer drive.
    pub const DEFAULT: Self =
        Self { min: Duration::from_micros(100), max: Duration::from_millis(5) };
}

/// Rates of flush faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushFaultRates {
    /// Rate of stalls.
    pub stall: Chance,
    /// The longest stall.
    pub stall_max: Duration,
    /// Rate of failures.
    pub failure: Chance,
}

impl FlushFaultRates {
    /// No faults.
    pub const NONE: Self =
        Self { stall: Chance::NEVER, stall_max: Duration::ZERO, failure: Chance::NEVER };
}

/// A flush that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushStart {
    /// The flush's number on this disk, from 1.
    pub number: u64,
    /// Usual duration.
    pub latency: Duration,
    /// Its faults.
    pub fault: Option<FlushFault>,
}

/// Fault of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushFault {
    /// It takes this long.
    Stalls(Duration),
    /// It ends with an error.
    Fails,
}

/// Damage of a crash to pending writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Drawn for this crash.
    Drawn,
    /// Drawn for the failure of this flush.
    OfFlush(u64),
    /// This many writes survive whole, and this many entries of the next one; both count as many
    /// as there are if there are fewer.
    Given {
        /// Writes that survive.
        keep: usize,
        /// Entries that survive of the append after them.
        torn: usize,
    },
}

/// State of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Idle,
    /// This many of the pending writes are on their way.
    Running {
        writes: usize,
    },
}

/// Damage done to pending writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashDamage {
    /// Writes that survived whole.
    pub survived: usize,
    /// Writes that are gone, the torn one among them.
    pub lost: usize,
    /// Entries that survived of a torn append.
    pub torn_entries: usize,
    /// A vote is among the lost writes.
    pub vote_lost: bool,
}

impl Disk {
    /// An empty disk of this peer.
    #[must_use]
    pub fn new(seed: u64, peer: usize, latency: Latency) -> Self {
        Self {
            durable: PersistentState::default(),
            lost: Vec::new(),
            pending: VecDeque::new(),
            flush: Flush::Idle,
            latency,
            flush_faults: FlushFaultRates::NONE,
            seed,
            peer: peer as u64,
            flushes: 0,
            crashes: 0,
        }
    }

    /// Changes the rates of flush faults, from the next flush on.
    pub const fn set_flush_faults(&mut self, flush_faults: FlushFaultRates) {
        self.flush_faults = flush_faults;
    }

    /// Changes how long flushes take from the next one on.
    pub const fn set_latency(&mut self, latency: Latency) {
        self.latency = latency;
    }

    /// State that survives a crash at this time for certain.
    #[must_use]
    pub const fn durable(&self) -> &PersistentState {
        &self.durable
    }

    /// Replaces the disk by an empty one, after a crash.
    pub fn wipe(&mut self) {
        self.lost.push(std::mem::take(&mut self.durable));
    }

    /// Puts an old copy of the disk back, after a crash.
    pub fn roll_back(&mut self, copy: PersistentState) {
        self.lost.push(std::mem::replace(&mut self.durable, copy));
    }

    /// Replaces the term, as an operator does offline; the vote is dropped.
    pub fn reset_term(&mut self, current_term: Term) {
        self.durable.hard_state = HardState { current_term, voted_for: None };
    }

    /// The states that were lost, oldest first: their stores are never in use again.
    #[must_use]
    pub fn lost(&self) -> &[PersistentState] {
        &self.lost
    }

    /// Number of pending writes.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes a write.
    pub fn write(&mut self, write: Write) {
        self.pending.push_back(write);
    }

    /// Begins a flush of all writes so far, with its latency and its fault. Nothing happens if
    /// there is nothing to flush or a flush is running.
    pub fn begin_flush(&mut self) -> Option<FlushStart> {
        if self.flush != Flush::Idle || self.pending.is_empty() {
            return None;
        }
        self.flush = Flush::Running { writes: self.pending.len() };
        self.flushes += 1;
        let number = self.flushes;
        let mut rng = Stream::new(self.seed, Domain::Disk, [self.peer, number]);
        let latency = rng.between(self.latency.min, self.latency.max);
        Some(FlushStart { number, latency, fault: self.flush_faults.draw(&mut rng) })
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

    /// Power is lost: a prefix of the pending writes survives, and the first one that does not may
    /// leave a torn piece behind.
    pub fn crash(&mut self, damage: Damage) -> CrashDamage {
        let under_way = self.pending.len();
        let (keep, torn) = match damage {
            Damage::Given { keep, torn } => (keep.min(under_way), torn),
            Damage::Drawn => {
                self.crashes += 1;
                self.drawn_damage(self.crashes)
            }
            Damage::OfFlush(number) => self.drawn_damage(1 << 32 | number),
        };
        for write in self.pending.drain(..keep) {
            self.durable.record(&write.record);
        }
        let vote_lost = self.pending.iter().any(|write| is_vote(&write.record));
        let next = self.pending.pop_front();
        let torn_entries = next.map_or(0, |write| tear(&mut self.durable, write.record, torn));
        self.pending.clear();
        self.flush = Flush::Idle;
        CrashDamage { survived: keep, lost: under_way - keep, torn_entries, vote_lost }
    }

    /// Number of writes that survive, and of entries of the one after them.
    fn drawn_damage(&self, cause: u64) -> (usize, usize) {
        let mut rng = Stream::new(self.seed, Domain::Damage, [self.peer, cause]);
        let keep = rng.index(self.pending.len() + 1);
        let torn = match self.pending.get(keep).map(|write| &write.record) {
            Some(Record::Append(entries)) if rng.happens(TEAR_CHANCE) => rng.index(entries.len()),
            Some(_) | None => 0,
        };
        (keep, torn)
    }

    /// The size of the term, the vote and the log as they lie on the disk, without the snapshot.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        log_bytes(&self.durable)
    }
}

/// The size of a term, a vote and a log, without the snapshot, as [`codec`](raft::codec) encodes
/// them.
#[must_use]
pub fn log_bytes(stored: &PersistentState) -> usize {
    let entries: usize = stored.entries.iter().map(raft::Entry::encoded_len).sum();
    HARD_STATE_BYTES + entries
}

/// The same with the snapshot.
#[must_use]
pub fn stored_bytes(stored: &PersistentState) -> usize {
    let snapshot = stored.snapshot.as_ref().map_or(0, |snapshot| snapshot.data.len() as usize);
    log_bytes(stored) + snapshot
}

impl FlushFaultRates {
    fn draw(&self, rng: &mut Stream) -> Option<FlushFault> {
        if rng.happens(self.failure) {
            Some(FlushFault::Fails)
        } else if rng.happens(self.stall) {
            Some(FlushFault::Stalls(rng.log_uniform(STALL_MIN, self.stall_max)))
        } else {
            None
        }
    }
}

/// A torn append keeps some of its first entries. The other records are small or checked by a
/// checksum as a whole, so that a torn one is as good as none.
fn tear(durable: &mut PersistentState, record: Record, torn: usize) -> usize {
    match record {
        Record::Append(mut entries) => {
            entries.truncate(torn.min(entries.len().saturating_sub(1)));
            let kept = entries.len();
            if kept > 0 {
                durable.record(&Record::Append(entries));
            }
            kept
        }
        Record::Identity(_)
        | Record::HardState(_)
        | Record::Truncate { .. }
        | Record::Snapshot { .. } => 0,
    }
}

const fn is_vote(record: &Record) -> bool {
    matches!(record, Record::HardState(HardState { voted_for: Some(_), .. }))
}

/// Chance that a crash tears the first lost write.
const TEAR_CHANCE: Chance = Chance::of(1, 2);

/// Shorter stalls are what a busy disk does anyway.
const STALL_MIN: Duration = Duration::from_millis(20);

/// Term and vote, eight bytes each, and whether there is a vote.
const HARD_STATE_BYTES: usize = 8 + 8 + 1;
