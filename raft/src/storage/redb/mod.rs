//! A store in a database: redb, one file with tables that other programs can open.
//!
//! # Files in the directory
//! | file | what it is |
//! |---|---|
//! | `IDENTITY` | text: the format, who wrote it, whose state it is |
//! | `LOCK` | locked while a process uses the directory |
//! | `raft.redb` | the database |
//! | `NUMBER.snapshot` | the state machine's state, unless it is in the database |
//! | `DURABLE` | text: how far the transactions are durable |
//! | `SKIPPED` | text: entries that an operator has excluded from the state machine |
//! | `….tmp` | unfinished; cleared by the next start |
//!
//! The tables are described in `rows.rs`. As with the store on disk, do not delete anything but the
//! whole directory, and take copies only while the peer is stopped.
//!
//! # Durability
//! As of [`DiskStorage`](super::DiskStorage), by the same tests: a crash at any time loses nothing
//! that [`Storage::write`] reported. Each write is one transaction, so an unreported write survives
//! completely or not at all. Missing or wrong durable data is an error, and the directory stays
//! unchanged, also if the database is an older copy. The same losses as there cannot be recognised.
//!
//! # Dependencies
//! It must not depend on the driver, tokio or a clock. It blocks, and has no thread of its own.

mod backend;
mod errors;
mod read_only;
mod reader;
mod rows;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use redb::backends::FileBackend;

use self::read_only::ReadOnlyFile;
use self::store::Store;
use super::directory::{self, Directory, OsDirectory, TEMPORARY, io_error};
use super::durable_mark::{DurableMark, DurableThrough};
use super::identity::{Identity, StoreKind};
use super::lock::Lock;
use super::snapshot_files::SnapshotFiles;
use super::{EntryReader, SnapshotSpace, Storage, StorageError, WriteProgress, own_file, skipped};
use crate::output::Write;
use crate::persistent_state::PersistentState;
use crate::types::{EntryId, Index, PeerId};

const DATABASE: &str = "raft.redb";

/// A store in a redb database, in a directory of its own. Slower than
/// [`DiskStorage`](super::DiskStorage), but readable with a database's tools.
///
/// ```
/// use raft::storage::{RedbStorage, Storage};
/// use raft::{HardState, PeerId, Record, Term, Write, WriteId};
///
/// # let temporary = tempfile::tempdir()?;
/// # let data_dir = temporary.path().join("data/1");
/// let peer = PeerId::new(1);
/// let hard_state = HardState { current_term: Term::new(3), voted_for: Some(peer) };
/// let write = Write { id: WriteId::new(1), record: Record::HardState(hard_state) };
/// RedbStorage::open(&data_dir, peer)?.write(&[write])?;
///
/// let mut again = RedbStorage::open(&data_dir, peer)?;
/// assert_eq!(again.load()?.hard_state, hard_state);
/// assert!(RedbStorage::open(&data_dir, peer).is_err(), "the directory is in use");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedbStorage {
    store: Store,
    directory: OsDirectory,
    /// Held as long as the store.
    _lock: Lock,
}

impl RedbStorage {
    /// Opens or creates the store of `peer` in a directory. The directory is created if missing,
    /// and belongs to the store until it is dropped. Opening reads the whole file; after a process
    /// that did not close it, it also rewrites the file.
    ///
    /// # Errors
    /// - [`StorageError::InUse`]: another process, or this one, has the directory or the database open.
    /// - [`StorageError::Unreadable`]: the directory is another peer's, holds something else, or was
    ///   written in a newer format.
    /// - [`StorageError::RolledBack`]: it ends before writes that it had reported. Nothing has been
    ///   changed.
    /// - [`StorageError::Damaged`]: something that was durable is missing or wrong. Nothing has been
    ///   changed.
    /// - [`StorageError::Io`]: an I/O error.
    pub fn open(data_dir: impl AsRef<Path>, peer: PeerId) -> Result<Self, StorageError> {
        let data_dir = data_dir.as_ref();
        let mut directory = OsDirectory::create(data_dir)?;
        // A foreign directory stays unchanged.
        if let Some(identity) = Identity::read(&directory)? {
            identity.check_owner(StoreKind::Redb, peer, &directory.path_of(""))?;
        }
        let lock = Lock::take(data_dir)?;
        let identity = Identity::read_or_create(&mut directory, StoreKind::Redb, peer)?;
        if !directory::names(&directory)?.iter().any(|name| name == DATABASE) {
            create(&mut directory, data_dir, &identity)?;
        }
        let file = open_file(data_dir, DATABASE)?;
        let durable = DurableThrough::read(&directory, &identity)?;
        let next = SnapshotFiles::next_number(&directory)?;
        let files = SnapshotFiles::new(directory.clone(), identity.seed, next);
        let path = directory.path_of(DATABASE);
        let store = Store::open(file, &path, &identity, durable, Some(files))?;
        let identity = Identity { read_through: store.next(), ..identity };
        identity.write(&mut directory)?;
        let mark = DurableMark::open(&mut directory, &identity, store.next())?;
        Ok(Self { store: store.with_mark(mark), directory, _lock: lock })
    }

