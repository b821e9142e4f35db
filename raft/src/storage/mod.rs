//! The durable state of a peer: the [`Storage`] trait, and implementations of it.
//!
//! ```
//! use raft::PeerId;
//! use raft::storage::{DiskStorage, Storage};
//!
//! # let temporary = tempfile::tempdir()?;
//! # let data_dir = temporary.path().join("1");
//! let mut store = DiskStorage::open(&data_dir, PeerId::new(1))?;
//! assert!(store.load()?.entries.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | see |
//! |---|---|
//! | keep a log on disk (feature `disk`) | `DiskStorage`, or `Builder::data_dir` of the driver |
//! | keep it in a redb database (feature `redb`) | `RedbStorage` |
//! | test without a disk | [`MemoryStorage`] |
//! | write a store, and test it | [`Storage`], [`SnapshotSpace`], [`conformance`] |
//! | handle a damaged or occupied data directory | [`StorageError`] |
//! | look into a directory, restore a backup, recover without a quorum (feature `disk`) | `StoredDirectory`, `restore_backup`, `recover`; the program `raftctl` |
//!
//! A store performs the core's writes, no more: the meaning of each record is defined once, by
//! [`PersistentState::record`](crate::PersistentState::record), and is the same for every store.

pub mod conformance;
#[cfg(feature = "disk")]
mod directory;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "disk")]
mod durable_mark;
mod entry_reader;
#[cfg(feature = "disk")]
mod health;
#[cfg(feature = "disk")]
mod identity;
#[cfg(feature = "disk")]
mod lock;
mod memory;
#[cfg(feature = "disk")]
mod new_cluster;
#[cfg(feature = "disk")]
mod own_file;
mod progress;
#[cfg(feature = "redb")]
mod redb;
mod reset_term;
#[cfg(all(test, feature = "disk"))]
mod simulated;
#[cfg(feature = "disk")]
mod skipped;
#[cfg(feature = "disk")]
mod snapshot_files;
mod snapshot_space;
#[cfg(feature = "disk")]
mod stored_directory;

#[cfg(feature = "disk")]
pub use self::disk::{DiskOptions, DiskStorage};
pub(crate) use self::entry_reader::ByteLimit;
pub use self::entry_reader::EntryReader;
#[cfg(feature = "disk")]
pub use self::identity::StoreKind;
pub use self::memory::MemoryStorage;
#[cfg(feature = "disk")]
pub use self::new_cluster::{
    NewCluster, NewClusterError, NewDirectory, RecoveryFacts, Restored, recover, restore_backup,
};
pub use self::progress::WriteProgress;
#[cfg(feature = "redb")]
pub use self::redb::RedbStorage;
pub use self::reset_term::{ResetTermError, StoredTerm, reset_term, stored_term};
pub use self::snapshot_space::{SnapshotSpace, SnapshotWriter};
#[cfg(feature = "disk")]
pub use self::stored_directory::{StoredDirectory, open_store, skip_entry};

use std::collections::BTreeSet;
use std::error::Error;

use crate::output::Write;
use crate::persistent_state::PersistentState;
use crate::types::{EntryId, Index};

