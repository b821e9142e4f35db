//! Damaged bytes of the file, and foreign rows in a valid one.

use redb::{Builder, ReadableTable, Table as Open};

use super::super::rows::Table;
use super::super::store::Store;
use super::simulated::SimulatedFile;
use crate::persistent_state::PersistentState;
use crate::storage::conformance::Script;
use crate::storage::simulated::SimulatedMachine;
use crate::storage::{Storage, StorageError};

/// Distance of the tested bytes, after the header.
const STRIDE: usize = 17;
const HEADER: usize = 320;

/// The state of the directory with these bytes in its file; if it is rejected, it must be
/// unchanged.
fn verdict(file: &SimulatedFile, bytes: &[u8]) -> Result<PersistentState, StorageError> {
    let file = file.with(bytes);
    let opened = file.open().and_then(|mut store| store.load());
    if opened.is_err() {
        assert!(file.bytes() == bytes, "a rejected file stays unchanged");
    }
    opened
}

/// Calls `check` with each file that differs in one bit, and its description.
fn spoil(bytes: &[u8], mut check: impl FnMut(&str, &[u8])) {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut wrong = bytes.to_vec();
    for position in (0..HEADER).chain((HEADER..used).step_by(STRIDE)) {
        let bit = 1 << (position % 8);
        wrong[position] ^= bit;
        check(&format!("byte {position} changed by {bit:#x}"), &wrong);
        wrong[position] ^= bit;
    }
}

/// A store with a snapshot and entries, still open.
fn store_with_snapshot_and_entries() -> (SimulatedFile, Script, Store) {
    let is_rich = |(_, script, _): &(SimulatedFile, Script, Store)| {
        let snapshot = script.model().snapshot.as_ref();
        snapshot.is_some_and(|snapshot| !snapshot.data.is_empty())
            && script.model().entries.len() > 3
    };
    let written = |seed| {
        let (file, mut script) = (SimulatedFile::default(), Script::new(seed));
        let mut store = file.open().expect("a new directory");
        (0..9).for_each(|_| store.write(&script.batch()).expect("nothing fails"));
        (file, script, store)
    };
    (0..).map(written).find(is_rich).expect("some script leaves all that")
}

#[test]
fn no_changed_byte_of_a_read_store_goes_undetected() {
    let (file, script, store) = store_with_snapshot_and_entries();
    drop(store);
    drop(file.open().expect("it is sound"));
    let mut rejected = 0;
    spoil(&file.bytes(), |case, wrong| match verdict(&file, wrong) {
        Ok(found) => assert_eq!(&found, script.model(), "{case}"),
        Err(error) => {
            let text = error.to_string();
            assert!(
                matches!(
                    error,
                    StorageError::Damaged(_)
                        | StorageError::RolledBack { .. }
                        | StorageError::Unreadable(_)
                ),
                "{case}: {text}"
            );
            assert!(text.contains("data/raft.redb"), "{case}: {text}");
            rejected += 1;
        }
    });
    assert!(rejected > 100, "only {rejected} changed bytes were detected");
}

/// The process was killed; its last transaction may have been interrupted, all others were durable.
#[test]
fn a_changed_byte_after_a_crash_costs_the_last_transaction_at_most() {
    let (file, mut script, mut store) = store_with_snapshot_and_entries();
    let before = script.model().clone();
    while *script.model() == before {
        store.write(&script.batch()).expect("nothing fails");
    }
    let bytes = file.bytes();
    let mut costs = 0;
    spoil(&bytes, |case, wrong| {
        if let Ok(found) = verdict(&file, wrong) {
            assert!(found == *script.model() || found == before, "{case}");
            costs += u32::from(found == before);
        }
    });
    drop(store);
    assert!(costs > 0, "no changed byte was in the last transaction");
}

