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

use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::directory::{
    Directory, ReadableFile, TEMPORARY, WritableFile, delete_all, io_error, number_of,
    numbered_name, numbers,
};
use super::snapshot_space::{SnapshotSpace, SnapshotWriter};
use super::{StorageError, WriteProgress};
use crate::codec::{DecodeError, Reader, Writer};
use crate::entry::Snapshot;
use crate::membership::Membership;
use crate::snapshot_data::{SnapshotData, StoredSnapshot};
use crate::types::EntryId;

const MAGIC: [u8; 8] = *b"raftsnp2";

/// Length of a block, in bytes.
const BLOCK: usize = 256 << 10;

/// Bytes between two flushes: as much as an entry may have to wait for.
const STEP: u64 = 1 << 20;

/// Bytes of the three numbers at the end.
const FOOTER: u64 = 24;

/// A reference to a snapshot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SnapshotRef {
    /// The number in the file's name.
    pub(super) number: u64,
    pub(super) last_included: EntryId,
    /// The hash at the end of the file.
    pub(super) hash: u64,
}

/// The snapshot files of a directory. Clones create files with different numbers.
pub(super) struct SnapshotFiles<F: Directory> {
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
    pub(super) fn new(directory: F, seed: u64, next: u64) -> Self {
        use std::hash::{BuildHasher, RandomState};
        let (next, progress) = (Arc::new(AtomicU64::new(next)), WriteProgress::default());
        let nonce = RandomState::new().hash_one(seed) as u32;
        Self { directory, seed, next, nonce, progress }
    }

    /// The seed of all hashes.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn report_progress_to(&mut self, progress: WriteProgress) {
        self.progress = progress;
    }

    /// Makes a snapshot a named file with its members, durably. Data of this space is there already;
    /// other data is written first.
    pub(super) fn seal(&self, snapshot: &Snapshot) -> Result<SnapshotRef, StorageError> {
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

    /// Deletes all named files but this one.
    pub(super) fn delete_others(&self, kept: Option<u64>) -> Result<(), StorageError> {
        let is_other = |name: &str| number_of(name, SNAPSHOT).is_some_and(|it| Some(it) != kept);
        delete_all(&mut self.directory.clone(), is_other)
    }

    /// Deletes what a process that ended has left unfinished.
    pub(super) fn delete_unfinished(&self) -> Result<(), StorageError> {
        let is_unfinished = |name: &str| name.contains(SNAPSHOT) && name.ends_with(TEMPORARY);
        delete_all(&mut self.directory.clone(), is_unfinished)
    }

    /// The number after those of all files.
    pub(super) fn next_number(directory: &F) -> Result<u64, StorageError> {
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
    pub(super) fn open(
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

/// An opened file.
pub(super) enum Opened {
    Snapshot(Snapshot),
    OtherFormat,
}

impl<F: Directory> SnapshotSpace for SnapshotFiles<F> {
    fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        Ok(Box::new(self.begin()?))
    }
}

/// A snapshot file, open for reading.
struct SnapshotFile<F: Directory> {
    files: SnapshotFiles<F>,
    number: u64,
    state: Mutex<FileState<F>>,
}

struct FileState<F: Directory> {
    name: Name,
    /// Until it is sealed.
    writer: Option<F::File>,
    reader: Box<dyn ReadableFile>,
    /// Bytes of data in the file.
    len: u64,
    /// The hash of each block.
    hashes: Vec<u64>,
    /// The block read last, with its number: chunks are smaller than blocks.
    block: Option<(usize, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Temporary,
    Final,
}

impl<F: Directory> SnapshotFile<F> {
    fn lock(&self) -> MutexGuard<'_, FileState<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: Name) -> String {
        self.files.directory.path_of(&match name {
            Name::Temporary => self.files.temporary_name(self.number),
            Name::Final => snapshot_name(self.number),
        })
    }

    /// Adds what follows the data, and names the file.
    fn seal(
        &self,
        last_included: EntryId,
        membership: &Membership,
    ) -> Result<SnapshotRef, StorageError> {
        let (mut state, mut directory) = (self.lock(), self.files.directory.clone());
        let (trailer, hash) = trailer(&state.hashes, last_included, membership, self.files.seed);
        let at = MAGIC.len() as u64 + state.len;
        let mut write = || {
            let Some(mut writer) = state.writer.take() else { return Ok(()) };
            writer.write_at(at, &trailer)?;
            writer.sync()
        };
        write().map_err(io_error(format!("write {}", self.path(Name::Temporary))))?;
        let (from, to) = (self.files.temporary_name(self.number), snapshot_name(self.number));
        directory.rename(&from, &to).map_err(io_error(format!("rename {from} to {to}")))?;
        state.name = Name::Final;
        directory.sync().map_err(io_error(format!("rename {from} to {to}")))?;
        self.files.progress.advance();
        Ok(SnapshotRef { number: self.number, last_included, hash })
    }

    /// Reads and checks all blocks.
    fn check(&self) -> io::Result<()> {
        let mut state = self.lock();
        let path = self.path(state.name);
        (0..state.hashes.len()).try_for_each(|block| state.load(block, self.files.seed, &path))?;
        state.block = None;
        Ok(())
    }
}

impl<F: Directory> FileState<F> {
    /// Reads a block, and checks it.
    fn load(&mut self, block: usize, seed: u64, path: &str) -> io::Result<()> {
        if self.block.as_ref().is_some_and(|(loaded, _)| *loaded == block) {
            return Ok(());
        }
        let Some(expected) = self.hashes.get(block).copied() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let start = (block * BLOCK) as u64;
        let length = usize::try_from(self.len - start).unwrap_or(BLOCK).min(BLOCK);
        let mut bytes = self.block.take().map(|(_, bytes)| bytes).unwrap_or_default();
        bytes.resize(length, 0);
        self.reader.read_at(MAGIC.len() as u64 + start, &mut bytes)?;
        let found = xxh3_64_with_seed(&bytes, seed);
        if found != expected {
            let at = MAGIC.len() as u64 + start;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{path}: the block at byte {at} is broken: checksum {found:016x}, stated {expected:016x}"
                ),
            ));
        }
        self.block = Some((block, bytes));
        Ok(())
    }
}

