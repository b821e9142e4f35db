//! The two kinds of state machines, as the apply task sees them.

use std::io::{self, Read};
use std::ops::{Deref, DerefMut};

use super::state_machine::{Command, MachineError, SnapshotView, StateMachine};
use crate::snapshot_data::SnapshotData;
use crate::types::EntryId;

/// A replicated service that keeps its state itself, in a database or in files of its own. A restart
/// applies only what it has not, and the state may be larger than the memory. Pass it to the builder as
/// [`OnDisk`].
///
/// It stores the id of the last applied entry together with what that entry changed, in one transaction;
/// it need not be durable when `apply` returns, as the log still holds what a crash takes back. The example
/// `disk_kv` is one on redb.
pub trait DiskStateMachine: Send + 'static {
    /// A change of the state.
    type Command: Command;
    /// The result of a command. It never travels: only the peer that was called returns it.
    type Answer: Send + 'static;

    /// The last entry that the state contains; [`EntryId::ZERO`] for an empty one. Called once, at the
    /// start.
    ///
    /// # Errors
    /// The state cannot be read. This prevents the start.
    fn applied(&mut self) -> Result<EntryId, MachineError>;

    /// Applies committed commands, in order, and returns an answer to each. The state contains all
    /// entries through the last id afterwards.
    ///
    /// # Errors
    /// The state cannot be written. This stops the node; the next start applies the batch again unless
    /// [`DiskStateMachine::applied`] contains it.
    fn apply(
        &mut self,
        batch: Vec<(EntryId, Self::Command)>,
    ) -> Result<Vec<Self::Answer>, MachineError>;

    /// A view of the state as it is now, such as a read transaction, which is written while further
    /// commands are applied.
    ///
    /// # Errors
    /// No snapshot can be made now; the driver logs a `tracing` event and tries again later.
    fn snapshot(&self) -> Result<SnapshotView, MachineError>;

    /// Replaces the whole state by what a view has written, here or on another peer. It contains all
    /// entries through `through`. An interrupted one must leave the state before, or an empty one.
    ///
    /// # Errors
    /// The bytes are not a snapshot, or the state cannot be written. This stops the node.
    fn restore(&mut self, through: EntryId, stream: &mut dyn Read) -> Result<(), MachineError>;
}

/// A [`DiskStateMachine`], as the builder takes it:
/// `Raft::builder(1).state_machine(OnDisk(machine))`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDisk<D>(pub D);

impl<D> Deref for OnDisk<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.0
    }
}

impl<D> DerefMut for OnDisk<D> {
    fn deref_mut(&mut self) -> &mut D {
        &mut self.0
    }
}

/// The state machine of a driver: every [`StateMachine`], and [`OnDisk`]. Not to be implemented otherwise.
pub trait Machine: Send + 'static {
    /// A change of the state.
    type Command: Command;
    /// The result of a command.
    type Answer: Send + 'static;

    /// The place of its state.
    #[doc(hidden)]
    const STATE: StatePlace;

    #[doc(hidden)]
    fn applied_through(&mut self) -> Result<EntryId, MachineError>;

    /// Applies a batch, and passes each answer to `done`, in order.
    #[doc(hidden)]
    fn apply_batch(
        &mut self,
        batch: Vec<(EntryId, Self::Command)>,
        done: &mut dyn FnMut(&Self, EntryId, Self::Answer),
    ) -> Result<(), MachineError>;

    #[doc(hidden)]
    fn view(&self) -> Result<SnapshotView, MachineError>;

    #[doc(hidden)]
    fn restore_data(&mut self, through: EntryId, data: &SnapshotData) -> Result<(), MachineError>;

    #[doc(hidden)]
    fn is_snapshot_wanted(&self) -> bool;
}

/// The place of a state machine's state.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatePlace {
    Memory,
    Disk,
}

impl<M: StateMachine> Machine for M {
    type Command = M::Command;
    type Answer = M::Answer;

    const STATE: StatePlace = StatePlace::Memory;

    fn applied_through(&mut self) -> Result<EntryId, MachineError> {
        Ok(EntryId::ZERO)
    }

    fn apply_batch(
        &mut self,
        batch: Vec<(EntryId, Self::Command)>,
        done: &mut dyn FnMut(&Self, EntryId, Self::Answer),
    ) -> Result<(), MachineError> {
        for (id, command) in batch {
            let answer = self.apply(command);
            done(self, id, answer);
        }
        Ok(())
    }

    fn view(&self) -> Result<SnapshotView, MachineError> {
        self.snapshot_view()
    }

    fn restore_data(&mut self, _: EntryId, data: &SnapshotData) -> Result<(), MachineError> {
        let data = data.in_memory()?;
        self.restore(data.bytes().unwrap_or_default())
    }

    fn is_snapshot_wanted(&self) -> bool {
        self.wants_snapshot()
    }
}

impl<D: DiskStateMachine> Machine for OnDisk<D> {
    type Command = D::Command;
    type Answer = D::Answer;

    const STATE: StatePlace = StatePlace::Disk;

    fn applied_through(&mut self) -> Result<EntryId, MachineError> {
        self.0.applied()
    }

    fn apply_batch(
        &mut self,
        batch: Vec<(EntryId, Self::Command)>,
        done: &mut dyn FnMut(&Self, EntryId, Self::Answer),
    ) -> Result<(), MachineError> {
        let ids: Vec<EntryId> = batch.iter().map(|(id, _)| *id).collect();
        let answers = self.0.apply(batch)?;
        if answers.len() != ids.len() {
            return Err(format!("{} answers to {} commands", answers.len(), ids.len()).into());
        }
        for (id, answer) in ids.into_iter().zip(answers) {
            done(self, id, answer);
        }
        Ok(())
    }

    fn view(&self) -> Result<SnapshotView, MachineError> {
        self.0.snapshot()
    }

    fn restore_data(&mut self, through: EntryId, data: &SnapshotData) -> Result<(), MachineError> {
        self.0.restore(through, &mut io::BufReader::new(data.reader()))
    }

    fn is_snapshot_wanted(&self) -> bool {
        false
    }
}
