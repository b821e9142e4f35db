//! Stores of real peers with an audit: the state that each store has confirmed as durable.
//!
//! A peer that restarts must find the confirmed state, and of the writes pending at the crash
//! nothing but a prefix.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raft::storage::{Storage, StorageError};
use raft::{PersistentState, Record, Write};

use crate::sim::disk::log_bytes;

/// Durable state that a store has confirmed. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct DurabilityAudit(Arc<Mutex<AuditState>>);

#[derive(Debug, Default)]
struct AuditState {
    durable: PersistentState,
    under_way: Vec<Record>,
}

impl DurabilityAudit {
    pub(super) fn of<S: Storage>(&self, inner: S) -> AuditedStorage<S> {
        AuditedStorage { inner, audit: self.clone() }
    }

    /// The size of the term, the vote and the log that are durable.
    pub(super) fn log_bytes(&self) -> usize {
        log_bytes(&self.lock().durable)
    }

    /// The durable state.
    pub(super) fn durable(&self) -> PersistentState {
        self.lock().durable.clone()
    }

    fn lock(&self) -> MutexGuard<'_, AuditState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditState {
    /// Returns whether a crash can leave this state.
    fn may_follow_crash(&self, found: &PersistentState) -> bool {
        let mut state = self.durable.clone();
        if state == *found {
            return true;
        }
        for record in &self.under_way {
            if let Record::Append(entries) = record {
                let torn = |kept| {
                    let mut torn = state.clone();
                    torn.record(&Record::Append(entries[..kept].to_vec()));
                    torn
                };
                if (1..entries.len()).any(|kept| torn(kept) == *found) {
                    return true;
                }
            }
            state.record(record);
            if state == *found {
                return true;
            }
        }
        false
    }
}

/// A store with its audit.
pub(super) struct AuditedStorage<S> {
    inner: S,
    audit: DurabilityAudit,
}

impl<S: Storage> Storage for AuditedStorage<S> {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        let found = self.inner.load()?;
        let mut state = self.audit.lock();
        if !state.may_follow_crash(&found) {
            let AuditState { durable, under_way } = &*state;
            let (terms, writes) = (durable.hard_state, under_way.len());
            return Err(StorageError::Other(
                format!(
                    "the store has {:?} and the log [{}..{}]; durable was {terms:?} and [{}..{}], \
                     with {writes} writes under way",
                    found.hard_state,
                    found.base().index.next(),
                    found.last(),
                    durable.base().index.next(),
                    durable.last(),
                )
                .into(),
            ));
        }
        *state = AuditState { durable: found.clone(), under_way: Vec::new() };
        Ok(found)
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.audit.lock().under_way = writes.iter().map(|write| write.record.clone()).collect();
        self.inner.write(writes)?;
        let mut state = self.audit.lock();
        for record in std::mem::take(&mut state.under_way) {
            state.durable.record(&record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use raft::storage::MemoryStorage;
    use raft::{Entry, EntryId, Index, Payload, Term, WriteId};

    use super::*;

    fn append(indexes: std::ops::RangeInclusive<u64>) -> Record {
        let id = |index| EntryId::new(Term::new(1), Index::new(index));
        let entry = |index| Entry { id: id(index), payload: Payload::NoOp };
        Record::Append(indexes.map(entry).collect())
    }

    /// A peer writes entries 1 to 3, and dies while it writes 4 to 6.
    fn died(left: Option<Record>) -> Result<PersistentState, String> {
        let (audit, disk) = (DurabilityAudit::default(), MemoryStorage::default());
        let write = |record| [Write { id: WriteId::new(1), record }];
        audit.of(disk.clone()).write(&write(append(1..=3))).unwrap();
        audit.lock().under_way = vec![append(4..=6)];
        if let Some(record) = left {
            disk.clone().write(&write(record)).unwrap();
        }
        audit.of(disk).load().map_err(|error| error.to_string())
    }

    #[test]
    fn a_crash_may_leave_any_beginning_of_what_was_being_written() {
        for left in [None, Some(append(4..=4)), Some(append(4..=5)), Some(append(4..=6))] {
            assert!(died(left.clone()).is_ok(), "{left:?}");
        }
    }

    #[test]
    fn a_store_that_loses_or_adds_entries_is_detected() {
        for left in [Record::Truncate { from: Index::new(3) }, append(4..=7)] {
            let error = died(Some(left)).unwrap_err();
            assert!(error.contains("durable was") && error.contains("[1..3@1]"), "{error}");
        }
    }
}
