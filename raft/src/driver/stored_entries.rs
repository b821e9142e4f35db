//! Entries that only the store holds, read off the core task, one read after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::catch_store_panic;
use crate::entry::Entry;
use crate::output::EntryRead;
use crate::storage::{EntryReader, StorageError};

/// Receives the entries of a read, or a failure of the store.
type Deliver = Box<dyn FnOnce(Result<Vec<Entry>, StorageError>) + Send>;

/// The reads that wait.
pub(super) struct StoredEntries {
    reader: Mutex<Option<Box<dyn EntryReader>>>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(EntryRead, Deliver)>,
    is_served: bool,
}

impl StoredEntries {
    pub(super) fn new(reader: Option<Box<dyn EntryReader>>) -> Self {
        Self { reader: Mutex::new(reader), queue: Mutex::default() }
    }

    /// Reads entries on a thread that may block. One that waits for the same purpose is given up: the node
    /// has forgotten it.
    pub(super) fn read(self: &Arc<Self>, read: EntryRead, deliver: Deliver) {
        let mut queue = self.queue();
        queue.waiting.retain(|(waiting, _)| waiting.purpose != read.purpose);
        queue.waiting.push_back((read, deliver));
        if !std::mem::replace(&mut queue.is_served, true) {
            let entries = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                while let Some((read, deliver)) = entries.next() {
                    deliver(entries.read_now(read));
                }
            });
        }
    }

    /// Reads no more, and releases the store, unless a read is under way, which may hang.
    pub(super) fn stop(&self) {
        self.queue().waiting.clear();
        if let Ok(mut reader) = self.reader.try_lock() {
            *reader = None;
        }
    }

    /// Releases the store, after a read that is under way.
    pub(super) fn release(&self) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn next(&self) -> Option<(EntryRead, Deliver)> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front();
        queue.is_served = next.is_some();
        next
    }

    fn read_now(&self, read: EntryRead) -> Result<Vec<Entry>, StorageError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(reader) = reader.as_mut() else { return Ok(Vec::new()) };
        let EntryRead { first, through, bytes_max, .. } = read;
        catch_store_panic(|| reader.read(first, through, bytes_max))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
