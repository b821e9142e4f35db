//! Snapshots in the store's own space: written beside the log, read chunk by chunk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use raft::storage::{Storage, StorageError};
use raft::{
    EntryId, HardState, Index, Membership, Record, Snapshot, SnapshotData, Suffix, Term, Write,
    WriteId,
};

use crate::stores::{Durable, PEER};

const BYTES: usize = 1_500_000;

fn byte_at(offset: usize) -> u8 {
    (offset % 251) as u8
}

/// Writes a snapshot of this many bytes in pieces, without a reference in the log.
fn stream(store: &mut impl Storage, bytes: usize) -> Result<SnapshotData, StorageError> {
    let mut space = store.snapshot_space().expect("it keeps snapshots");
    let mut writer = space.create()?;
    let data: Vec<u8> = (0..bytes).map(byte_at).collect();
    for piece in data.chunks(70_001) {
        writer.append(piece)?;
    }
    writer.finish()?;
    Ok(writer.data())
}

fn refer(store: &mut impl Storage, index: u64, data: SnapshotData) -> Result<(), StorageError> {
    let last_included = EntryId::new(Term::new(1), Index::new(index));
    let membership = Arc::new(Membership::of_voters([PEER]));
    let snapshot = Snapshot { last_included, membership, data };
    let term = HardState { current_term: Term::new(1), voted_for: None };
    let records =
        [Record::HardState(term), Record::Snapshot { snapshot, suffix: Suffix::Discarded }];
    store.write(&records.map(|record| Write { id: WriteId::new(1), record }))
}

fn files(directory: &Path, name: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).expect("a directory");
    let files = files.map(|file| file.expect("a file").path());
    let named =
        |file: &PathBuf| file.file_name().is_some_and(|it| it.to_string_lossy().contains(name));
    files.filter(named).collect()
}

fn assert_reads(data: &SnapshotData, case: &str) {
    assert_eq!(data.len(), BYTES as u64, "{case}");
    let mut at = 0;
    while at < BYTES {
        let mut chunk = vec![0; 65_536.min(BYTES - at)];
        data.slice(at as u64, chunk.len()).read_at(0, &mut chunk).expect("it is sound");
        let expected: Vec<u8> = (at..at + chunk.len()).map(byte_at).collect();
        assert!(chunk == expected, "{case}: chunk at {at}");
        at += chunk.len();
    }
    let behind = data.read_at(BYTES as u64 - 1, &mut [0; 2]).expect_err("there is one byte");
    assert_eq!(behind.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_large_snapshot_is_read_in_chunks_also_once_a_newer_one_has_replaced_it() {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = durable.open(directory.path()).expect("it is empty");
        let data = stream(&mut store, BYTES).expect("there is space");
        assert_reads(&data, "unreferenced");
        refer(&mut store, 7, data.clone()).expect("there is space");
        drop(store);

        let mut store = durable.open(directory.path()).expect("it is whole");
        let opened = store.load().expect("it was read").snapshot.expect("it is referred to");
        assert_eq!(opened.last_included.index, Index::new(7), "{durable:?}");
        assert_eq!(opened.data.bytes(), None, "it stays on the disk");
        let newer = stream(&mut store, 10).expect("there is space");
        refer(&mut store, 8, newer).expect("there is space");
        assert_eq!(files(directory.path(), ".snapshot").len(), 1, "the old one is deleted");
        assert_reads(&opened.data, "replaced");
        assert_reads(&data, "of the store before");
        let foreign = refer(&mut store, 9, data);
        foreign.expect("what another store had is copied");
        let copied = store.load().expect("it is sound").snapshot.expect("it is there");
        assert_reads(&copied.data, "copied");
    }
}

#[test]
fn a_snapshot_that_is_given_up_leaves_no_file() {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = durable.open(directory.path()).expect("it is empty");
        let data = stream(&mut store, BYTES).expect("there is space");
        assert_eq!(files(directory.path(), ".tmp").len(), 1, "{durable:?}");
        drop(data);
        assert!(files(directory.path(), ".snapshot").is_empty(), "{durable:?}");
        // As a killed process leaves it.
        std::mem::forget(stream(&mut store, BYTES));
        drop(store);
        let store = durable.open(directory.path()).expect("it is whole");
        assert!(files(directory.path(), ".snapshot").is_empty(), "{durable:?}");
        drop(store);
    }
}

#[test]
fn damage_of_a_large_snapshot_is_found_at_the_start_and_before_it_is_used() {
    for durable in Durable::ALL {
        for at in [8, 300_000, BYTES, BYTES + 8, BYTES + 60] {
            let directory = tempfile::tempdir().expect("a directory");
            let mut store = durable.open(directory.path()).expect("it is empty");
            let data = stream(&mut store, BYTES).expect("there is space");
            refer(&mut store, 7, data).expect("there is space");
            let opened = store.load().expect("it is sound").snapshot.expect("it is there");
            let file = files(directory.path(), ".snapshot").remove(0);
            let mut bytes = std::fs::read(&file).expect("it is there");
            bytes[at] ^= 1;
            std::fs::write(&file, bytes).expect("it is ours");
            let case = format!("{durable:?}, byte {at}");
            if at < BYTES + 8 {
                let error = opened.data.in_memory().expect_err(&case);
                assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{case}");
                let text = error.to_string();
                assert!(text.contains(".snapshot: the block at byte"), "{case}: {text}");
            }
            drop(store);
            let error = durable.open(directory.path()).err().expect(&case);
            assert!(matches!(error, StorageError::Damaged(_)), "{case}: {error}");
            assert!(error.to_string().contains(".snapshot"), "{case}: {error}");
        }
    }
}
