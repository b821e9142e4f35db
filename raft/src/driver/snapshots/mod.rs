//! Snapshots beside the log: made, sent and received on threads of their own.
//!
//! Invariant: neither the core task nor the disk thread waits for the bytes of a snapshot.

pub(super) mod making;
pub(super) mod receiving;
pub(super) mod sending;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::making::SnapshotMaker;
use self::receiving::ChunkReceiver;
use self::sending::ChunkReader;
use crate::storage::{SnapshotSpace, SnapshotWriter, StorageError};

/// The snapshots of one node.
pub(super) struct Snapshots {
    space: Arc<Space>,
    pub(super) maker: Arc<SnapshotMaker>,
    pub(super) receiver: Arc<ChunkReceiver>,
    pub(super) reader: Arc<ChunkReader>,
}

impl Snapshots {
    /// Snapshots of at most `limit` bytes.
    pub(super) fn new(limit: u64) -> Self {
        let space = Arc::new(Space::default());
        let maker = Arc::new(SnapshotMaker::new(Arc::clone(&space), limit));
        let receiver = Arc::new(ChunkReceiver::new(Arc::clone(&space)));
        Self { space, maker, receiver, reader: Arc::default() }
    }

    /// Uses the store's space, if it has one.
    pub(super) fn use_space(&self, space: Option<Box<dyn SnapshotSpace>>) {
        self.space.set(space);
    }

    /// Returns whether the store keeps snapshots itself.
    pub(super) fn are_stored(&self) -> bool {
        self.space.exists()
    }

    /// Gives up what is being made and received.
    pub(super) fn stop(&self) {
        self.maker.stop();
        self.space.close();
    }
}

/// The store's space for snapshots; none while they are kept in memory.
#[derive(Default)]
pub(super) struct Space {
    /// Apart from the space: a disk that hangs in `create` blocks those who create, no others.
    exists: AtomicBool,
    space: Mutex<Option<Box<dyn SnapshotSpace>>>,
}

impl Space {
    fn set(&self, space: Option<Box<dyn SnapshotSpace>>) {
        let exists = space.is_some();
        *self.space.lock().unwrap_or_else(PoisonError::into_inner) = space;
        self.exists.store(exists, Ordering::Release);
    }

    fn exists(&self) -> bool {
        self.exists.load(Ordering::Acquire)
    }

    /// Creates nothing more.
    fn close(&self) {
        self.exists.store(false, Ordering::Release);
    }

    fn create(&self) -> Option<Result<Box<dyn SnapshotWriter>, StorageError>> {
        let mut space = self.space.lock().unwrap_or_else(PoisonError::into_inner);
        space.as_mut().filter(|_| self.exists()).map(|space| space.create())
    }
}
