//! Directories that a store must reject.

use std::path::Path;

use raft::PeerId;
use raft::storage::{DiskStorage, Storage, StorageError, conformance};

use tempfile::TempDir;

use crate::stores::{Contents, Durable, PEER, all_contents};

fn rejection(durable: Durable, directory: &Path, peer: PeerId) -> StorageError {
    durable.open_as(directory, peer).err().expect("it is rejected")
}

/// A directory with a closed store, and its contents.
fn written(durable: Durable) -> (TempDir, Contents) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = durable.open(directory.path()).expect("a new directory");
    store.write(&conformance::Script::new(5).batch()).expect("it is written");
    drop(store);
    let contents = contents(directory.path());
    (directory, contents)
}

/// All files but `LOCK`, which holds the last process id.
fn contents(directory: &Path) -> Contents {
    let mut files = all_contents(directory);
    files.remove("LOCK");
    files
}

/// The error message, without the temporary path.
fn text(error: &StorageError, directory: &Path) -> String {
    error.to_string().replace(directory.to_str().expect("letters"), "DIRECTORY")
}

#[test]
fn the_directory_of_another_peer_is_rejected_unchanged() {
    for durable in Durable::ALL {
        let (directory, before) = written(durable);
        let error = rejection(durable, directory.path(), PeerId::new(2));
        assert!(matches!(error, StorageError::Unreadable(_)));
        assert_eq!(
            text(&error, directory.path()),
            "DIRECTORY holds the state of peer 1, not of peer 2: every peer needs a data_dir of its own"
        );
        assert_eq!(contents(directory.path()), before);
    }
}

#[test]
fn the_directory_of_another_kind_of_store_is_rejected_unchanged() {
    let rows = [
        (Durable::Disk, Durable::Redb, "DiskStorage, not by RedbStorage: open it with DiskStorage"),
        (Durable::Redb, Durable::Disk, "RedbStorage, not by DiskStorage: open it with RedbStorage"),
    ];
    for (writer, reader, expected) in rows {
        let (directory, before) = written(writer);
        let error = rejection(reader, directory.path(), PEER);
        assert!(matches!(error, StorageError::Unreadable(_)));
        assert_eq!(
            text(&error, directory.path()),
            format!("DIRECTORY was written by {expected}, or name another data_dir")
        );
        assert_eq!(contents(directory.path()), before);
    }
}

#[test]
fn a_directory_in_use_is_rejected_until_it_is_free() {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let store = durable.open(directory.path()).expect("a new directory");
        let error = rejection(durable, directory.path(), PEER);
        assert!(matches!(error, StorageError::InUse { .. }));
        let process = std::process::id();
        assert_eq!(
            text(&error, directory.path()),
            format!(
                "data directory DIRECTORY is in use by another process (process id in LOCK: \"{process}\")"
            )
        );
        drop(store);
        durable.open(directory.path()).expect("it is free");
    }
}

#[test]
fn a_directory_with_foreign_files_is_rejected_unchanged() {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("notes.txt"), "years of work").expect("it is written");
        let error = rejection(durable, directory.path(), PEER);
        assert_eq!(
            text(&error, directory.path()),
            "DIRECTORY holds \"notes.txt\" but no IDENTITY: data_dir must name an empty directory, or one \
             that a raft store has written"
        );
        assert_eq!(std::fs::read_dir(&directory).expect("a directory").count(), 1);
    }
}

#[test]
fn a_newer_format_is_rejected_unchanged() {
    for durable in Durable::ALL {
        let (directory, _) = written(durable);
        let identity = directory.path().join("IDENTITY");
        let text = std::fs::read_to_string(&identity).expect("it is text");
        std::fs::write(&identity, text.replace("format 3", "format 4")).expect("it is written");
        let before = contents(directory.path());
        let error = rejection(durable, directory.path(), PEER);
        assert!(matches!(error, StorageError::Unreadable(_)));
        assert!(error.to_string().contains("the store has format 4"), "{error}");
        assert_eq!(contents(directory.path()), before);
    }
}

/// A peer that forgets its votes may vote twice, so a damaged store is never created anew.
#[test]
fn missing_files_are_damage_not_a_new_store() {
    for durable in Durable::ALL {
        let (directory, before) = written(durable);
        drop(durable.open(directory.path()).expect("it is sound"));
        let names = before.keys().filter(|name| *name != "IDENTITY");
        for name in names {
            std::fs::remove_file(directory.path().join(name)).expect("it was there");
        }
        let error = rejection(durable, directory.path(), PEER);
        assert!(matches!(error, StorageError::Damaged(_)), "{durable:?}: {error}");
        assert!(!contents(directory.path()).keys().any(|name| name != "IDENTITY"), "{durable:?}");

        let (directory, _) = written(durable);
        std::fs::remove_file(directory.path().join("IDENTITY")).expect("it was there");
        let error = rejection(durable, directory.path(), PEER);
        assert!(error.to_string().contains("but no IDENTITY"), "{durable:?}: {error}");
    }
}

