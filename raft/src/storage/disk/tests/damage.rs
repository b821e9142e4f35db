//! Wrong bytes, missing bytes, missing files.

use std::collections::BTreeMap;

use super::simulated::SimulatedFolder;
use super::{open, written};
use crate::storage::conformance::Script;
use crate::storage::{Storage, StorageError};
use crate::stored::Stored;

type Contents = BTreeMap<String, Vec<u8>>;

/// What becomes of a folder with these contents; if it is refused, nothing may have changed.
fn verdict(contents: &Contents) -> Result<Stored, StorageError> {
    let folder = SimulatedFolder::of(contents);
    let opened = open(&folder).and_then(|mut store| store.load());
    if opened.is_err() {
        assert_eq!(&folder.contents(), contents, "a refused store is left as it is");
    }
    opened
}

/// Calls `check` with every wrong version of every file: each byte changed, each length cut.
fn spoil(contents: &Contents, check: impl Fn(&str, String, Contents)) {
    for (name, bytes) in contents {
        for place in 0..bytes.len() {
            for bit in [0x01, 0x80] {
                let mut wrong = contents.clone();
                wrong.entry(name.clone()).and_modify(|bytes| bytes[place] ^= bit);
                check(name, format!("{name}, byte {place} changed by {bit:#x}"), wrong);
            }
            let mut cut = contents.clone();
            cut.entry(name.clone()).and_modify(|bytes| bytes.truncate(place));
            check(name, format!("{name}, cut to {place} bytes"), cut);
        }
        let mut missing = contents.clone();
        missing.remove(name);
        check(name, format!("{name} missing"), missing);
    }
}

/// A folder with several log files and a snapshot.
fn rich() -> (SimulatedFolder, Script) {
    let is_rich = |(folder, script): &(SimulatedFolder, Script)| {
        let logs = folder.contents().keys().filter(|name| name.ends_with(".log")).count();
        logs >= 2 && script.model().snapshot.is_some() && script.model().entries.len() > 3
    };
    (0..).map(|seed| written(seed, 9)).find(is_rich).expect("some script leaves all that")
}

fn is_refusal(error: &StorageError) -> bool {
    matches!(error, StorageError::Damaged(_) | StorageError::Unreadable(_))
}

#[test]
fn every_wrong_byte_of_what_was_read_is_noticed() {
    let (folder, script) = rich();
    let read = open(&folder).and_then(|mut store| store.load()).expect("it is sound");
    assert_eq!(&read, script.model());
    spoil(&folder.contents(), |name, story, wrong| match verdict(&wrong) {
        Ok(_) => panic!("{story}: opened"),
        Err(error) => {
            assert!(is_refusal(&error), "{story}: {error}");
            let names_it = error.to_string().contains(&format!("data/{name}"));
            // What a file lacks as a whole shows in the others.
            let elsewhere =
                story.contains("missing") || error.to_string().contains("missing before");
            assert!(names_it || elsewhere, "{story}: {error}");
        }
    });
}

/// The last write may be what a crash has interrupted; all before it were durable.
#[test]
fn a_broken_end_that_nobody_has_read_is_the_last_write_only() {
    let (folder, mut script) = rich();
    let mut store = open(&folder).expect("it is sound");
    let before = script.model().clone();
    let mut last = script.batch();
    while last.is_empty()
        || last.iter().any(|write| matches!(write.record, crate::Record::Snapshot { .. }))
    {
        script.go_on_from(before.clone());
        last = script.batch();
    }
    let log = |folder: &SimulatedFolder| {
        folder.contents().into_iter().rfind(|(name, _)| name.ends_with(".log"))
    };
    let (newest, bytes) = log(&folder).expect("there is a log");
    store.write(&last).expect("nothing fails");
    drop(store);
    let (start, whole) = (used(&bytes), folder.contents()[&newest].clone());
    let end = used(&whole);
    assert!(end > start + 32, "the last write is in the newest file: {start} to {end}");
    spoil(&folder.contents(), |name, story, wrong| {
        let bytes = wrong.get(name).filter(|_| name == newest);
        let keeps =
            |length| bytes.is_some_and(|bytes| bytes.get(..length) == Some(&whole[..length]));
        match verdict(&wrong) {
            // Only the zeros behind it are wrong.
            Ok(found) if keeps(end) => assert_eq!(&found, script.model(), "{story}"),
            Ok(found) => {
                assert!(keeps(start), "{story}: opened");
                assert_eq!(found, before, "{story}");
            }
            Err(error) => assert!(!keeps(start) && is_refusal(&error), "{story}: {error}"),
        }
    });
}

/// How long a log file is without the zeros that were written ahead.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[test]
fn messages_say_what_is_wrong_and_where() {
    let (folder, _) = rich();
    let contents = folder.contents();
    let logs: Vec<&String> = contents.keys().filter(|name| name.ends_with(".log")).collect();
    let snapshot = contents.keys().find(|name| name.ends_with(".snapshot")).expect("a snapshot");
    let first = logs[0].clone();
    let spoilt = |spoil: &dyn Fn(&mut Contents)| {
        let mut wrong = contents.clone();
        spoil(&mut wrong);
        verdict(&wrong).expect_err("it is damaged").to_string()
    };
    let flipped = spoilt(&|wrong| wrong.get_mut(&first).expect("it is there")[40] ^= 1);
    assert!(flipped.contains(&format!("data/{first} at byte 0: frame")), "{flipped}");
    let missing = spoilt(&|wrong| drop(wrong.remove(snapshot)));
    assert!(missing.contains(snapshot) && missing.ends_with("the file is missing"), "{missing}");
    let headless = spoilt(&|wrong| drop(wrong.remove(&first)));
    assert!(headless.contains("in no file") || headless.contains("no log file"), "{headless}");
}

/// Frames of another store have other checksums, even if they are all in order.
#[test]
fn a_log_of_another_store_is_none_of_this_one() {
    let ((mine, _), (other, _)) = (written(1, 5), written(1, 5));
    let mut mixed = mine.contents();
    mixed.extend(other.contents().into_iter().filter(|(name, _)| name.ends_with(".log")));
    let error = verdict(&mixed).expect_err("the log is foreign").to_string();
    assert!(error.contains("is broken, or of another store"), "{error}");
}
