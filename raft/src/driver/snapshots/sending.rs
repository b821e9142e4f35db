//! Chunks of stored snapshots, read before their messages leave, in their order: a follower does not take
//! one before the one before it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::{Envelope, Message};
use crate::storage::StorageError;

/// Receives messages whose chunks are read, or a failure of the store.
type Deliver = Arc<dyn Fn(Result<Envelope, StorageError>) + Send + Sync>;

/// Returns whether the message has a chunk that must be read first.
pub(in crate::driver) fn is_unread(envelope: &Envelope) -> bool {
    matches!(&envelope.message, Message::InstallSnapshot(chunk) if chunk.chunk.bytes().is_none())
}

/// The chunks that wait to be read.
#[derive(Default)]
pub(in crate::driver) struct ChunkReader(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    unread: VecDeque<Envelope>,
    is_served: bool,
}

impl ChunkReader {
    /// Reads the chunk of a message on a thread that may block, and passes the message on.
    pub(in crate::driver) fn read(self: &Arc<Self>, envelope: Envelope, deliver: Deliver) {
        let mut queue = self.lock();
        queue.unread.push_back(envelope);
        if !std::mem::replace(&mut queue.is_served, true) {
            let reader = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                while let Some(envelope) = reader.next() {
                    deliver(with_bytes(envelope));
                }
            });
        }
    }

    fn next(&self) -> Option<Envelope> {
        let mut queue = self.lock();
        let next = queue.unread.pop_front();
        queue.is_served = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_bytes(mut envelope: Envelope) -> Result<Envelope, StorageError> {
    if let Message::InstallSnapshot(chunk) = &mut envelope.message {
        let read = chunk.chunk.in_memory();
        chunk.chunk = read.map_err(|source| StorageError::Io {
            what: format!("read the snapshot through {}", chunk.last_included),
            source,
        })?;
    }
    Ok(envelope)
}
