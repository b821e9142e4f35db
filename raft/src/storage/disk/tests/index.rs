//! A start by the indexes of complete log files, and reads of entries.

use super::super::files::{INDEX, LOG};
use super::simulated::{PEER, SimulatedDirectory};
use super::{FileLengths, Store};
use crate::entry::{Entry, Payload, Snapshot};
use crate::output::{HardState, Record, Suffix, Write};
use crate::storage::{Storage, StorageError};
use crate::types::{EntryId, Index, Term, WriteId};

const LENGTHS: FileLengths = FileLengths { segment: 100_000, preallocate: 0 };

fn open(directory: &SimulatedDirectory) -> Store<SimulatedDirectory> {
    Store::open(directory.clone(), PEER, LENGTHS).expect("it is sound")
}

fn write(store: &mut Store<SimulatedDirectory>, record: Record) {
    store.write(&[Write { id: WriteId::new(1), record }]).expect("nothing fails");
}

fn id(index: u64) -> EntryId {
    EntryId::new(Term::new(1), Index::new(index))
}

fn entry(index: u64) -> Entry {
    Entry { id: id(index), payload: Payload::Command(vec![index.to_le_bytes()[0]; 1000].into()) }
}

/// A log of a thousand entries in about ten files.
fn long_log() -> SimulatedDirectory {
    let directory = SimulatedDirectory::default();
    let mut store = open(&directory);
    write(&mut store, Record::HardState(HardState { current_term: Term::new(1), voted_for: None }));
    for first in (1..1000).step_by(5) {
        write(&mut store, Record::Append((first..first + 5).map(entry).collect()));
    }
    directory
}

fn read(
    store: &mut Store<SimulatedDirectory>,
    first: u64,
    through: u64,
) -> Result<Vec<Entry>, StorageError> {
    let mut reader = store.entry_reader().expect("the store has one");
    reader.read(Index::new(first), Index::new(through), u64::MAX)
}

#[test]
fn a_start_reads_the_newest_file_and_the_ends_of_the_others() {
    let directory = long_log();
    let contents = directory.contents();
    let logs = contents.iter().filter(|(name, _)| name.ends_with(LOG));
    let length: usize = logs.map(|(_, bytes)| bytes.len()).sum();
    assert!(length > 1_000_000, "{length} bytes");
    let bytes_to_open = || {
        let before = directory.bytes_read();
        (open(&directory), directory.bytes_read() - before)
    };
    let (mut store, read_bytes) = bytes_to_open();
    assert!(read_bytes < 300_000, "{read_bytes} of {length} bytes");
    assert_eq!(
        read(&mut store, 4, 903).expect("it is sound"),
        (4..=903).map(entry).collect::<Vec<_>>()
    );
    drop(store);
    // As an earlier version leaves it: read once, and indexed.
    let mut contents = directory.contents();
    contents.retain(|name, _| !name.ends_with(INDEX));
    let earlier = SimulatedDirectory::of(&contents);
    drop(open(&earlier));
    assert!(earlier.bytes_read() >= length, "{} bytes", earlier.bytes_read());
    assert_eq!(earlier.contents(), directory.contents());
}

#[test]
fn damage_in_the_middle_of_a_file_is_found_when_its_entries_are_read() {
    let directory = long_log();
    let mut contents = directory.contents();
    let name = contents.keys().filter(|name| name.ends_with(LOG)).nth(3).expect("a file").clone();
    contents.get_mut(&name).expect("it is there")[50_000] ^= 1;
    let mut store = open(&SimulatedDirectory::of(&contents));
    assert_eq!(read(&mut store, 1, 200).map(|found| found.len()).ok(), Some(200));
    let error = read(&mut store, 201, 900).expect_err("it is damaged").to_string();
    assert!(error.contains(&format!("data/{name} at byte")), "{error}");
    assert!(error.contains("is broken"), "{error}");
}

#[test]
fn what_is_deleted_while_a_reader_exists_is_missing_from_its_answers() {
    let directory = long_log();
    let mut store = open(&directory);
    let mut reader = store.entry_reader().expect("the store has one");
    write(&mut store, Record::Truncate { from: Index::new(900) });
    let snapshot =
        Snapshot { last_included: id(500), membership: std::sync::Arc::default(), data: [].into() };
    let suffix = Suffix::Kept { after: Index::new(480) };
    write(&mut store, Record::Snapshot { snapshot, suffix });
    let mut found = |first, through| {
        let found = reader.read(Index::new(first), Index::new(through), u64::MAX);
        found.expect("it is sound").iter().map(|entry| entry.id.index.number()).collect::<Vec<_>>()
    };
    assert_eq!(found(100, 110), [0; 0]);
    assert_eq!(found(480, 490), [0; 0]);
    assert_eq!(found(481, 483), [481, 482, 483]);
    assert_eq!(found(898, 905), [898, 899]);
}
