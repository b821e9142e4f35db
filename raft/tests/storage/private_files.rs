//! Files of a store are the user's own: private, and never reached through a link.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use raft::storage::{Storage as _, StorageError, conformance};

use super::stores::Durable;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// Writes a few batches to a store in a directory.
fn write(durable: Durable, directory: &Path) {
    let mut store = durable.open(directory).expect("a new directory");
    let mut script = conformance::Script::new(7);
    for _ in 0..5 {
        store.write(&script.batch()).expect("it is written");
    }
}

#[test]
fn directories_and_files_are_for_the_user_alone() {
    for durable in Durable::ALL {
        let temporary = tempfile::tempdir().expect("a directory");
        let (parent, directory) = (temporary.path().join("data"), temporary.path().join("data/1"));
        write(durable, &directory);
        drop(durable.open(&directory).expect("it is whole"));
        assert_eq!((mode(&parent), mode(&directory)), (0o700, 0o700), "{durable:?}");
        let files: Vec<_> = fs::read_dir(&directory).expect("a directory").collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            let path = file.expect("a file").path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

/// A link in place of any file is refused, and its target stays as it is.
#[test]
fn a_link_in_place_of_a_file_is_not_followed() {
    for durable in Durable::ALL {
        let temporary = tempfile::tempdir().expect("a directory");
        let directory = temporary.path().join("1");
        write(durable, &directory);
        let names = fs::read_dir(&directory).expect("a directory");
        let names: Vec<_> = names.map(|file| file.expect("a file").file_name()).collect();
        for name in names {
            let (path, elsewhere) = (directory.join(&name), temporary.path().join("elsewhere"));
            fs::rename(&path, &elsewhere).expect("the store is closed");
            let before = fs::read(&elsewhere).expect("a file");
            symlink(&elsewhere, &path).expect("the name is free");
            let refused = durable.open(&directory).err();
            let refused = refused.unwrap_or_else(|| panic!("{durable:?} follows {name:?}"));
            assert!(
                refused.to_string().contains("it is a link, which a store does not open"),
                "{durable:?}, {name:?}: {refused}"
            );
            assert_eq!(fs::read(&elsewhere).expect("a file"), before, "{durable:?}, {name:?}");
            fs::rename(&elsewhere, &path).expect("back in its place");
        }
        drop(durable.open(&directory).expect("it is whole"));
    }
}

#[test]
fn a_link_in_place_of_an_unfinished_file_is_replaced_not_followed() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (directory, victim) = (temporary.path().join("1"), temporary.path().join("victim"));
    fs::create_dir(&directory).expect("a directory");
    fs::write(&victim, "dear to its owner").expect("a file");
    symlink(&victim, directory.join("IDENTITY.tmp")).expect("the name is free");
    write(Durable::Disk, &directory);
    assert_eq!(fs::read(&victim).expect("a file"), b"dear to its owner");
}

/// Names that a store does not write, up to the last number there is.
#[test]
fn files_of_other_names_are_not_taken_for_a_stores_own() {
    for (durable, ending) in
        [(Durable::Disk, "log"), (Durable::Disk, "snapshot"), (Durable::Redb, "snapshot")]
    {
        let temporary = tempfile::tempdir().expect("a directory");
        let directory = temporary.path().join("1");
        write(durable, &directory);
        for name in ["+7", "7", "00000000000000000000000000000007", "x"] {
            let path = directory.join(format!("{name}.{ending}"));
            fs::write(&path, "dear to its owner").expect("a file");
            drop(durable.open(&directory).expect("it is whole"));
            assert_eq!(fs::read(&path).expect("it stays"), b"dear to its owner");
        }
        let path = directory.join(format!("{}.{ending}", u64::MAX));
        fs::write(&path, "").expect("a file");
        let refused = durable.open(&directory).err().expect("no store counts so far");
        let words = refused.to_string();
        assert!(
            words.contains(&u64::MAX.to_string()) && words.contains("no store reaches"),
            "{words}"
        );
        fs::remove_file(path).expect("it is there");
        drop(durable.open(&directory).expect("it is whole"));
    }
}

#[test]
fn removing_the_lock_file_does_not_open_the_lock() {
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let store = durable.open(directory.path()).expect("a new directory");
        fs::remove_file(directory.path().join("LOCK")).expect("it is there");
        let refused = durable.open(directory.path()).err().expect("it is in use");
        assert!(matches!(refused, StorageError::InUse { .. }), "{durable:?}: {refused}");
        drop(store);
        drop(durable.open(directory.path()).expect("it is free again"));
    }
}
