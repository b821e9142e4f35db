//! A snapshot file: written block by block, read and checked block by block.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::trailer::trailer;
use super::{BLOCK, MAGIC, STEP, SnapshotFiles, SnapshotRef, snapshot_name};
use crate::membership::Membership;
use crate::snapshot_data::{SnapshotData, StoredSnapshot};
use crate::storage::directory::{Directory, ReadableFile, WritableFile, io_error};
use crate::storage::{SnapshotWriter, StorageError};
use crate::types::EntryId;

/// A snapshot file, open for reading.
pub(super) struct SnapshotFile<F: Directory> {
    pub(super) files: SnapshotFiles<F>,
    pub(super) number: u64,
    pub(super) state: Mutex<FileState<F>>,
}

pub(super) struct FileState<F: Directory> {
    pub(super) name: Name,
    /// Until it is sealed.
    pub(super) writer: Option<F::File>,
    pub(super) reader: Box<dyn ReadableFile>,
    /// Bytes of data in the file.
    pub(super) len: u64,
    /// The hash of each block.
    pub(super) hashes: Vec<u64>,
    /// The block read last, with its number: chunks are smaller than blocks.
    pub(super) block: Option<(usize, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Temporary,
    Final,
}

impl<F: Directory> SnapshotFile<F> {
    pub(super) fn lock(&self) -> MutexGuard<'_, FileState<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: Name) -> String {
        self.files.directory.path_of(&match name {
            Name::Temporary => self.files.temporary_name(self.number),
            Name::Final => snapshot_name(self.number),
        })
    }

    /// Adds what follows the data, and names the file.
    pub(super) fn seal(
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
    pub(super) fn check(&self) -> io::Result<()> {
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
pub(super) struct FileWriter<F: Directory> {
    pub(super) file: Arc<SnapshotFile<F>>,
    /// The bytes after the last whole block.
    pub(super) partial: Vec<u8>,
    /// Bytes written since the last flush.
    pub(super) unflushed: u64,
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