/// A store of one peer. A driver calls it from its own thread, so it may block.
pub trait Storage: Send + 'static {
    /// Loads the durable state. Called once, before the first write.
    ///
    /// # Errors
    /// The store cannot be read, or is damaged.
    fn load(&mut self) -> Result<PersistentState, StorageError>;

    /// Loads the durable state with the last entries only, of at most so many encoded bytes; of the others,
    /// what [`PersistentState::earlier`] has. For stores with an [`Storage::entry_reader`]. Called in
    /// place of [`Storage::load`].
    ///
    /// # Errors
    /// As [`Storage::load`].
    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        let _ = bytes_max;
        self.load()
    }

    /// Performs these writes in order, and returns once all of them are durable. If one of them
    /// survives a crash, so do all before it.
    ///
    /// # Errors
    /// Some or all of the writes may not be durable. The driver writes nothing more after an error:
    /// the durable state is known again only after a restart, by [`Storage::load`].
    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError>;

    /// The speed of writes. A driver asks once, at its start.
    fn write_speed(&self) -> WriteSpeed {
        WriteSpeed::TakesTime
    }

    /// Takes the handle by which the store shows that a long write advances, so that a large command
    /// or snapshot is not taken for a stuck disk. Called once, before the first write. A store that
    /// ignores it must finish each write within
    /// [`Settings::disk_timeout`](crate::driver::Settings::disk_timeout).
    fn report_progress_to(&mut self, progress: WriteProgress) {
        drop(progress);
    }

    /// The part of the store that keeps snapshots, for a thread of the driver's own. Called once, after
    /// [`Storage::report_progress_to`]. A store without one is given snapshots in memory, and entries
    /// wait while it writes them.
    fn snapshot_space(&mut self) -> Option<Box<dyn SnapshotSpace>> {
        None
    }

    /// A reader of entries, for a thread of the driver's own. Called after
    /// [`Storage::load`]. A store without one is asked for no entries: the node keeps the whole log in
    /// memory.
    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        None
    }

    /// The entries that the state machine must not be given, because an operator has excluded them.
    /// Called once, after [`Storage::load`].
    ///
    /// # Errors
    /// They cannot be read.
    fn skipped_entries(&mut self) -> Result<BTreeSet<EntryId>, StorageError> {
        Ok(BTreeSet::new())
    }
}

/// A store chosen at run time.
impl Storage for Box<dyn Storage> {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        (**self).load()
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        (**self).load_recent(bytes_max)
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        (**self).write(writes)
    }

    fn write_speed(&self) -> WriteSpeed {
        (**self).write_speed()
    }

    fn report_progress_to(&mut self, progress: WriteProgress) {
        (**self).report_progress_to(progress);
    }

    fn snapshot_space(&mut self) -> Option<Box<dyn SnapshotSpace>> {
        (**self).snapshot_space()
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        (**self).entry_reader()
    }

    fn skipped_entries(&mut self) -> Result<BTreeSet<EntryId>, StorageError> {
        (**self).skipped_entries()
    }
}

/// The speed of a store's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteSpeed {
    /// They may wait for a disk. A driver writes from a thread of its own.
    TakesTime,
    /// They never wait, like writes to memory. A driver writes directly: waking a thread would take
    /// a hundred times as long.
    Immediate,
}

/// An error of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// An I/O error.
    #[error("cannot {what}: {source}")]
    Io {
        /// The failed operation, with the path.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The data directory is in use.
    #[error("data directory {directory} is in use by another process ({})", owner_text(owner))]
    InUse {
        /// The directory.
        directory: String,
        /// The process id in `LOCK`; empty if a program other than a store has the database open.
        owner: String,
    },
    /// The stored data is damaged, with the position and the finding.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store ends before writes that it had reported durable, and that the cluster relies on.
    #[error(
        "{file} ends before write {next}, but {recorded_in} says that all below {durable} were durable: \
         acknowledged writes are missing ({}). Put the newest copy of the file back, not an older one; \
         without it the store is lost: remove the directory, and let the peer come back empty", durable - next
    )]
    RolledBack {
        /// The file that ends too early.
        file: String,
        /// The number of the first write that is missing.
        next: u64,
        /// The number below which all writes were durable.
        durable: u64,
        /// The file that says so: `DURABLE`, or `IDENTITY` for what the last start has read.
        recorded_in: &'static str,
    },
    /// The store was written in a newer format, or is not a store.
    #[error("{0}")]
    Unreadable(String),
    /// An entry that cannot be excluded from the state machine; nothing has been changed.
    #[error("cannot skip entry {index}: {problem}")]
    NotSkipped {
        /// The requested index.
        index: Index,
        /// The reason.
        problem: String,
    },
    /// An error of a store outside this library.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

fn owner_text(owner: &str) -> String {
    if owner.is_empty() {
        return "no process id in LOCK".to_owned();
    }
    format!("process id in LOCK: {owner:?}")
}
