//! Snapshots in files of their own, written in steps and read block by block. All numbers are
//! little-endian.
//!
//! ```text
//! file     magic:u64 data blocks meta blocks_len:u64 meta_len:u64 hash:u64
//! blocks   hash:u64 …             one for each 256 KiB of the data
//! meta     term:u64 index:u64 membership                            as messages have it
//! ```
//!
//! The last hash covers blocks, meta and both lengths; the log repeats it. Hashes are XXH3 with the
//! store's own seed.
//!
//! Invariants:
//! - A file is called `NUMBER.snapshot.NONCE.tmp` until it is whole and durable. What is dropped or found under
//!   that name is deleted.
//! - Every byte is checked before it leaves this module.

mod file;
mod trailer;

use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use self::file::{FileState, FileWriter, Name, SnapshotFile};
use self::trailer::read_trailer;

use super::directory::{Directory, TEMPORARY, WritableFile, io_error, numbered_name, numbers};
use super::snapshot_space::{SnapshotSpace, SnapshotWriter};
use super::{StorageError, WriteProgress};
use crate::entry::Snapshot;
use crate::snapshot_data::{SnapshotData, StoredSnapshot};
use crate::types::EntryId;

const MAGIC: [u8; 8] = *b"raftsnp2";

/// Length of a block, in bytes.
const BLOCK: usize = 256 << 10;

/// Bytes between two flushes: as much as an entry may have to wait for.
const STEP: u64 = 1 << 20;

/// A reference to a snapshot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct SnapshotRef {
    /// The number in the file's name.
    pub(in crate::storage) number: u64,
    pub(in crate::storage) last_included: EntryId,
    /// The hash at the end of the file.
    pub(in crate::storage) hash: u64,
}

/// The snapshot files of a directory. Clones create files with different numbers.
pub(in crate::storage) struct SnapshotFiles<F: Directory> {
    directory: F,
    seed: u64,
    next: Arc<AtomicU64>,
    /// Part of the names of unfinished files: an earlier process that still ends deletes its own only.
    nonce: u32,
    progress: WriteProgress,
}

impl<F: Directory> Clone for SnapshotFiles<F> {
    fn clone(&self) -> Self {
        let (directory, progress) = (self.directory.clone(), self.progress.clone());
        let (seed, nonce, next) = (self.seed, self.nonce, Arc::clone(&self.next));
        Self { directory, seed, next, nonce, progress }
    }
}

impl<F: Directory> SnapshotFiles<F> {
    /// Files whose numbers begin with `next`.
    pub(in crate::storage) fn new(directory: F, seed: u64, next: u64) -> Self {
        use std::hash::{BuildHasher, RandomState};
        let (next, progress) = (Arc::new(AtomicU64::new(next)), WriteProgress::default());
        let nonce = RandomState::new().hash_one(seed) as u32;
        Self { directory, seed, next, nonce, progress }
    }

    /// The seed of all hashes.
    pub(in crate::storage) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(in crate::storage) fn report_progress_to(&mut self, progress: WriteProgress) {
        self.progress = progress;
    }

    /// Makes a snapshot a named file with its members, durably. Data of this space is there already;
    /// other data is written first.
    pub(in crate::storage) fn seal(
        &self,
        snapshot: &Snapshot,
    ) -> Result<SnapshotRef, StorageError> {
        let own = snapshot.data.source().and_then(|(source, offset)| {
            let source: Arc<dyn Any + Send + Sync> = Arc::<dyn StoredSnapshot>::clone(source);
            let file = source.downcast::<SnapshotFile<F>>().ok()?;
            let whole = offset == 0 && file.lock().len == snapshot.data.len();
            (whole && Arc::ptr_eq(&file.files.next, &self.next)).then_some(file)
        });
        let own = own.filter(|file| file.lock().name == Name::Temporary);
        let file = match own {
            Some(file) => file,
            None => self.copy(&snapshot.data)?,
        };
        file.seal(snapshot.last_included, &snapshot.membership)
    }

    /// Writes the data to a new file.
    fn copy(&self, data: &SnapshotData) -> Result<Arc<SnapshotFile<F>>, StorageError> {
        let mut copy = self.begin()?;
        let (mut buffer, mut at) = (vec![0; BLOCK], 0);
        while at < data.len() {
            let count = usize::try_from(data.len() - at).unwrap_or(BLOCK).min(BLOCK);
            let read = data.read_at(at, &mut buffer[..count]);
            read.map_err(io_error("read a snapshot".to_owned()))?;
            copy.append(&buffer[..count])?;
            at += count as u64;
        }
        copy.finish()?;
        Ok(copy.file)
    }

    /// The number after those of all files.
    pub(in crate::storage) fn next_number(directory: &F) -> Result<u64, StorageError> {
        Ok(numbers(directory, SNAPSHOT)?.last().map_or(1, |number| number + 1))
    }

