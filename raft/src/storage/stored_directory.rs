//! Data directories of stopped peers, looked at from outside: read without a change, or opened whatever
//! their kind.

use std::collections::BTreeSet;
use std::path::Path;

use super::directory::{OsDirectory, io_error};
use super::identity::{Identity, StoreKind};
use super::lock::Lock;
use super::{DiskStorage, Storage, StorageError, disk, skipped};
use crate::membership::Membership;
use crate::persistent_state::PersistentState;
use crate::types::{EntryId, Index, PeerId};

/// A data directory. As long as this value exists, no process can use the directory.
///
/// ```
/// use raft::PeerId;
/// use raft::storage::{DiskStorage, Storage, StoredDirectory};
///
/// # let temporary = tempfile::tempdir()?;
/// # let data_dir = temporary.path().join("data/1");
/// let store = DiskStorage::open(&data_dir, PeerId::new(1))?;
/// assert!(StoredDirectory::open(&data_dir).is_err(), "it is in use");
/// drop(store);
///
/// let directory = StoredDirectory::open(&data_dir)?;
/// assert_eq!(directory.peer, PeerId::new(1));
/// assert!(directory.read()?.entries.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StoredDirectory {
    /// The kind of store.
    pub kind: StoreKind,
    /// The format of its files.
    pub format: u64,
    /// The version of the library that opened it last.
    pub written_by: String,
    /// The peer.
    pub peer: PeerId,
    identity: Identity,
    directory: OsDirectory,
    #[cfg_attr(not(feature = "redb"), expect(dead_code, reason = "only databases need it"))]
    path: std::path::PathBuf,
    _lock: Lock,
}

impl StoredDirectory {
    /// Locks a directory and reads whose it is. Changes nothing in it.
    ///
    /// # Errors
    /// A process uses it, it is not a data directory, or it was written in a newer format.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let directory = OsDirectory::existing(path);
        Identity::read(&directory)?;
        let lock = Lock::take_for_reading(path)?;
        let identity = Identity::read(&directory)?.ok_or_else(|| {
            StorageError::Unreadable(format!(
                "{} is empty, not a data directory: it has no file IDENTITY",
                path.display()
            ))
        })?;
        let (format, written_by) = Identity::stated_format(&directory)?;
        let (kind, peer, path) = (identity.kind, identity.peer, path.to_owned());
        Ok(Self { kind, format, written_by, peer, identity, directory, path, _lock: lock })
    }

    /// Reads and checks everything, without a change.
    ///
    /// # Errors
    /// Damage, with the file and byte; or it cannot be read.
    pub fn read(&self) -> Result<PersistentState, StorageError> {
        match self.kind {
            StoreKind::Log => disk::read(&self.directory, &self.identity),
            #[cfg(feature = "redb")]
            StoreKind::Redb => super::redb::read(&self.directory, &self.path, &self.identity),
            #[cfg(not(feature = "redb"))]
            StoreKind::Redb => Err(without_redb()),
        }
    }

    /// The entries that an operator has excluded from the state machine.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn skipped_entries(&self) -> Result<BTreeSet<EntryId>, StorageError> {
        skipped::read(&self.directory)
    }
}

impl std::fmt::Debug for StoredDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredDirectory").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// The members in a store: those of its log, or else those that its peer began with.
pub(super) fn members(stored: &PersistentState, own: PeerId) -> Membership {
    let initial = || stored.identity.as_ref().map(|it| it.initial_membership(own));
    stored.membership().cloned().or_else(initial).unwrap_or_default()
}

/// Opens or creates the store of `peer` in a directory.
///
/// # Errors
/// As of [`DiskStorage::open`] and `RedbStorage::open`.
pub fn open_store(
    kind: StoreKind,
    path: impl AsRef<Path>,
    peer: PeerId,
) -> Result<Box<dyn Storage>, StorageError> {
    Ok(match kind {
        StoreKind::Log => Box::new(DiskStorage::open(path, peer)?),
        #[cfg(feature = "redb")]
        StoreKind::Redb => Box::new(super::RedbStorage::open(path, peer)?),
        #[cfg(not(feature = "redb"))]
        StoreKind::Redb => return Err(without_redb()),
    })
}

/// Excludes the command at `index` of a stopped peer's log from its state machine, durably: see
/// [`DiskStorage::skip_entry`]. Nothing else changes.
///
/// # Errors
/// A process uses the directory, its log has no command there, or it cannot be read or written.
pub fn skip_entry(path: impl AsRef<Path>, index: Index) -> Result<EntryId, StorageError> {
    let path = path.as_ref();
    let stored = StoredDirectory::open(path)?.read()?;
    let _lock = Lock::take(path)?;
    skipped::add(&mut OsDirectory::existing(path), &stored, index)
}

#[cfg(not(feature = "redb"))]
fn without_redb() -> StorageError {
    StorageError::Unreadable(
        "the directory was written by RedbStorage: build this program with the feature `redb`"
            .to_owned(),
    )
}

/// Refuses a place that holds something.
///
/// # Errors
/// It does, or cannot be looked at.
pub(super) fn check_free(path: &Path) -> Result<(), StorageError> {
    let found = match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.and_then(|mut names| names.next().transpose()),
    };
    match found.map_err(io_error(format!("look into {}", path.display())))? {
        None => Ok(()),
        Some(_) => Err(StorageError::Unreadable(format!(
            "{} holds something: name a new or an empty directory",
            path.display()
        ))),
    }
}
