//! Conformance of all stores, and detection of stores with a bug.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use raft::storage::conformance::{self, Script, difference, streamed, survivors};
use raft::storage::{DiskOptions, EntryReader, MemoryStorage, Storage, StorageError};
use raft::{
    Entry, EntryId, HardState, Index, Payload, PersistentState, Record, Snapshot, Suffix, Term,
    Write, WriteId,
};

use crate::stores::{Durable, PEER};

#[test]
fn the_store_in_memory_conforms() {
    let new_place = || {
        let kept = MemoryStorage::default();
        move || Ok(kept.clone())
    };
    conformance::check(new_place).expect("it is the model");
}

#[test]
fn every_durable_store_conforms() {
    for durable in Durable::ALL {
        let new_place = || {
            let directory = tempfile::tempdir().expect("a directory");
            move || durable.open(directory.path())
        };
        let checked = conformance::check(new_place);
        checked.unwrap_or_else(|violation| panic!("{durable:?}: {violation}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Batches of any size, with or without a start in between.
    #[test]
    fn a_durable_store_returns_all_writes(
        seed: u64,
        starts in proptest::collection::vec(any::<bool>(), 1..12),
    ) {
        for durable in Durable::ALL {
            let directory = tempfile::tempdir()?;
            let open = || durable.open(directory.path());
            check_written(open, seed, &starts)?;
        }
    }

    /// In files of any length.
    #[test]
    fn the_disk_store_returns_all_writes_at_any_segment_length(
        seed: u64,
        segment_bytes in 1_u64..4000,
        starts in proptest::collection::vec(any::<bool>(), 1..12),
    ) {
        let directory = tempfile::tempdir()?;
        let open = || DiskOptions::new().segment_bytes(segment_bytes).open(&directory, PEER);
        check_written(open, seed, &starts)?;
    }

    #[test]
    fn an_interrupted_batch_leaves_one_of_its_possible_states(seed: u64, steps in 0_usize..20) {
        let mut script = Script::new(seed);
        (0..steps).for_each(|_| drop(script.batch()));
        let before = script.model().clone();
        let batch = script.batch();
        let states = survivors(&before, &batch);
        prop_assert_eq!(states.first(), Some(&before));
        prop_assert_eq!(states.last(), Some(script.model()));
    }
}

fn check_written<S: Storage>(
    open: impl Fn() -> Result<S, StorageError>,
    seed: u64,
    starts: &[bool],
) -> Result<(), TestCaseError> {
    let mut script = Script::new(seed);
    let mut store = open()?;
    for start in starts {
        store.write(&script.batch())?;
        if *start {
            drop(store);
            store = open()?;
        }
        let found = store.load()?;
        prop_assert_eq!(difference(&found, script.model()), None);
    }
    Ok(())
}

type WriteFn = fn(&mut PersistentState, &[Write]);
type ReadFn = fn(&PersistentState, Index, Index, u64) -> Vec<Entry>;

/// A store in memory with a bug in its writes or reads.
#[derive(Clone)]
struct BuggyStore {
    write: WriteFn,
    read: ReadFn,
    stored: Arc<Mutex<PersistentState>>,
}

impl EntryReader for BuggyStore {
    fn read(
        &mut self,
        first: Index,
        through: Index,
        bytes_max: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        Ok((self.read)(&self.stored.lock().expect("sound"), first, through, bytes_max))
    }
}

impl Storage for BuggyStore {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        Ok(self.stored.lock().expect("sound").clone())
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        self.load().map(|stored| stored.recent(bytes_max))
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        (self.write)(&mut self.stored.lock().expect("sound"), writes);
        Ok(())
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        Some(Box::new(self.clone()))
    }
}

/// Applies a record, even with a gap: a store on disk would not notice one either.
fn record(stored: &mut PersistentState, record: &Record) {
    if let Record::Append(entries) = record {
        stored.entries.extend_from_slice(entries);
    } else {
        stored.record(record);
    }
}

fn right(stored: &mut PersistentState, writes: &[Write]) {
    writes.iter().for_each(|write| record(stored, &write.record));
}

/// Applies a batch after `change` has modified each record.
fn with_change(
    stored: &mut PersistentState,
    writes: &[Write],
    change: fn(&PersistentState, &mut Record),
) {
    for write in writes {
        let mut wrong = write.record.clone();
        change(stored, &mut wrong);
        record(stored, &wrong);
    }
}

/// Bugs of stores, observed and possible.
const BUGS: [(&str, WriteFn); 15] = [
    ("ignores truncation", |stored, writes| {
        let is_other = |write: &&Write| !matches!(write.record, Record::Truncate { .. });
        writes.iter().filter(is_other).for_each(|write| record(stored, &write.record));
    }),
    ("truncates one entry only", |stored, writes| {
        with_change(stored, writes, |stored, record| {
            if let Record::Truncate { from } = record {
                *from = stored.last().index.max(*from);
            }
        });
    }),
    ("truncates one entry too many", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Truncate { from } = record {
                *from = from.prev();
            }
        });
    }),
    ("forgets the vote", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::HardState(state) = record {
                state.voted_for = None;
            }
        });
    }),
    ("keeps the vote of an older term", |stored, writes| {
        with_change(stored, writes, |stored, record| {
            if let Record::HardState(state) = record {
                state.voted_for = state.voted_for.or(stored.hard_state.voted_for);
            }
        });
    }),
    ("keeps a discarded suffix", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Snapshot { snapshot, suffix } = record {
                *suffix = Suffix::Kept { after: snapshot.index() };
            }
        });
    }),
    ("drops entries that are kept behind a snapshot", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Snapshot { snapshot, suffix: Suffix::Kept { after } } = record {
                *after = snapshot.index();
            }
        });
    }),
    ("keeps an entry that is cut", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Snapshot { suffix: Suffix::Kept { after }, .. } = record {
                *after = after.prev();
            }
        });
    }),
    ("drops a kept suffix", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Snapshot { suffix, .. } = record {
                *suffix = Suffix::Discarded;
            }
        });
    }),
    ("loses the snapshot's term", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Snapshot { snapshot, .. } = record {
                snapshot.last_included.term = Term::ZERO;
            }
        });
    }),
    ("keeps the first snapshot", |stored, writes| {
        for write in writes {
            let before = stored.snapshot.clone();
            record(stored, &write.record);
            stored.snapshot = before.or(stored.snapshot.take());
        }
    }),
    ("carries out appends first", |stored, writes| {
        let mut writes = writes.to_vec();
        writes.sort_by_key(|write| !matches!(write.record, Record::Append(_)));
        right(stored, &writes);
    }),
    ("loses the last record of a batch", |stored, writes| {
        right(stored, &writes[..writes.len().saturating_sub(1)]);
    }),
    ("loses the last entry of an append", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Append(entries) = record {
                entries.pop();
            }
        });
    }),
    ("writes commands as no-ops", |stored, writes| {
        with_change(stored, writes, |_, record| {
            if let Record::Append(entries) = record {
                entries.iter_mut().for_each(|entry| entry.payload = Payload::NoOp);
            }
        });
    }),
];

