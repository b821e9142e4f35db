//! Wrong bytes, missing bytes, missing files.

use std::collections::BTreeMap;

use super::super::files::INDEX;
use super::super::format::{self, SnapshotRef, State};
use super::simulated::SimulatedDirectory;
use super::{FileLengths, PEER, Store, open, written};
use crate::codec::Writer;
use crate::entry::{Entry, Payload};
use crate::output::{Record, Suffix};
use crate::persistent_state::PersistentState;
use crate::storage::conformance::Script;
use crate::storage::durable_mark::DURABLE;
use crate::storage::identity::Identity;
use crate::storage::{Storage, StorageError};
use crate::types::{EntryId, Index, Term};

type Contents = BTreeMap<String, Vec<u8>>;

/// The state of a directory with these contents; if it is rejected, it must be unchanged.
fn verdict(contents: &Contents) -> Result<PersistentState, StorageError> {
    let directory = SimulatedDirectory::of(contents);
    let opened = open(&directory).and_then(|mut store| store.load());
    if opened.is_err() {
        assert_eq!(&directory.contents(), contents, "a rejected store stays unchanged");
    }
    opened
}

/// Calls `check` with every damaged version of every file: each byte changed, each shorter length.
fn spoil(contents: &Contents, check: impl Fn(&str, String, Contents)) {
    for (name, bytes) in contents {
        for position in 0..bytes.len() {
            for bit in [0x01, 0x80] {
                let mut wrong = contents.clone();
                wrong.entry(name.clone()).and_modify(|bytes| bytes[position] ^= bit);
                check(name, format!("{name}, byte {position} changed by {bit:#x}"), wrong);
            }
            let mut cut = contents.clone();
            cut.entry(name.clone()).and_modify(|bytes| bytes.truncate(position));
            check(name, format!("{name}, cut to {position} bytes"), cut);
        }
        let mut missing = contents.clone();
        missing.remove(name);
        check(name, format!("{name} missing"), missing);
    }
}

/// A directory with several log files and a snapshot.
fn store_with_snapshot_and_entries() -> (SimulatedDirectory, Script) {
    let is_rich = |(directory, script): &(SimulatedDirectory, Script)| {
        let logs = directory.contents().keys().filter(|name| name.ends_with(".log")).count();
        logs >= 2 && script.model().snapshot.is_some() && script.model().entries.len() > 3
    };
    (0..).map(|seed| written(seed, 9)).find(is_rich).expect("some script leaves all that")
}

fn is_rejection(error: &StorageError) -> bool {
    use StorageError::{Damaged, RolledBack, Unreadable};
    matches!(error, Damaged(_) | RolledBack { .. } | Unreadable(_))
}

#[test]
fn every_changed_byte_of_a_read_store_is_detected() {
    let (directory, script) = store_with_snapshot_and_entries();
    let read = open(&directory).and_then(|mut store| store.load()).expect("it is sound");
    assert_eq!(&read, script.model());
    spoil(&directory.contents(), |name, case, wrong| match verdict(&wrong) {
        // A torn mark is none, and the log replaces its index.
        Ok(found) if name == DURABLE || name.ends_with(INDEX) => {
            assert_eq!(&found, script.model(), "{case}");
        }
        Ok(_) => panic!("{case}: opened"),
        Err(error) => {
            assert!(is_rejection(&error), "{case}: {error}");
            let names_it = error.to_string().contains(&format!("data/{name}"));
            // A missing file is detected in the others.
            let elsewhere =
                case.contains("missing") || error.to_string().contains("missing before");
            assert!(names_it || elsewhere, "{case}: {error}");
        }
    });
}

/// Without a mark, the last write may have been interrupted by a crash; all before it were durable.
/// With one, its loss is a loss.
#[test]
fn an_unread_broken_tail_costs_the_last_write_only_and_none_that_is_marked() {
    let (directory, mut script) = store_with_snapshot_and_entries();
    let mut store = open(&directory).expect("it is sound");
    let before = script.model().clone();
    let mut last = script.batch();
    // A small one, which stays in the newest file.
    while !(1..=2).contains(&last.len())
        || last.iter().any(|write| match write.record {
            Record::Snapshot { .. } | Record::Identity(_) => true,
            Record::HardState(_) | Record::Append(_) | Record::Truncate { .. } => false,
        })
    {
        script.resume_from(before.clone());
        last = script.batch();
    }
    let log = |directory: &SimulatedDirectory| {
        directory.contents().into_iter().rfind(|(name, _)| name.ends_with(".log"))
    };
    let (newest, bytes) = log(&directory).expect("there is a log");
    store.write(&last).expect("nothing fails");
    drop(store);
    let (start, whole) = (used(&bytes), directory.contents()[&newest].clone());
    let end = used(&whole);
    assert!(end > start + 32, "the last write is in the newest file: {start} to {end}");
    let marked = directory.contents();
    let mut unmarked = marked.clone();
    unmarked.remove(DURABLE).expect("the last write is marked");
    spoil(&unmarked, |name, case, wrong| {
        let bytes = wrong.get(name).filter(|_| name == newest);
        let keeps =
            |length| bytes.is_some_and(|bytes| bytes.get(..length) == Some(&whole[..length]));
        match verdict(&wrong) {
            // Only the zeros behind it are wrong, or an index.
            Ok(found) if keeps(end) || name.ends_with(INDEX) => {
                assert_eq!(&found, script.model(), "{case}");
            }
            Ok(found) => {
                assert!(keeps(start), "{case}: opened");
                assert_eq!(found, before, "{case}");
            }
            Err(error) => {
                assert!(!keeps(start) && is_rejection(&error), "{case}: {error}");
                assert!(!name.ends_with(INDEX), "{case}: {error}");
            }
        }
    });
    spoil(&marked, |name, case, wrong| {
        let whole = wrong.get(&newest).is_some_and(|bytes| bytes.get(..end) == Some(&whole[..end]));
        if name == newest && !whole {
            let error = verdict(&wrong).expect_err(&case);
            assert!(is_rejection(&error), "{case}: {error}");
        }
    });
}

