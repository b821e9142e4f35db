//! Folders that are not this peer's to use.

use std::path::Path;

use raft::PeerId;
use raft::storage::{DiskStorage, StorageError};

fn refusal(folder: &Path, peer: u64) -> StorageError {
    DiskStorage::open(folder, PeerId::new(peer)).expect_err("it is refused")
}

/// What a person reads, without the part that differs from run to run.
fn text(error: &StorageError, folder: &Path) -> String {
    error.to_string().replace(folder.to_str().expect("letters"), "FOLDER")
}

#[test]
fn the_folder_of_another_peer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(DiskStorage::open(&folder, PeerId::new(2)).expect("a new folder"));
    let error = refusal(folder.path(), 1);
    assert!(matches!(error, StorageError::Unreadable(_)));
    assert_eq!(
        text(&error, folder.path()),
        "FOLDER holds the state of peer 2, not of peer 1: every peer needs a data_dir of its own"
    );
}

#[test]
fn a_folder_in_use_is_refused_by_name_until_it_is_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = DiskStorage::open(&folder, PeerId::new(1)).expect("a new folder");
    let error = refusal(folder.path(), 1);
    assert!(matches!(error, StorageError::InUse { .. }));
    let process = std::process::id();
    assert_eq!(
        text(&error, folder.path()),
        format!(
            "the data folder FOLDER is in use by another process (it wrote \"{process}\" into LOCK)"
        )
    );
    drop(store);
    DiskStorage::open(&folder, PeerId::new(1)).expect("it is free");
}

#[test]
fn a_folder_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("thesis.txt"), "years of work").expect("it is written");
    let error = refusal(folder.path(), 1);
    assert_eq!(
        text(&error, folder.path()),
        "FOLDER holds \"thesis.txt\" but no IDENTITY: data_dir must name an empty folder, or one \
         that a raft store has written"
    );
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 1);
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(DiskStorage::open(&folder, PeerId::new(1)).expect("a new folder"));
    let identity = folder.path().join("IDENTITY");
    let text = std::fs::read_to_string(&identity).expect("it is text");
    std::fs::write(&identity, text.replace("format 1", "format 2")).expect("it is written");
    let error = refusal(folder.path(), 1);
    assert!(matches!(error, StorageError::Unreadable(_)));
    assert!(error.to_string().contains("the store has format 2"), "{error}");
}

#[test]
fn a_path_that_can_be_no_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("it is written");
    let error = text(&refusal(&file.join("data"), 1), folder.path());
    assert!(error.starts_with("cannot make the folder FOLDER/file/data"), "{error}");
}