impl<F: Directory> StoredSnapshot for SnapshotFile<F> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.lock();
        let path = self.path(state.name);
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let block =
                usize::try_from(at / BLOCK as u64).map_err(|_| io::ErrorKind::InvalidInput)?;
            state.load(block, self.files.seed, &path)?;
            let loaded = state.block.as_ref().map_or(&[][..], |(_, bytes)| bytes);
            let start = usize::try_from(at % BLOCK as u64).unwrap_or(BLOCK);
            let bytes = loaded.get(start..).unwrap_or_default();
            let count = bytes.len().min(rest.len());
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (filled, left) = rest.split_at_mut(count);
            filled.copy_from_slice(&bytes[..count]);
            (at, rest) = (at + count as u64, left);
        }
        Ok(())
    }
}

impl<F: Directory> Drop for SnapshotFile<F> {
    /// Deletes a file that nothing refers to. If that fails, the next start does it.
    fn drop(&mut self) {
        if self.lock().name == Name::Temporary {
            let _ = self.files.directory.clone().remove(&self.files.temporary_name(self.number));
        }
    }
}

/// A file being written.
struct FileWriter<F: Directory> {
    file: Arc<SnapshotFile<F>>,
    /// The bytes after the last whole block.
    partial: Vec<u8>,
    /// Bytes written since the last flush.
    unflushed: u64,
}

impl<F: Directory> FileWriter<F> {
    /// Writes the bytes after the last whole block, as a block.
    fn write_block(&mut self) -> io::Result<()> {
        let mut state = self.file.lock();
        let at = MAGIC.len() as u64 + state.len;
        let hash = xxh3_64_with_seed(&self.partial, self.file.files.seed);
        let Some(writer) = state.writer.as_mut() else {
            return Err(io::Error::other("the snapshot is finished"));
        };
        writer.write_at(at, &self.partial)?;
        self.unflushed += self.partial.len() as u64;
        if self.unflushed >= STEP {
            writer.sync()?;
            self.file.files.progress.advance();
            self.unflushed = 0;
        }
        state.len += self.partial.len() as u64;
        state.hashes.push(hash);
        self.partial.clear();
        Ok(())
    }