    fn temporary_name(&self, number: u64) -> String {
        format!("{}.{:08x}{TEMPORARY}", snapshot_name(number), self.nonce)
    }

    fn begin(&self) -> Result<FileWriter<F>, StorageError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut files = self.clone();
        let name = self.temporary_name(number);
        let path = self.directory.path_of(&name);
        let mut create = || -> io::Result<_> {
            let mut writer = files.directory.create(&name)?;
            writer.write_at(0, &MAGIC)?;
            let reader = files.directory.open_for_reading(&name)?;
            Ok((writer, reader))
        };
        let (writer, reader) = create().map_err(io_error(format!("write {path}")))?;
        let hashes = Vec::new();
        let state = FileState {
            name: Name::Temporary,
            writer: Some(writer),
            reader,
            len: 0,
            hashes,
            block: None,
        };
        let file = Arc::new(SnapshotFile { files, number, state: Mutex::new(state) });
        Ok(FileWriter { file, partial: Vec::new(), unflushed: 0 })
    }

    /// Opens a referenced file, and checks all of it.
    ///
    /// # Errors
    /// An I/O error, or a finding in the words of `damaged`.
    pub(in crate::storage) fn open(
        &self,
        reference: SnapshotRef,
        damaged: impl Fn(&str) -> StorageError,
    ) -> Result<Opened, StorageError> {
        let failed = |error: io::Error| {
            if error.kind() == io::ErrorKind::NotFound {
                return damaged("the file is missing");
            }
            let path = self.directory.path_of(&snapshot_name(reference.number));
            io_error(format!("read {path}"))(error)
        };
        self.read(reference).map_err(failed)?.map_err(|finding| damaged(&finding))
    }

    fn read(&self, reference: SnapshotRef) -> io::Result<Result<Opened, String>> {
        let name = snapshot_name(reference.number);
        let mut reader = self.directory.open_for_reading(&name)?;
        let length = reader.len()?;
        let mut magic = [0; MAGIC.len()];
        if length < MAGIC.len() as u64 {
            return Ok(Err(format!("only {length} bytes")));
        }
        reader.read_at(0, &mut magic)?;
        if magic != MAGIC {
            return Ok(Ok(Opened::OtherFormat));
        }
        let trailer = match read_trailer(&mut reader, length, reference.hash, self.seed)? {
            Ok(trailer) => trailer,
            Err(what) => return Ok(Err(what)),
        };
        if trailer.last_included != reference.last_included {
            return Ok(Err(format!("it is a snapshot through {}", trailer.last_included)));
        }
        let (len, hashes) = (trailer.len, trailer.hashes);
        let state = FileState { name: Name::Final, writer: None, reader, len, hashes, block: None };
        let state = Mutex::new(state);
        let file = SnapshotFile { files: self.clone(), number: reference.number, state };
        match file.check() {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Ok(Err(error.to_string()));
            }
            checked => checked?,
        }
        let mut data = SnapshotData::stored(Arc::new(file), len);
        if len <= BLOCK as u64 {
            data = data.in_memory()?;
        }
        let (last_included, membership) = (trailer.last_included, trailer.membership.into());
        Ok(Ok(Opened::Snapshot(Snapshot { last_included, membership, data })))
    }
}

/// Deletions by a store that lists files itself.
#[cfg(feature = "redb")]
impl<F: Directory> SnapshotFiles<F> {
    /// Deletes all named files but this one.
    pub(in crate::storage) fn delete_others(&self, kept: Option<u64>) -> Result<(), StorageError> {
        let number_of = crate::storage::directory::number_of;
        self.delete(|name| number_of(name, SNAPSHOT).is_some_and(|it| Some(it) != kept))
    }

    /// Deletes what a process that ended has left unfinished.
    pub(in crate::storage) fn delete_unfinished(&self) -> Result<(), StorageError> {
        self.delete(|name| name.contains(SNAPSHOT) && name.ends_with(TEMPORARY))
    }

    fn delete(&self, is_to_go: impl Fn(&str) -> bool) -> Result<(), StorageError> {
        crate::storage::directory::delete_all(&mut self.directory.clone(), is_to_go)
    }
}

/// An opened file.
pub(in crate::storage) enum Opened {
    Snapshot(Snapshot),
    OtherFormat,
}

impl<F: Directory> SnapshotSpace for SnapshotFiles<F> {
    fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        Ok(Box::new(self.begin()?))
    }
}

pub(in crate::storage) fn snapshot_name(number: u64) -> String {
    numbered_name(number, SNAPSHOT)
}

/// Suffix of snapshot files.
pub(in crate::storage) const SNAPSHOT: &str = ".snapshot";
