//! The file under a database that is only looked at.

use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

use redb::StorageBackend;

use crate::storage::directory::ReadableFile as _;

/// A file that is read. Changes are refused: [`Backend`](super::backend::Backend) keeps those of redb in
/// memory.
#[derive(Debug)]
pub(super) struct ReadOnlyFile(Mutex<File>);

impl ReadOnlyFile {
    pub(super) const fn new(file: File) -> Self {
        Self(Mutex::new(file))
    }
}

impl StorageBackend for ReadOnlyFile {
    fn len(&self) -> io::Result<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read_at(offset, out)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}
