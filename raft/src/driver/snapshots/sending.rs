//! Chunks of stored snapshots, read before their messages leave.

use crate::message::{Envelope, Message};
use crate::storage::StorageError;

/// Returns whether the message has a chunk that must be read first.
pub(in crate::driver) fn is_unread(envelope: &Envelope) -> bool {
    matches!(&envelope.message, Message::InstallSnapshot(chunk) if chunk.chunk.bytes().is_none())
}

/// Reads the chunk of a message on a thread that may block, and passes the message on.
pub(in crate::driver) fn read(
    mut envelope: Envelope,
    deliver: impl FnOnce(Result<Envelope, StorageError>) + Send + 'static,
) {
    tokio::task::spawn_blocking(move || {
        if let Message::InstallSnapshot(chunk) = &mut envelope.message {
            match chunk.chunk.in_memory() {
                Ok(read) => chunk.chunk = read,
                Err(source) => {
                    let what = format!("read the snapshot through {}", chunk.last_included);
                    return deliver(Err(StorageError::Io { what, source }));
                }
            }
        }
        deliver(Ok(envelope));
    });
}
