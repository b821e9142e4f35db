//! A store on disk: an append-only log, with snapshots in separate files.
//!
//! # Files in the directory
//! | file | what it is |
//! |---|---|
//! | `IDENTITY` | text: the format, who wrote it, whose state it is |
//! | `LOCK` | locked while a process uses the directory |
//! | `NUMBER.log` | terms, votes, entries; the log goes on in the file with the next higher number |
//! | `NUMBER.index` | where the entries of a complete log file are; made again if missing or broken |
//! | `NUMBER.snapshot` | the state machine's state that the log refers to |
//! | `DURABLE` | text: how far the writes are durable |
//! | `SKIPPED` | text: entries that an operator has excluded from the state machine |
//! | `….tmp` | unfinished; cleared by the next start |
//!
//! Do not delete files by hand. A peer whose directory is gone comes back as another store: the
//! members recognise it, and it has no vote until it was removed and added again, or re-seeded by its
//! leader ([`LostStore`](crate::LostStore)). As long as fewer than a majority lose their directories
//! between such repairs, nothing acknowledged is lost. A copy is a backup only if it was taken while
//! the peer was stopped, and putting an old one back is a loss (below): remove the peer first.
//!
//! # Durability
//! A crash of the process or of the machine at any time loses nothing that [`Storage::write`]
//! reported; unreported writes survive up to some record. A broken end of the newest log file is
//! the result of a crash, and is removed at the next start. Any other broken data was durable once:
//! then the store reports the byte and file. Such a store is lost: delete the directory, and let
//! the peer come back empty, as above.
//!
//! # Damage
//! It is found before it is used. A start checks the newest log file, the first and the last frame of
//! each older one and the snapshot; if something is wrong, the store does not open, and changes nothing.
//! The frames between are checked when their entries are read: by [`Storage::load`], which reads
//! them all, or by a later [`EntryReader::read`], whose error ends the node.
//!
//! # Lost writes
//! A log that ends before a write that was reported does not open either
//! ([`StorageError::RolledBack`]): a file that was cut or put back from an older copy, a disk that
//! dropped what it had flushed. `DURABLE` says how far the log was durable. It is written with every
//! write but flushed at a clean end only, so it is exact after a crash of the process, and may be some
//! seconds old after a loss of power; `IDENTITY` says at least how far the last start has read.
//!
//! Three losses cannot be recognised here: an older copy of the whole directory; a log that is cut while
//! `DURABLE` is removed or put back with it; and, after a loss of power, a flush that the disk reported
//! and did not do, if the mark is lost with it. The leader recognises them once it misses an
//! entry (`LossKind::RolledBack`); a forgotten vote stays a risk until then.
//!
//! # Dependencies
//! It must not depend on the driver, tokio or a clock. It blocks, and has no thread of its own.

mod file_index;
mod files;
mod format;
mod frames;
mod index;
mod reader;
mod replay;
mod store;
#[cfg(test)]
mod tests;

#[cfg(feature = "redb")]
pub(super) use self::format::{read_hard_state, read_identity, write_hard_state, write_identity};

use std::collections::BTreeSet;
use std::path::Path;

use self::store::{FileLengths, Store};
use super::directory::OsDirectory;
use super::identity::Identity;
use super::lock::Lock;
use super::{EntryReader, SnapshotSpace, Storage, StorageError, WriteProgress, skipped};
use crate::output::Write;
use crate::persistent_state::PersistentState;
use crate::types::{EntryId, Index, PeerId};

/// A store on disk, in a directory of its own.
///
/// ```
/// use raft::storage::{DiskStorage, Storage};
/// use raft::{HardState, PeerId, Record, Term, Write, WriteId};
///
/// # let temporary = tempfile::tempdir()?;
/// # let data_dir = temporary.path().join("data/1");
/// let peer = PeerId::new(1);
/// let hard_state = HardState { current_term: Term::new(3), voted_for: Some(peer) };
/// let write = Write { id: WriteId::new(1), record: Record::HardState(hard_state) };
/// DiskStorage::open(&data_dir, peer)?.write(&[write])?;
///
/// let mut again = DiskStorage::open(&data_dir, peer)?;
/// assert_eq!(again.load()?.hard_state, hard_state);
/// assert!(DiskStorage::open(&data_dir, peer).is_err(), "the directory is in use");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DiskStorage {
    store: Store<OsDirectory>,
    /// Held as long as the store.
    _lock: Lock,
}

impl DiskStorage {
    /// Opens or creates the store of `peer` in a directory, with the default options.
    ///
    /// # Errors
    /// As [`DiskOptions::open`].
    pub fn open(data_dir: impl AsRef<Path>, peer: PeerId) -> Result<Self, StorageError> {
        DiskOptions::new().open(data_dir, peer)
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
        skipped::add(self.store.directory_mut(), &stored, index)
    }
}

impl Storage for DiskStorage {
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
        skipped::read(self.store.directory_mut())
    }
}

impl std::fmt::Debug for DiskStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskStorage").finish_non_exhaustive()
    }
}

/// Reads the store in a directory without changing it.
pub(super) fn read(
    directory: &OsDirectory,
    identity: &Identity,
) -> Result<PersistentState, StorageError> {
    Store::read(directory, identity)
}

/// Options of a store on disk.
#[derive(Clone, Copy, Debug)]
pub struct DiskOptions {
    segment_bytes: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl DiskOptions {
    /// The default options.
    #[must_use]
    pub const fn new() -> Self {
        Self { segment_bytes: 64 << 20 }
    }

    /// Length in bytes after which the log continues in a new file; 64 MiB by default. A snapshot
    /// frees whole files only, so that up to two files remain on the disk beyond what is needed.
    #[must_use]
    pub const fn segment_bytes(self, segment_bytes: u64) -> Self {
        Self { segment_bytes }
    }

    /// Opens or creates the store of `peer` in a directory. The directory is created if missing,
    /// and belongs to the store until it is dropped.
    ///
    /// # Errors
    /// - [`StorageError::InUse`]: another process, or this one, has the directory open.
    /// - [`StorageError::Unreadable`]: the directory is another peer's, holds something else, or was
    ///   written in a newer format.
    /// - [`StorageError::RolledBack`]: it ends before writes that it had reported. Nothing has been
    ///   changed.
    /// - [`StorageError::Damaged`]: something that was durable is missing or wrong. Nothing has been
    ///   changed.
    /// - [`StorageError::Io`]: an I/O error.
    pub fn open(
        self,
        data_dir: impl AsRef<Path>,
        peer: PeerId,
    ) -> Result<DiskStorage, StorageError> {
        let data_dir = data_dir.as_ref();
        let directory = OsDirectory::create(data_dir)?;
        // A foreign directory stays unchanged.
        Identity::read(&directory)?;
        let lock = Lock::take(data_dir)?;
        let lengths = FileLengths { segment: self.segment_bytes, preallocate: PREALLOCATE_BYTES };
        let store = Store::open(directory, peer, lengths)?;
        Ok(DiskStorage { store, _lock: lock })
    }
}

/// About a hundred batches of entries of a hundred bytes.
const PREALLOCATE_BYTES: u64 = 1 << 20;
