//! Services of other packages on real peers, in place of the one that only records its commands.
//!
//! Checked for every such service: all of a group are given the same commands in the same order, snapshots
//! included.

use raft::driver::{MachineError, StateMachine};
use raft::{Bytes, Index};

use super::service::{Opaque, ServiceRecords};

/// A service of another package on one peer, from its start to its end.
pub trait RealHosted: Send + 'static {
    /// Result of a command.
    type Answer: Send + 'static;

    /// Applies a committed command.
    fn apply(&mut self, command: &Bytes) -> Self::Answer;

    /// Returns whether a snapshot is due, after a command was applied.
    fn wants_snapshot(&self) -> bool;

    /// The snapshot through the last applied command.
    fn snapshot(&self) -> Vec<u8>;

    /// Replaces the state by a snapshot's.
    ///
    /// # Errors
    /// The snapshot cannot be read.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError>;
}

/// A hosted service whose commands are compared with those of others.
pub struct Compared<H> {
    hosted: H,
    server: usize,
    life: u32,
    /// Number of commands so far.
    applied: Index,
    records: ServiceRecords,
}

impl<H> Compared<H> {
    pub(super) fn new(hosted: H, server: usize, records: &ServiceRecords) -> Self {
        let life = records.begin_life(server);
        Self { hosted, server, life, applied: Index::ZERO, records: records.clone() }
    }

    /// The service.
    pub const fn hosted(&self) -> &H {
        &self.hosted
    }
}

impl<H: RealHosted> StateMachine for Compared<H> {
    type Command = Opaque;
    type Answer = H::Answer;

    fn apply(&mut self, Opaque(command): Opaque) -> H::Answer {
        let index = self.applied.next();
        self.records.with(self.server, self.life, |witness, agreed| {
            agreed.check(witness, index, &command).map(|()| index)
        });
        self.applied = index;
        self.hosted.apply(&command)
    }

    fn wants_snapshot(&self) -> bool {
        self.hosted.wants_snapshot()
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        let mut bytes = self.applied.number().to_le_bytes().to_vec();
        bytes.extend(self.hosted.snapshot());
        Ok(bytes)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        let (applied, state) = snapshot.split_first_chunk().ok_or("no number of commands")?;
        self.applied = Index::new(u64::from_le_bytes(*applied));
        self.records.with(self.server, self.life, |_, _| Ok(self.applied));
        self.hosted.restore(state)
    }
}