/// Bugs of readers.
const READ_BUGS: [(&str, ReadFn); 5] = [
    ("reads an entry too many", |stored, first, through, bytes| {
        stored.read(first, through.next(), bytes)
    }),
    ("stops one entry early", |stored, first, through, bytes| {
        stored.read(first, through.prev(), bytes)
    }),
    ("ignores the limit of bytes", |stored, first, through, _| {
        stored.read(first, through, u64::MAX)
    }),
    ("returns nothing where the first entry is too large", |stored, first, through, bytes| {
        let mut entries = stored.read(first, through, bytes);
        entries.retain(|entry| entry.encoded_len() as u64 <= bytes);
        entries
    }),
    ("goes on behind a gap", |stored, first, through, bytes| {
        let first = stored.entries.first().map_or(first, |entry| entry.id.index.max(first));
        stored.read(first, through, bytes)
    }),
];

fn check(write: WriteFn, read: ReadFn) -> Result<(), conformance::Violation> {
    conformance::check(|| {
        let kept = BuggyStore { write, read, stored: Arc::default() };
        move || Ok(kept.clone())
    })
}

#[test]
fn a_store_with_a_seeded_bug_is_caught() {
    check(right, PersistentState::read).expect("without a bug it is right");
    let writes = BUGS.map(|(bug, write)| (bug, write, PersistentState::read as ReadFn));
    let reads = READ_BUGS.map(|(bug, read)| (bug, right as WriteFn, read));
    for (bug, write, read) in writes.into_iter().chain(reads) {
        let Err(violation) = check(write, read) else { panic!("a store that {bug} passes") };
        let text = violation.to_string();
        assert!(text.contains("expected") && text.contains("written last"), "{bug}: {text}");
    }
}

/// A store that never writes to its directory is caught by opening it again.
#[test]
fn a_store_that_never_writes_is_caught() {
    let violation = conformance::check(|| || Ok(MemoryStorage::default()));
    assert!(violation.is_err());
}

/// Larger than a single write of a store, then replaced by a small one.
#[test]
fn large_snapshots_are_read_back_unchanged() -> Result<(), StorageError> {
    for (durable, bytes) in Durable::ALL
        .into_iter()
        .flat_map(|durable| [1 << 17, (1 << 17) - 256, 3_000_000].map(|bytes| (durable, bytes)))
    {
        let directory = tempfile::tempdir().expect("a directory");
        for (index, bytes) in [(1, bytes), (2, 10), (3, 0)] {
            let data: Vec<u8> = (0..=250).cycle().take(bytes).collect();
            let last_included = EntryId::new(Term::new(1), Index::new(index));
            let snapshot =
                Snapshot { last_included, membership: Arc::default(), data: data.into() };
            let term = HardState { current_term: Term::new(1), voted_for: None };
            let record = Record::Snapshot { snapshot: snapshot.clone(), suffix: Suffix::Discarded };
            let writes = [(2, Record::HardState(term)), (index, record)]
                .map(|(number, record)| Write { id: WriteId::new(number), record });
            let mut store = durable.open(directory.path())?;
            let writes = streamed(&mut store, &writes)?;
            store.write(&writes)?;
            drop(store);
            let found = durable.open(directory.path())?.load()?.snapshot.map(|found| Snapshot {
                data: found.data.in_memory().expect("it is sound"),
                ..found
            });
            assert!(found == Some(snapshot), "{durable:?}: a snapshot of {bytes} bytes");
        }
    }
    Ok(())
}

#[test]
fn a_durable_store_continues_after_reopening() -> Result<(), StorageError> {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let mut script = Script::new(3);
        for _ in 0..50 {
            let mut store = durable.open(directory.path())?;
            assert_eq!(difference(&store.load()?, script.model()), None);
            store.write(&script.batch())?;
        }
    }
    Ok(())
}
