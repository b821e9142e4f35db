//! The conformance check of stores, to be called from the tests of a store.
//!
//! Records mean what [`PersistentState::record`] does; a store conforms if, after any writes of a
//! node and however often it is reopened, it holds that state.
//!
//! ```
//! use raft::storage::{MemoryStorage, conformance};
//!
//! conformance::check(|| {
//!     let kept = MemoryStorage::default();
//!     move || Ok(kept.clone())
//! })?;
//! # Ok::<(), conformance::Violation>(())
//! ```

use std::fmt;
use std::sync::Arc;

use super::{Storage, StorageError};
use crate::entry::{Entry, Payload, Snapshot};
use crate::identity::{Identity, Incarnation, Standing};
use crate::membership::Membership;
use crate::output::{HardState, Record, Suffix, Write};
use crate::persistent_state::{EarlierEntries, PersistentState};
use crate::term_runs::TermRuns;
use crate::types::{EntryId, Index, PeerId, Term, WriteId};

/// Number of scripts run by [`check`].
pub const SCRIPTS: u64 = 32;

/// Number of batches in a script.
pub const BATCHES: usize = 32;

/// Runs scripts of random writes on a store, which is closed and reopened in between, and compares
/// it each time with the expected state.
///
/// `new_place` creates an empty location and returns a function that opens the store there: first an
/// empty one, later the one left behind, after it was dropped. To check what survives a crash, let
/// opening lose what was not durable.
///
/// # Errors
/// The first difference, with the last writes.
pub fn check<P, O, S>(mut new_place: P) -> Result<(), Violation>
where
    P: FnMut() -> O,
    O: FnMut() -> Result<S, StorageError>,
    S: Storage,
{
    (0..SCRIPTS).try_for_each(|seed| run_script(seed, &mut new_place()))
}

fn run_script<S: Storage>(
    seed: u64,
    open: &mut impl FnMut() -> Result<S, StorageError>,
) -> Result<(), Violation> {
    let mut script = Script::new(seed);
    let mut last = Vec::new();
    let violation = |what: String, last: &[Write]| Violation { seed, what, last: last.to_vec() };
    let rejected = |error: StorageError| format!("write rejected: {error}");
    let mut store = opened(open, &PersistentState::default(), &mut script.draws)
        .map_err(|what| violation(what, &last))?;
    for _ in 0..BATCHES {
        last = script.batch();
        let streamed = streamed(&mut store, &last);
        let done = streamed.and_then(|writes| store.write(&writes));
        done.map_err(|error| violation(rejected(error), &last))?;
        reads_back(&mut store, &mut script).map_err(|what| violation(what, &last))?;
        if script.random.below(3) == 0 {
            drop(store);
            store = opened(open, &script.model, &mut script.draws)
                .map_err(|what| violation(what, &last))?;
        }
    }
    drop(store);
    opened(open, &script.model, &mut script.draws).map_err(|what| violation(what, &last))?;
    Ok(())
}

fn opened<S: Storage>(
    open: &mut impl FnMut() -> Result<S, StorageError>,
    model: &PersistentState,
    random: &mut Random,
) -> Result<S, String> {
    let mut store = open().map_err(|error| format!("cannot open: {error}"))?;
    let loaded = store.load().map_err(|error| format!("cannot load: {error}"))?;
    if let Some(what) = difference(&loaded, model) {
        return Err(what);
    }
    recent(&mut store, model, random.below(400)).map_or(Ok(store), Err)
}

/// Loads the last entries, if the store reads the others back; the first difference.
fn recent<S: Storage>(store: &mut S, model: &PersistentState, bytes_max: u64) -> Option<String> {
    store.entry_reader()?;
    let found = match store.load_recent(bytes_max) {
        Ok(found) => found,
        Err(error) => return Some(format!("cannot load the last entries: {error}")),
    };
    let bytes: u64 = found.entries.iter().map(|entry| entry.encoded_len() as u64).sum();
    if bytes > bytes_max {
        return Some(format!("loaded {bytes} bytes of entries, expected {bytes_max} at most"));
    }
    let (earlier, last) = model.entries.split_at(model.entries.len() - found.entries.len());
    let mut expected = EarlierEntries::default();
    earlier.iter().for_each(|entry| expected.push(entry));
    let runs = &found.earlier.runs;
    let wrong = earlier.iter().find(|entry| runs.term_at(entry.id.index) != Some(entry.id.term));
    if let Some(entry) = wrong {
        return Some(format!("found {runs:?}, expected entry {} in it", entry.id));
    }
    let ends = |runs: &TermRuns| (runs.first(), runs.last());
    if ends(runs) != ends(&expected.runs) || found.earlier.memberships != expected.memberships {
        return Some(format!("found {:?}, expected {expected:?}", found.earlier));
    }
    let whole = PersistentState { entries: last.to_vec(), ..model.clone() };
    difference(&found, &whole)
}