/// The files of a directory that hold its data, put back from an older copy.
fn put_back(directory: &Path, older: &Contents) {
    let says = ["IDENTITY", "DURABLE"];
    for name in contents(directory).keys().filter(|name| !says.contains(&name.as_str())) {
        std::fs::remove_file(directory.join(name)).expect("it is there");
    }
    for (name, bytes) in older.iter().filter(|(name, _)| !says.contains(&name.as_str())) {
        std::fs::write(directory.join(name), bytes).expect("it is written");
    }
}

/// All frames, pages and checksums of the copy are whole, and some have never been read by a start.
#[test]
fn files_restored_from_an_old_copy_are_rejected_with_what_to_do() {
    for (durable, name) in
        [(Durable::Disk, "00000000000000000001.log"), (Durable::Redb, "raft.redb")]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let mut script = conformance::Script::new(5);
        let mut store = durable.open(directory.path()).expect("a new directory");
        store.write(&script.batch()).expect("it is written");
        let older = contents(directory.path());
        // A batch may be empty, and a new file begins with a frame of its own.
        let batches = std::iter::repeat_with(|| script.batch()).filter(|batch| !batch.is_empty());
        batches.take(3).for_each(|batch| store.write(&batch).expect("it is written"));
        drop(store);
        let whole = contents(directory.path());
        put_back(directory.path(), &older);
        let before = contents(directory.path());
        let error = text(&rejection(durable, directory.path(), PEER), directory.path());
        assert!(error.starts_with(&format!("DIRECTORY/{name} ends before write ")), "{error}");
        assert!(error.contains(", but DURABLE says that all below "), "{error}");
        assert!(error.contains(" were durable: acknowledged writes are missing ("), "{error}");
        assert!(
            error.ends_with(
                "). Put the newest copy of the file back, not an older one; \
             without it the store is lost: remove the directory, and let the peer come back empty"
            ),
            "{error}"
        );
        assert_eq!(contents(directory.path()), before, "{durable:?}");
        std::fs::remove_file(directory.path().join("DURABLE")).expect("it is there");
        put_back(directory.path(), &whole);
        drop(
            durable
                .open(directory.path())
                .expect("as a store of an earlier version, without a mark"),
        );
        put_back(directory.path(), &older);
        std::fs::remove_file(directory.path().join("DURABLE")).expect("it was made");
        let error = text(&rejection(durable, directory.path(), PEER), directory.path());
        assert!(error.contains("but IDENTITY says"), "a start has read it: {error}");
    }
}

/// A file system that lost the end of a file, at any byte of it.
#[test]
fn a_log_cut_anywhere_is_rejected() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("00000000000000000001.log");
    let mut script = conformance::Script::new(2);
    let mut store = DiskStorage::open(directory.path(), PEER).expect("a new directory");
    (0..4).for_each(|_| store.write(&script.batch()).expect("it is written"));
    drop(store);
    let whole = std::fs::read(&log).expect("a file");
    let end = whole.iter().rposition(|byte| *byte != 0).expect("it has frames") + 1;
    for length in 0..end {
        std::fs::write(&log, &whole[..length]).expect("it is written");
        let error = rejection(Durable::Disk, directory.path(), PEER);
        let expected = matches!(error, StorageError::RolledBack { .. } | StorageError::Damaged(_));
        assert!(expected, "{length} of {end} bytes: {error}");
    }
    std::fs::write(&log, &whole[..end]).expect("it is written");
    drop(Durable::Disk.open(directory.path()).expect("only zeros are missing"));
}

/// Checksums differ between stores.
#[test]
fn the_database_of_another_store_is_rejected() {
    let ((mine, _), (_, other)) = (written(Durable::Redb), written(Durable::Redb));
    std::fs::write(mine.path().join("raft.redb"), &other["raft.redb"]).expect("it is written");
    let error = text(&rejection(Durable::Redb, mine.path(), PEER), mine.path());
    assert_eq!(
        error,
        "the store is damaged: DIRECTORY/raft.redb: row 0 of table \"state\": wrong checksum, or of \
         another store"
    );
}

/// The database is open in another program.
#[test]
fn a_database_open_in_another_program_is_rejected() {
    let (directory, _) = written(Durable::Redb);
    let database =
        redb::Database::open(directory.path().join("raft.redb")).expect("it is a database");
    let error = rejection(Durable::Redb, directory.path(), PEER);
    assert!(matches!(error, StorageError::InUse { .. }), "{error}");
    assert_eq!(
        text(&error, directory.path()),
        "data directory DIRECTORY/raft.redb is in use by another process (no process id in LOCK)"
    );
    drop(database);
    Durable::Redb.open(directory.path()).expect("it is free");
}

#[test]
fn a_path_that_is_not_a_directory_is_named() {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("it is written");
        let error = text(&rejection(durable, &file.join("data"), PEER), directory.path());
        assert!(error.starts_with("cannot create the directory DIRECTORY/file/data"), "{error}");
    }
}
