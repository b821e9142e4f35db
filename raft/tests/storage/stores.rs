//! The table of durable stores, and the files that they leave.

use std::collections::BTreeMap;
use std::path::Path;

use raft::PeerId;
use raft::storage::{DiskOptions, RedbStorage, Storage, StorageError};

pub(crate) const PEER: PeerId = PeerId::new(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    Disk,
    Redb,
}

impl Durable {
    pub(crate) const ALL: [Self; 2] = [Self::Disk, Self::Redb];

    pub(crate) fn open_as(
        self,
        directory: &Path,
        peer: PeerId,
    ) -> Result<Box<dyn Storage>, StorageError> {
        Ok(match self {
            // Small, so that a few batches go through several files.
            Self::Disk => Box::new(DiskOptions::new().segment_bytes(2000).open(directory, peer)?),
            Self::Redb => Box::new(RedbStorage::open(directory, peer)?),
        })
    }

    pub(crate) fn open(self, directory: &Path) -> Result<Box<dyn Storage>, StorageError> {
        self.open_as(directory, PEER)
    }
}

/// The names and bytes of files, in the order of names.
pub(crate) type Contents = BTreeMap<String, Vec<u8>>;

/// All files of a directory.
pub(crate) fn all_contents(directory: &Path) -> Contents {
    let content = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("letters");
        (name, std::fs::read(file.path()).expect("it is read"))
    };
    std::fs::read_dir(directory).expect("a directory").map(content).collect()
}
