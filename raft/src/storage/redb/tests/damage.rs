//! Wrong bytes.

use super::super::store::Store;
use super::simulated::SimulatedFile;
use crate::storage::conformance::Script;
use crate::storage::simulated::{Machine, Survives};
use crate::storage::{Storage, StorageError};
use crate::stored::Stored;

/// Every how manieth byte is tried; the first ones, where redb keeps what all else hangs on, all.
const STRIDE: usize = 17;
const HEADER: usize = 320;

/// What becomes of the folder with these bytes in its file; if it is refused, nothing may have changed.
fn verdict(file: &SimulatedFile, bytes: &[u8]) -> Result<Stored, StorageError> {
    let file = file.with(bytes);
    let opened = file.open().and_then(|mut store| store.load());
    if opened.is_err() {
        assert!(file.bytes() == bytes, "a refused file is left as it is");
    }
    opened
}

/// Calls `check` with the file after one bit of it was changed, and with what says so.
fn spoil(bytes: &[u8], mut check: impl FnMut(&str, &[u8])) {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut wrong = bytes.to_vec();
    for place in (0..HEADER).chain((HEADER..used).step_by(STRIDE)) {
        let bit = 1 << (place % 8);
        wrong[place] ^= bit;
        check(&format!("byte {place} changed by {bit:#x}"), &wrong);
        wrong[place] ^= bit;
    }
}

/// A store with a snapshot and entries, still open.
fn rich() -> (SimulatedFile, Script, Store) {
    let is_rich = |(_, script, _): &(SimulatedFile, Script, Store)| {
        script.model().snapshot.is_some() && script.model().entries.len() > 3
    };
    let written = |seed| {
        let (file, mut script) = (SimulatedFile::default(), Script::new(seed));
        let mut store = file.open().expect("a new folder");
        (0..9).for_each(|_| store.write(&script.batch()).expect("nothing fails"));
        (file, script, store)
    };
    (0..).map(written).find(is_rich).expect("some script leaves all that")
}

#[test]
fn no_wrong_byte_of_what_was_read_changes_what_is_read() {
    let (file, script, store) = rich();
    drop(store);
    drop(file.open().expect("it is sound"));
    let mut refused = 0;
    spoil(&file.bytes(), |story, wrong| match verdict(&file, wrong) {
        Ok(found) => assert_eq!(&found, script.model(), "{story}"),
        Err(error) => {
            let text = error.to_string();
            assert!(
                matches!(error, StorageError::Damaged(_) | StorageError::Unreadable(_)),
                "{story}: {text}"
            );
            assert!(text.contains("data/raft.redb"), "{story}: {text}");
            refused += 1;
        }
    });
    eprintln!("refused {refused}");
    assert!(refused > 100, "only {refused}");
}

/// The process was killed; its last transaction may be what that has interrupted, all others were
/// durable.
#[test]
fn a_wrong_byte_after_a_crash_costs_the_last_transaction_at_most() {
    let (file, mut script, mut store) = rich();
    let before = script.model().clone();
    while *script.model() == before {
        store.write(&script.batch()).expect("nothing fails");
    }
    let bytes = file.bytes();
    let mut costs = 0;
    spoil(&bytes, |story, wrong| {
        if let Ok(found) = verdict(&file, wrong) {
            assert!(found == *script.model() || found == before, "{story}");
            costs += u32::from(found == before);
        }
    });
    eprintln!("costs {costs}");
    drop(store);
    assert!(costs > 0, "nothing shows that the last transaction may go");
    let _ = Survives::Nothing;
}
