//! Replicas that the library's driver runs: the same state machines and request handlers as in the
//! simulated world, in a process of their own.

use std::time::Duration;

use raft::driver::{self, MachineError, Outcome, ReadError, WriteError, from_bytes};
use raft::{PeerId, Raft};

use crate::replica::{Rejection, Replica};
use crate::state_machine::{StateMachine, encode};

/// A state machine under a driver.
pub struct Driven<M> {
    machine: M,
    observe: Observer<M>,
}

/// Called with the first state, with that after each command, and after a snapshot has replaced it.
pub type Observer<M> = Box<dyn FnMut(&M) + Send>;

impl<M> Driven<M> {
    /// A replica in this state.
    pub fn new(initial: M, mut observe: impl FnMut(&M) + Send + 'static) -> Self {
        observe(&initial);
        Self { machine: initial, observe: Box::new(observe) }
    }
}

impl<M: StateMachine> driver::StateMachine for Driven<M> {
    type Command = M::Command;
    type Answer = M::Answer;

    fn apply(&mut self, command: M::Command) -> M::Answer {
        let answer = self.machine.apply(command);
        (self.observe)(&self.machine);
        answer
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        Ok(encode(&self.machine))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.machine = from_bytes(snapshot)?;
        (self.observe)(&self.machine);
        Ok(())
    }
}

/// A running replica, for request handlers. Peers have numbers from 1 on, in the order of the servers.
pub struct DriverReplica<M: StateMachine> {
    /// The peer.
    pub raft: Raft<Driven<M>>,
    /// Longest time for a command.
    pub deadline: Duration,
}

impl<M: StateMachine> Clone for DriverReplica<M> {
    fn clone(&self) -> Self {
        Self { raft: self.raft.clone(), deadline: self.deadline }
    }
}

impl<M: StateMachine> Replica<M> for DriverReplica<M> {
    async fn propose(&self, command: &M::Command) -> Result<M::Answer, Rejection> {
        let answer = self.raft.propose_within(command.clone(), self.deadline).await;
        answer.map_err(|error| rejection_of_write(&error, 1))
    }

    async fn read<R: Send + 'static>(
        &self,
        query: impl FnOnce(&M) -> R + Send + 'static,
    ) -> Result<R, Rejection> {
        let read = self.raft.read(move |driven: &Driven<M>| query(&driven.machine)).await;
        // A retry is always safe.
        read.map_err(|_: ReadError| Rejection::NotLeader { leader: None })
    }
}

/// The reason why a write has no answer; `first_peer` is the number of the first server's peer. Without a leader's
/// name `NotLeader` stands for everything after which nothing was done: a retry is safe.
pub(crate) fn rejection_of_write(error: &WriteError, first_peer: usize) -> Rejection {
    if let WriteError::NotLeader { leader, .. } = error {
        return Rejection::NotLeader { leader: leader.and_then(|peer| server(peer, first_peer)) };
    }
    match error.outcome() {
        Outcome::Never => Rejection::NotLeader { leader: None },
        Outcome::Unknown => Rejection::LeadershipLost,
    }
}

/// The place of a peer among the servers.
pub(crate) fn server(peer: PeerId, first_peer: usize) -> Option<usize> {
    usize::try_from(peer.number()).ok()?.checked_sub(first_peer)
}
