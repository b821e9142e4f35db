//! `kill -9` at any time, repeatedly, on the same directory; and a log truncated or garbled at
//! every byte of its end.

use std::path::{Path, PathBuf};

use raft::PersistentState;
use raft::storage::conformance::{Script, difference};
use raft::storage::{DiskStorage, Storage, StorageError};

use crate::child_process::{self, Writer};
use crate::stores::{Durable, PEER};

const ROUNDS: u64 = 60;

#[test]
fn kill_9_loses_no_reported_write() {
    if child_process::is_child() {
        return;
    }
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let mut before = PersistentState::default();
        let mut batches = 0;
        for round in 0..ROUNDS {
            let test = "crash::kill_9_loses_no_reported_write";
            let writer = Writer::start(test, durable, directory.path(), round, &[]);
            // The position within a batch depends on the scheduler; the batch does not.
            let output = writer.kill_after(usize::try_from(round % 7).expect("below 7"));
            assert_eq!(output.failed, None);
            before =
                child_process::check_recovered(durable, directory.path(), &before, round, &output);
            batches += output.durable;
        }
        assert!(batches > 100, "{durable:?}: only {batches} batches were written");
    }
}

/// The files of a store, without those that say how far it goes.
fn data_files(directory: &Path) -> Vec<PathBuf> {
    let says =
        |file: &PathBuf| ["IDENTITY", "DURABLE", "LOCK"].iter().any(|name| file.ends_with(name));
    let files = std::fs::read_dir(directory).expect("a directory");
    files.map(|file| file.expect("a file").path()).filter(|file| !says(file)).collect()
}

/// The mark is not flushed; the system has it nevertheless.
#[test]
fn an_older_copy_put_back_after_kill_9_is_refused() {
    if child_process::is_child() {
        return;
    }
    let test = "crash::an_older_copy_put_back_after_kill_9_is_refused";
    for durable in Durable::ALL {
        let (directory, older) = [(); 2].map(|()| tempfile::tempdir().expect("a directory")).into();
        let (directory, older) = (directory.path(), older.path());
        let write = || Writer::start(test, durable, directory, 7, &[]).kill_after(10);
        assert_eq!(write().failed, None);
        copy(directory, older);
        assert_eq!(write().failed, None);
        data_files(directory)
            .iter()
            .for_each(|file| std::fs::remove_file(file).expect("it is there"));
        let put_back = |file: PathBuf| {
            let name = file.file_name().expect("a name").to_owned();
            std::fs::copy(file, directory.join(name)).expect("a copy");
        };
        data_files(older).into_iter().for_each(put_back);
        let error = durable.open(directory).err().expect("ten writes are missing");
        let StorageError::RolledBack { next, durable: through, recorded_in, .. } = &error else {
            panic!("{durable:?}: {error}");
        };
        assert!(through - next >= 10, "{durable:?}: {error}");
        assert_eq!(*recorded_in, "DURABLE");
        copy(older, directory);
        drop(durable.open(directory).expect("none of its files tells that the whole is older"));
    }
}

/// The newest log file of a directory.
fn newest_log(directory: &Path) -> PathBuf {
    let files =
        std::fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file").path());
    let is_log = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "log");
    files.filter(is_log).max().expect("there is a log")
}

/// The newest log file without the zeros that were written ahead.
fn frames(directory: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(newest_log(directory)).expect("a file");
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(length);
    bytes
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).expect("a directory") {
        let file = file.expect("a file").path();
        std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("a copy");
    }
}

/// Writes a store whose last write is a single log record, not a snapshot. Returns the state before
/// that write, and its offset in the newest file.
fn a_store_with_a_last_record(directory: &Path) -> (PersistentState, usize) {
    let mut script = Script::new(5);
    let mut store = DiskStorage::open(directory, PEER).expect("a new directory");
    loop {
        let before = script.model().clone();
        let start = frames(directory).len();
        store.write(&script.batch()).expect("it is written");
        let long_enough = script.model().entries.len() > before.entries.len() + 2;
        // The zeros at the end of a frame look like those behind it.
        let whole = frames(directory).get(start..).is_some_and(|rest| rest.starts_with(b"raft"));
        let is_kept = before.snapshot.is_some() && script.model().snapshot == before.snapshot;
        if is_kept && long_enough && whole {
            return (before, start);
        }
    }
}

/// A loss of power leaves an older mark, or none. A mark of that record shows that it was durable.
#[test]
fn a_log_truncated_or_garbled_within_its_last_record_opens_without_it_unless_it_is_marked() {
    let directory = tempfile::tempdir().expect("a directory");
    let (before, start) = a_store_with_a_last_record(directory.path());
    let log = frames(directory.path());
    assert!(log.len() > start + 32, "the last record is in this file");
    for position in start..log.len() {
        let mut garbled = log.clone();
        garbled[position..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        for wrong in [&log[..position], &garbled] {
            let torn = tempfile::tempdir().expect("a directory");
            copy(directory.path(), torn.path());
            std::fs::write(newest_log(torn.path()), wrong).expect("it is written");
            let refused = DiskStorage::open(&torn, PEER).expect_err("it was reported");
            assert!(matches!(refused, StorageError::RolledBack { .. }), "{refused}");
            std::fs::remove_file(torn.path().join("DURABLE")).expect("it is there");
            let mut store = DiskStorage::open(&torn, PEER).expect("a torn tail is not damage");
            let found = store.load().expect("it was read");
            assert_eq!(difference(&found, &before), None, "byte {position}");
        }
    }
}