    /// Excludes the command at `index` from the state machine, durably, and returns its entry id:
    /// from the next start on, the peer applies the entries around it. The way out of a
    /// command that panics at every start.
    ///
    /// **Do it on every peer, or the states differ for ever after.** If one of them has applied the
    /// command, do not: restore that peer's state on the others, by adding them anew. A new peer
    /// that receives the entry from the log must skip it, too; one that receives a snapshot need
    /// not.
    ///
    /// # Errors
    /// [`StorageError::NotSkipped`]: the log has no command at this index. Otherwise an I/O error.
    pub fn skip_entry(&mut self, index: Index) -> Result<EntryId, StorageError> {
        let stored = self.store.load()?;
        skipped::add(&mut self.directory, &stored, index)
    }
}

impl Storage for RedbStorage {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.store.load()
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        self.store.load_recent(bytes_max)
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.store.write(writes)
    }

    fn report_progress_to(&mut self, progress: WriteProgress) {
        self.store.report_progress_to(progress);
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        self.store.entry_reader()
    }

    fn snapshot_space(&mut self) -> Option<Box<dyn SnapshotSpace>> {
        self.store.snapshot_space()
    }

    fn skipped_entries(&mut self) -> Result<BTreeSet<EntryId>, StorageError> {
        skipped::read(&self.directory)
    }
}

impl std::fmt::Debug for RedbStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStorage").finish_non_exhaustive()
    }
}

/// Reads the store in a directory without changing it.
pub(super) fn read(
    directory: &OsDirectory,
    data_dir: &Path,
    identity: &Identity,
) -> Result<PersistentState, StorageError> {
    let (path, file) = (directory.path_of(DATABASE), data_dir.join(DATABASE));
    let file = match own_file::open(&file, File::options().read(true)) {
        Ok(file) => ReadOnlyFile::new(file),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match identity.read_through {
                0 => Ok(PersistentState::default()),
                _ => Err(StorageError::Damaged(format!("{path}: the file is missing"))),
            };
        }
        Err(error) => return Err(io_error(format!("open {path}"))(error)),
    };
    let durable = DurableThrough::read(directory, identity)?;
    let next = SnapshotFiles::next_number(directory)?;
    let files = SnapshotFiles::new(directory.clone(), identity.seed, next);
    Store::read_only(file, &path, identity, durable, files)
}

/// Creates the database, which gets its name once it is complete and durable.
fn create(
    directory: &mut OsDirectory,
    data_dir: &Path,
    identity: &Identity,
) -> Result<(), StorageError> {
    let path = directory.path_of(DATABASE);
    if identity.read_through > 0 {
        return Err(StorageError::Damaged(format!("{path}: the file is missing")));
    }
    let temporary = format!("{DATABASE}{TEMPORARY}");
    directory::delete(directory, &temporary)?;
    Store::create(open_file(data_dir, &temporary)?, &directory.path_of(&temporary), identity)?;
    let rename = |directory: &mut OsDirectory| {
        directory.rename(&temporary, DATABASE)?;
        directory.sync()
    };
    rename(directory).map_err(io_error(format!("rename {temporary} to {path}")))
}

fn open_file(data_dir: &Path, name: &str) -> Result<FileBackend, StorageError> {
    let path = data_dir.join(name);
    let file = own_file::open_or_create(&path);
    let file = file.map_err(io_error(format!("open {}", path.display())))?;
    FileBackend::new(file).map_err(|error| errors::open_error(&path.display().to_string(), error))
}