/// The write behind it shows that it was durable, although it was never read.
#[test]
fn a_broken_write_before_a_later_one_is_damage() {
    let (directory, mut script) = (SimulatedDirectory::default(), Script::new(2));
    let lengths = FileLengths { segment: 1 << 20, preallocate: 150 };
    let mut store = Store::open(directory.clone(), PEER, lengths).expect("a new directory");
    let log = || {
        directory.contents().into_iter().find(|(name, _)| name.ends_with(".log")).expect("a log")
    };
    let start = log().1.len();
    (0..3).for_each(|_| store.write(&script.batch()).expect("nothing fails"));
    let (name, bytes) = log();
    let last = used(&bytes);
    store.write(&script.batch()).expect("nothing fails");
    assert!(used(&log().1) > last + 32 && last > start + 32, "there is something to break");
    for position in start..last {
        let mut wrong = directory.contents();
        wrong.entry(name.clone()).and_modify(|bytes| bytes[position] ^= 0x10);
        let error = verdict(&wrong).expect_err("it was durable").to_string();
        assert!(error.contains("is broken, but byte"), "byte {position}: {error}");
    }
}

/// Length of a log file without its preallocated zeros.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[test]
fn messages_name_file_position_and_cause() {
    let (directory, _) = store_with_snapshot_and_entries();
    let contents = directory.contents();
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

/// Frames of another store have other checksums.
#[test]
fn the_log_of_another_store_is_rejected() {
    let ((mine, _), (other, _)) = (written(1, 5), written(1, 5));
    let mut mixed = mine.contents();
    mixed.extend(other.contents().into_iter().filter(|(name, _)| name.ends_with(".log")));
    let error = verdict(&mixed).expect_err("the log is foreign").to_string();
    assert!(error.contains("is broken, or of another store"), "{error}");
}

/// The error of a new store after a frame of this number and contents was added to its log.
fn with_frame(number: u64, records: impl Fn(&mut Writer)) -> String {
    let (directory, _) = written(1, 0);
    let mut contents = directory.contents();
    let identity = Identity::read(&directory).expect("it is sound").expect("it is there");
    let mut frame = Writer(vec![0; format::HEADER]);
    records(&mut frame);
    format::seal(&mut frame.0, number, identity.seed);
    let name = contents.keys().find(|name| name.ends_with(".log")).expect("a log").clone();
    contents.entry(name).and_modify(|log| log.extend_from_slice(&frame.0));
    verdict(&contents).expect_err("no store writes that").to_string()
}

/// Frames with valid checksums and inconsistent contents.
#[test]
fn intact_but_inconsistent_frames_are_rejected() {
    let entry = |term, index| Entry {
        id: EntryId::new(Term::new(term), Index::new(index)),
        payload: Payload::NoOp,
    };
    let put = |entries: &'static [(u64, u64)]| {
        move |writer: &mut Writer| {
            entries
                .iter()
                .for_each(|(term, index)| format::put_entry(writer, &entry(*term, *index)));
        }
    };
    let reference = SnapshotRef { number: 4, last_included: EntryId::ZERO, hash: 0 };
    let rows = [
        (with_frame(3, put(&[])), "found frame 3, expected 2"),
        (with_frame(2, put(&[(1, 2)])), "entry 2@1 cannot follow 0@0"),
        (with_frame(2, put(&[(2, 1), (1, 2)])), "entry 2@1 cannot follow 1@2"),
        (with_frame(2, put(&[(1, 1)])), "term 0 is behind the last entry, 1@1"),
        (with_frame(2, |writer| writer.u8(9)), "unknown record 9"),
        (with_frame(2, |writer| writer.u8(2)), "the message is cut off"),
        (
            with_frame(2, |writer| format::put_start(writer, &State::default())),
            "start record in the middle of a file",
        ),
        (
            with_frame(2, |writer| {
                format::put_snapshot(writer, reference, Suffix::Kept { after: Index::ZERO });
            }),
            "the file is missing",
        ),
    ];
    for (error, expected) in rows {
        assert!(error.starts_with("the store is damaged: data/0000"), "{error}");
        assert!(error.ends_with(expected), "{error}, not {expected}");
    }
}