/// Reads entries back, if the store has a reader: random parts of the log, and of what was in it.
fn reads_back<S: Storage>(store: &mut S, script: &mut Script) -> Result<(), String> {
    let Some(mut reader) = store.entry_reader() else { return Ok(()) };
    let last = script.model.last().index.number();
    for _ in 0..4 {
        let first = Index::new(1 + script.draws.below(last + 2));
        let through = Index::new(1 + script.draws.below(last + 2));
        let bytes_max = script.draws.below(200);
        let found = reader.read(first, through, bytes_max);
        let found = found.map_err(|error| format!("cannot read back: {error}"))?;
        let expected = script.model.read(first, through, bytes_max);
        if found != expected {
            return Err(format!(
                "entries {first} through {through}, at most {bytes_max} bytes: \
                 found {found:?}, expected {expected:?}"
            ));
        }
    }
    Ok(())
}

/// The same writes, with the data of every other snapshot in the store's own space, if it has one:
/// appended in pieces, beside a snapshot that is given up.
///
/// # Errors
/// A snapshot cannot be written.
pub fn streamed<S: Storage>(store: &mut S, writes: &[Write]) -> Result<Vec<Write>, StorageError> {
    let mut space = store.snapshot_space();
    let mut put = |write: &Write| {
        let (Record::Snapshot { snapshot, suffix }, Some(space)) = (&write.record, &mut space)
        else {
            return Ok(write.clone());
        };
        if write.id.number().is_multiple_of(2) {
            return Ok(write.clone());
        }
        let mut given_up = space.create()?;
        let mut writer = space.create()?;
        for piece in snapshot.data.bytes().unwrap_or_default().chunks(7) {
            writer.append(piece)?;
            given_up.append(piece)?;
        }
        writer.finish()?;
        let (snapshot, suffix) = (Snapshot { data: writer.data(), ..snapshot.clone() }, *suffix);
        Ok(Write { id: write.id, record: Record::Snapshot { snapshot, suffix } })
    };
    writes.iter().map(&mut put).collect()
}

/// The first difference of two states, as text; `None` if they are equal.
#[must_use]
pub fn difference(found: &PersistentState, expected: &PersistentState) -> Option<String> {
    if found.identity != expected.identity {
        return Some(format!("found {:?}, expected {:?}", found.identity, expected.identity));
    }
    if found.hard_state != expected.hard_state {
        return Some(format!("found {:?}, expected {:?}", found.hard_state, expected.hard_state));
    }
    if found.snapshot != expected.snapshot {
        let (found, expected) = (&found.snapshot, &expected.snapshot);
        return Some(format!("found snapshot {found:?}, expected {expected:?}"));
    }
    let places = found.entries.len().max(expected.entries.len());
    let pairs = (0..places).map(|at| (found.entries.get(at), expected.entries.get(at)));
    let (found, expected) = pairs.into_iter().find(|(found, expected)| found != expected)?;
    Some(format!("found {found:?}, expected {expected:?}"))
}

/// All states that a crash during these writes may leave behind after the durable state `before`:
/// records take effect in order, and an append up to any of its entries.
pub fn survivors(before: &PersistentState, writes: &[Write]) -> Vec<PersistentState> {
    let mut now = before.clone();
    let mut states = vec![now.clone()];
    let mut step = |record: &Record| {
        now.record(record);
        states.push(now.clone());
    };
    for write in writes {
        match &write.record {
            Record::Append(entries) => {
                entries.iter().for_each(|entry| step(&Record::Append(vec![entry.clone()])));
            }
            record @ (Record::Identity(_)
            | Record::HardState(_)
            | Record::Truncate { .. }
            | Record::Snapshot { .. }) => {
                step(record);
            }
        }
    }
    states
}

/// A store that does not conform.
#[derive(Clone, Debug)]
pub struct Violation {
    seed: u64,
    what: String,
    last: Vec<Write>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (script {}; written last: {:?})", self.what, self.seed, self.last)
    }
}

impl std::error::Error for Violation {}

/// Writes as a node may issue them, drawn from a seed, and the resulting state.
///
/// ```
/// use raft::storage::conformance::Script;
/// let (mut one, mut other) = (Script::new(7), Script::new(7));
/// assert_eq!(one.batch(), other.batch());
/// assert_eq!(one.model(), other.model());
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    random: Random,
    /// For what is read back, apart from the writes.
    draws: Random,
    next: WriteId,
    model: PersistentState,
}

