//! State Machine Safety (paper §5.4.3, Figure 3): if a peer has applied an entry at an index, no
//! other peer ever applies a different entry there.

use raft::{Entry, EntryId, Index};

use super::log_matching::payload_hash;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// All entries ever applied.
#[derive(Debug, Default)]
pub struct StateMachineSafety {
    /// The entry at index `n` is at position `n - 1`.
    applied: Vec<Application>,
}

#[derive(Clone, Copy, Debug)]
struct Application {
    id: EntryId,
    payload: u64,
    seen: Witness,
}

impl StateMachineSafety {
    /// A peer applies an entry.
    ///
    /// # Errors
    /// Another entry was applied at this index, or one before it never was.
    pub fn record_applied(&mut self, seen: Witness, entry: &Entry) -> Result<(), Box<Violation>> {
        let application = Application { id: entry.id, payload: payload_hash(&entry.payload), seen };
        let next = Index::new(self.applied.len() as u64).next();
        if entry.id.index == next {
            self.applied.push(application);
            return Ok(());
        }
        let Some(first) = self.at(entry.id.index) else {
            return Err(Invariant::StateMachineSafety.broken(format_args!(
                "{seen} applies entry {}, and no peer has applied index {next} yet",
                entry.id
            )));
        };
        if (first.id, first.payload) == (application.id, application.payload) {
            return Ok(());
        }
        Err(Invariant::StateMachineSafety.broken(format_args!(
            "{seen} applies entry {} (payload {:016x}), {} applied entry {} (payload {:016x}) there",
            application.id, application.payload, first.seen, first.id, first.payload
        )))
    }

    /// A peer's state is replaced by a snapshot through this entry.
    ///
    /// # Errors
    /// Another entry was applied at this index, or none ever was.
    pub fn check_restored(&self, seen: Witness, through: EntryId) -> Result<(), Box<Violation>> {
        match self.at(through.index) {
            Some(first) if first.id == through => Ok(()),
            Some(first) => Err(Invariant::StateMachineSafety.broken(format_args!(
                "{seen} restores a snapshot through {through}, {} applied entry {} there",
                first.seen, first.id
            ))),
            None => Err(Invariant::StateMachineSafety.broken(format_args!(
                "{seen} restores a snapshot through {through}, which no peer has applied"
            ))),
        }
    }

    fn at(&self, index: Index) -> Option<&Application> {
        let position = index.number().checked_sub(1)?;
        self.applied.get(usize::try_from(position).ok()?)
    }
}
