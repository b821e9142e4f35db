//! Entries that are read back from a store.

use super::StorageError;
use crate::entry::Entry;
use crate::types::Index;

/// Reads entries of a store's log, on a thread of the driver's own, while others are written.
pub trait EntryReader: Send {
    /// The durable entries from `first` through `through`, in order: at least the first one, and as many
    /// after it as have at most `bytes_max` encoded bytes together.
    ///
    /// A truncation or a snapshot may delete some of them meanwhile: then the answer ends before them,
    /// and may be empty, or still has them. Checked as a whole, so that damage is found here at
    /// the latest, before an entry is used.
    ///
    /// # Errors
    /// The store cannot be read, or is damaged.
    fn read(
        &mut self,
        first: Index,
        through: Index,
        bytes_max: u64,
    ) -> Result<Vec<Entry>, StorageError>;
}

/// Takes entries as long as they are at most so many bytes, but always the first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteLimit {
    left: u64,
    is_first: bool,
}

impl ByteLimit {
    pub(crate) const fn new(bytes_max: u64) -> Self {
        Self { left: bytes_max, is_first: true }
    }

    /// Returns whether an entry may be added to those before it.
    pub(crate) fn takes(&mut self, entry: &Entry) -> bool {
        let bytes = entry.encoded_len() as u64;
        let fits = bytes <= self.left || self.is_first;
        self.is_first = false;
        self.left = self.left.saturating_sub(bytes);
        fits
    }
}