impl Script {
    /// The script of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            draws: Random(!seed),
            next: WriteId::ZERO,
            model: PersistentState::default(),
        }
    }

    /// The state after all writes so far.
    #[must_use]
    pub const fn model(&self) -> &PersistentState {
        &self.model
    }

    /// Continues as a node that starts from this state.
    pub fn resume_from(&mut self, state: PersistentState) {
        self.model = state;
        self.next = WriteId::ZERO;
    }

    /// The next writes, none to eight, as one batch.
    pub fn batch(&mut self) -> Vec<Write> {
        (0..self.random.below(9)).map(|_| self.write()).collect()
    }

    fn write(&mut self) -> Write {
        let record = match self.random.below(10) {
            0 => self.vote(),
            1 => self.truncation(),
            2 => self.snapshot(),
            3 if self.random.below(2) == 0 => Some(self.identity()),
            _ => None,
        };
        let record = record.unwrap_or_else(|| self.append());
        self.model.record(&record);
        self.next = self.next.next();
        Write { id: self.next, record }
    }

    /// Entries of the newest term; before there is a term, the first one.
    fn append(&mut self) -> Record {
        let term = self.model.hard_state.current_term;
        if term == Term::ZERO {
            return Record::HardState(HardState { current_term: term.next(), voted_for: None });
        }
        let first = self.model.last().index;
        let count = 1 + self.random.below(4);
        let entry = |offset| {
            let payload = match self.random.below(6) {
                0 => Payload::NoOp,
                1 => Payload::Membership(self.membership()),
                _ => Payload::Command(self.random.bytes()),
            };
            Entry { id: EntryId::new(term, first.plus(offset)), payload }
        };
        Record::Append((1..=count).map(entry).collect())
    }

    /// A new identity, as one that changes.
    fn identity(&mut self) -> Record {
        let store = |random: &mut Random| Incarnation::new(random.next());
        let peers = (1..=self.random.below(4)).map(PeerId::new).collect();
        let known = (1..=self.random.below(3)).map(|peer| (peer, store(&mut self.random)));
        let known = known.map(|(peer, store)| (PeerId::new(peer), store)).collect();
        let standing = match self.random.below(2) {
            0 => Standing::New,
            _ => Standing::Confirmed,
        };
        let incarnation = store(&mut self.random);
        Record::Identity(Identity { incarnation, standing, peers, known })
    }

    /// A vote in the same term if there was none, else a newer term, with or without one.
    fn vote(&mut self) -> Option<Record> {
        let HardState { current_term, voted_for } = self.model.hard_state;
        let vote = Some(PeerId::new(self.random.below(5)));
        Some(Record::HardState(match (voted_for, self.random.below(3)) {
            (None, 0) => HardState { current_term, voted_for: vote },
            (_, 1) => HardState { current_term: current_term.next(), voted_for: None },
            _ => HardState { current_term: current_term.next(), voted_for: vote },
        }))
    }

    fn truncation(&mut self) -> Option<Record> {
        let last = self.model.entries.len().checked_sub(1)? as u64;
        let from = self.model.base().index.plus(1 + self.random.below(last + 1));
        Some(Record::Truncate { from })
    }

    fn snapshot(&mut self) -> Option<Record> {
        let data = self.random.bytes().into();
        if self.random.below(3) > 0 {
            let (base, last) = (self.model.base().index, self.model.last().index);
            let new = last.since(base).checked_sub(1)?;
            let index = base.plus(1 + self.random.below(new + 1));
            let last_included = EntryId::new(self.model.term_at(index)?, index);
            let snapshot = Snapshot { last_included, membership: self.membership(), data };
            let first = self.model.entries.first()?.id.index;
            let after = first.prev().plus(self.random.below(index.since(first) + 2));
            return Some(Record::Snapshot { snapshot, suffix: Suffix::Kept { after } });
        }
        // From a leader whose log this one does not hold: below, at or beyond the log's end.
        let index = self.model.base().index.plus(1 + self.random.below(20));
        let term = self.model.hard_state.current_term;
        let last_included = EntryId::new(term, index);
        let known = self.model.entries.iter().any(|entry| entry.id == last_included);
        let suffix = if known { Suffix::Kept { after: index } } else { Suffix::Discarded };
        let snapshot = Snapshot { last_included, membership: self.membership(), data };
        (term > Term::ZERO).then_some(Record::Snapshot { snapshot, suffix })
    }

    fn membership(&mut self) -> Arc<Membership> {
        let voters = (1..=1 + self.random.below(5)).map(PeerId::new);
        let [voter, learner] = [1, 9].map(PeerId::new);
        let old = Membership::of_voters(voters).with_address(voter, "here:1");
        Arc::new(match self.random.below(3) {
            0 => old,
            1 => old.with_learner(learner),
            _ => old.enter_joint(Membership::of_voters([voter, learner])),
        })
    }
}

/// A seeded random number generator (splitmix64).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self) -> crate::entry::Bytes {
        (0..self.below(48)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