    fn error(&self) -> impl FnOnce(io::Error) -> StorageError {
        io_error(format!("write {}", self.file.path(Name::Temporary)))
    }
}

impl<F: Directory> SnapshotWriter for FileWriter<F> {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOCK - self.partial.len()));
            self.partial.extend_from_slice(now);
            rest = later;
            if self.partial.len() == BLOCK {
                self.write_block().map_err(self.error())?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StorageError> {
        let mut flush = || {
            if !self.partial.is_empty() {
                self.write_block()?;
            }
            self.file.lock().writer.as_mut().map_or(Ok(()), WritableFile::sync)
        };
        flush().map_err(self.error())?;
        self.file.files.progress.advance();
        Ok(())
    }

    fn data(&self) -> SnapshotData {
        let source: Arc<dyn StoredSnapshot> = Arc::<SnapshotFile<F>>::clone(&self.file);
        SnapshotData::stored(source, self.file.lock().len + self.partial.len() as u64)
    }
}

/// The bytes behind the data, and their hash.
fn trailer(
    hashes: &[u64],
    last_included: EntryId,
    membership: &Membership,
    seed: u64,
) -> (Vec<u8>, u64) {
    let mut writer = Writer(Vec::new());
    hashes.iter().for_each(|hash| writer.u64(*hash));
    let blocks_len = writer.0.len();
    writer.entry_id(last_included);
    writer.membership(membership);
    let meta_len = writer.0.len() - blocks_len;
    writer.u64(blocks_len as u64);
    writer.u64(meta_len as u64);
    let hash = xxh3_64_with_seed(&writer.0, seed);
    writer.u64(hash);
    (writer.0, hash)
}

struct Trailer {
    len: u64,
    hashes: Vec<u64>,
    last_included: EntryId,
    membership: Membership,
}

/// Reads the bytes behind the data.
fn read_trailer(
    reader: &mut Box<dyn ReadableFile>,
    length: u64,
    expected: u64,
    seed: u64,
) -> io::Result<Result<Trailer, String>> {
    let mut footer = [0; FOOTER as usize];
    let Some(footer_at) = length.checked_sub(FOOTER) else {
        return Ok(Err(format!("only {length} bytes")));
    };
    reader.read_at(footer_at, &mut footer)?;
    let word = |at: usize| footer[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    let (blocks_len, meta_len, stated) = (word(0), word(8), word(16));
    let start = blocks_len.checked_add(meta_len).and_then(|len| footer_at.checked_sub(len));
    let len = start.and_then(|start| start.checked_sub(MAGIC.len() as u64));
    let len = len.filter(|len| len.div_ceil(BLOCK as u64) * 8 == blocks_len);
    let (Some(start), Some(len)) = (start, len) else {
        return Ok(Err("its end is broken".to_owned()));
    };
    let mut bytes = vec![0; usize::try_from(length - 8 - start).unwrap_or(usize::MAX)];
    reader.read_at(start, &mut bytes)?;
    let found = xxh3_64_with_seed(&bytes, seed);
    if stated != found || stated != expected {
        return Ok(Err(format!(
            "checksum {found:016x}, stated {stated:016x}, in the log {expected:016x}"
        )));
    }
    let mut words = Reader(&bytes);
    let mut parsed = || -> Result<_, DecodeError> {
        let hashes = (0..blocks_len / 8).map(|_| words.u64()).collect::<Result<Vec<_>, _>>()?;
        Ok((hashes, words.entry_id()?, words.membership()?))
    };
    Ok(match parsed() {
        Ok((hashes, last_included, membership)) => {
            Ok(Trailer { len, hashes, last_included, membership })
        }
        Err(error) => Err(error.to_string()),
    })
}

pub(super) fn snapshot_name(number: u64) -> String {
    numbered_name(number, SNAPSHOT)
}

/// Suffix of snapshot files.
pub(super) const SNAPSHOT: &str = ".snapshot";