/// A copy of the file from before some writes, put back after the process was killed.
#[test]
fn an_older_file_than_the_mark_is_rejected() {
    let (file, mut script, mut store) = store_with_snapshot_and_entries();
    let older = file.bytes();
    store.write(&script.batch()).expect("nothing fails");
    store.write(&script.batch()).expect("nothing fails");
    assert_eq!(
        file.marked_with(&file.bytes()).open().map(|_| ()).map_err(|it| it.to_string()),
        Ok(())
    );
    let error = file.marked_with(&older).open().map(|_| ()).expect_err("two writes are missing");
    let StorageError::RolledBack { file: path, next, durable, recorded_in } = &error else {
        panic!("{error}");
    };
    assert_eq!((path.as_str(), *recorded_in, durable - next), ("data/raft.redb", "DURABLE", 2));
    assert_eq!(
        file.with(&older).open().map(|_| ()).map_err(|it| it.to_string()),
        Ok(()),
        "no mark"
    );
}

type Rows<'a> = Open<'a, u64, &'static [u8]>;

/// The error of the directory after a change of a table with redb itself.
fn changed(file: &SimulatedFile, table: Table, change: impl Fn(&mut Rows<'_>)) -> String {
    let wrong = file.with(&file.bytes());
    let database = Builder::new().create_with_backend(wrong.clone()).expect("it is sound");
    let transaction = database.begin_write().expect("nothing fails");
    change(&mut transaction.open_table(table.definition()).expect("it is there"));
    transaction.commit().expect("nothing fails");
    drop(database);
    verdict(&file.with(&wrong.bytes()), &wrong.bytes()).expect_err("it is damaged").to_string()
}

fn row(rows: &Rows<'_>, key: u64) -> Vec<u8> {
    rows.get(key).expect("nothing fails").expect("it is there").value().to_vec()
}

fn put(rows: &mut Rows<'_>, key: u64, value: &[u8]) {
    rows.insert(key, value).expect("nothing fails");
}

fn remove(rows: &mut Rows<'_>, key: u64) {
    rows.remove(key).expect("nothing fails").expect("it was there");
}

/// The checksums of redb are valid here; those of the rows are not.
#[test]
fn foreign_rows_are_rejected_by_name() {
    let (file, script, store) = store_with_snapshot_and_entries();
    drop(store);
    let base = script.model().base().index.number();
    let (first, last) = (base + 1, script.model().last().index.number());
    let flip = |rows: &mut Rows<'_>, key| {
        let mut value = row(rows, key);
        value[0] ^= 1;
        put(rows, key, &value);
    };
    let checksum = "wrong checksum, or of another store";
    let rejections = [
        (
            changed(&file, Table::State, |rows| flip(rows, 0)),
            format!("row 0 of table \"state\": {checksum}"),
        ),
        (
            changed(&file, Table::Log, |rows| flip(rows, first)),
            format!("row {first} of table \"log\": {checksum}"),
        ),
        (
            changed(&file, Table::Snapshot, |rows| flip(rows, 1)),
            format!("row 1 of table \"snapshot\": {checksum}"),
        ),
        (
            changed(&file, Table::Log, |rows| put(rows, last, &row(rows, first))),
            format!("row {last} of table \"log\": {checksum}"),
        ),
        (changed(&file, Table::State, |rows| remove(rows, 0)), "the state is missing".to_owned()),
        (changed(&file, Table::Log, |rows| remove(rows, first)), format!("expected row {first}")),
        (
            changed(&file, Table::Log, |rows| remove(rows, last)),
            format!("its log ends with entry {}, not {last}", last - 1),
        ),
        (changed(&file, Table::Snapshot, |rows| remove(rows, 0)), "expected row 0".to_owned()),
        (changed(&file, Table::Snapshot, |rows| remove(rows, 1)), "its snapshot is".to_owned()),
    ];
    for (error, expected) in rejections {
        assert!(error.starts_with("the store is damaged: data/raft.redb: "), "{error}");
        assert!(error.contains(&expected), "{error}, not {expected}");
    }
}
