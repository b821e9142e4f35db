//! A store in memory, for tests and benchmarks.

use std::sync::{Arc, Mutex, PoisonError};

use super::{EntryReader, Storage, StorageError, WriteSpeed};
use crate::entry::Entry;
use crate::output::Write;
use crate::persistent_state::PersistentState;
use crate::types::Index;

/// A store in memory. Clones share one state, so that a test can restart a peer from a kept clone.
///
/// ```
/// use raft::storage::{MemoryStorage, Storage};
/// use raft::{HardState, Record, Term, Write, WriteId};
///
/// let kept = MemoryStorage::default();
/// let hard_state = HardState { current_term: Term::new(3), voted_for: None };
/// let write = Write { id: WriteId::new(1), record: Record::HardState(hard_state) };
/// kept.clone().write(&[write])?;
/// assert_eq!(kept.clone().load()?.hard_state, hard_state);
/// # Ok::<(), raft::storage::StorageError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    stored: Arc<Mutex<PersistentState>>,
}

impl Storage for MemoryStorage {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        Ok(self.stored.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        self.load().map(|stored| stored.recent(bytes_max))
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        for write in writes {
            stored.record(&write.record);
        }
        Ok(())
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        Some(Box::new(self.clone()))
    }

    fn write_speed(&self) -> WriteSpeed {
        WriteSpeed::Immediate
    }
}

impl EntryReader for MemoryStorage {
    fn read(
        &mut self,
        first: Index,
        through: Index,
        bytes_max: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stored.read(first, through, bytes_max))
    }
}
