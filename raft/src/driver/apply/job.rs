//! The jobs of the apply task.

use std::vec;

use super::query::{Cost, Query};
use crate::driver::machine::Machine;
use crate::entry::{Entry, Snapshot};
use crate::output::EntryRead;
use crate::types::Instant;

/// Work for the state machine.
pub(crate) enum Job<M: Machine> {
    /// Apply these entries, submitted at this time.
    Apply(vec::IntoIter<Entry>, Instant),
    /// Have these entries read, which are to be applied next.
    ReadEntries(EntryRead),
    /// Restore this snapshot.
    Restore(Snapshot),
    /// Make a snapshot of the state.
    Snapshot,
    /// Run a read.
    Read(Box<dyn Query<M>>),
}

impl<M: Machine> Job<M> {
    /// True for jobs that are slow with any state machine.
    pub(crate) fn is_heavy(&self) -> bool {
        match self {
            Self::Restore(_) | Self::Snapshot => true,
            Self::Read(query) => query.cost() == Cost::Heavy,
            Self::Apply(..) | Self::ReadEntries(_) => false,
        }
    }
}
