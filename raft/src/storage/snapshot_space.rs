//! The part of a store that keeps snapshots apart from the log, so that a thread of its own writes one
//! while entries are written and flushed.

use crate::snapshot_data::SnapshotData;
use crate::storage::StorageError;

/// The snapshots of a store. A driver uses it from a thread of its own, while another one calls
/// [`Storage::write`](super::Storage::write).
///
/// A snapshot is a file without meaning until a [`Record::Snapshot`](crate::Record::Snapshot) with
/// its [`SnapshotData`] is written; the store recognises its own, and does not copy them. What is
/// dropped before, or left by a crash, is deleted.
pub trait SnapshotSpace: Send + 'static {
    /// Begins a snapshot.
    ///
    /// # Errors
    /// It cannot be created.
    fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError>;
}

/// A snapshot being written.
pub trait SnapshotWriter: Send {
    /// Appends these bytes. They become durable in steps, each of which is progress
    /// ([`WriteProgress`](super::WriteProgress)).
    ///
    /// # Errors
    /// An I/O error. The snapshot is lost, the store is not.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes all bytes durable. None may follow.
    ///
    /// # Errors
    /// An I/O error. The snapshot is lost, the store is not.
    fn finish(&mut self) -> Result<(), StorageError>;

    /// The bytes appended so far.
    fn data(&self) -> SnapshotData;
}
