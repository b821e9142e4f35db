//! A group's servers on real peers.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raft::driver::{MachineError, from_bytes};
use raft::{Bytes, Entry, EntryId, Index, Instant, Payload, Term};
use raft_tests::cluster::Testbed;
use raft_tests::real::{Compared, Opaque, RealCalls, RealHosted, RealWorld};

use super::host::SnapshotLimit;
use crate::driver::{rejection_of_write, server};
use crate::replica::Rejection;
use crate::state_machine::{StateMachine, decode, encode};

/// The servers, with their newest states. Clones share them.
pub(super) struct RealServers<M: StateMachine> {
    pub(super) world: Rc<RefCell<RealWorld<Compared<RealHost<M>>>>>,
    pub(super) states: SharedStates<M>,
    pub(super) calls: RealCalls,
    pub(super) first_peer: usize,
}

/// The state of each server's newest life.
pub(super) type SharedStates<M> = Rc<RefCell<Vec<Arc<Mutex<State<M>>>>>>;

impl<M: StateMachine> Clone for RealServers<M> {
    fn clone(&self) -> Self {
        Self {
            world: Rc::clone(&self.world),
            states: Rc::clone(&self.states),
            calls: self.calls.clone(),
            first_peer: self.first_peer,
        }
    }
}

/// A replica on a peer, in one of its lives.
pub(super) struct RealHost<M> {
    state: Arc<Mutex<State<M>>>,
    limit: SnapshotLimit,
}

pub(super) struct State<M> {
    pub(super) machine: M,
    /// Bytes of the applied commands that no snapshot covers.
    log_bytes: usize,
    /// Size of the newest snapshot.
    pub(super) snapshot_bytes: usize,
}

impl<M> State<M> {
    pub(super) const fn new(machine: M) -> Self {
        Self { machine, log_bytes: 0, snapshot_bytes: 0 }
    }
}

impl<M> RealHost<M> {
    pub(super) const fn new(state: Arc<Mutex<State<M>>>, limit: SnapshotLimit) -> Self {
        Self { state, limit }
    }

    fn state(&self) -> MutexGuard<'_, State<M>> {
        lock(&self.state)
    }
}

pub(super) fn lock<M>(state: &Mutex<State<M>>) -> MutexGuard<'_, State<M>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: StateMachine> RealHosted for RealHost<M> {
    type Answer = M::Answer;

    fn apply(&mut self, command: &Bytes) -> M::Answer {
        let mut state = self.state();
        let payload = Payload::Command(command.clone());
        // Its id has as many bytes as any.
        let entry = Entry { id: EntryId::new(Term::new(1), Index::new(1)), payload };
        state.log_bytes += entry.encoded_len();
        let command = decode(command).expect("every command in the log is one of the service");
        state.machine.apply(command)
    }

    fn wants_snapshot(&self) -> bool {
        match self.limit {
            SnapshotLimit::Never => false,
            SnapshotLimit::LogBytes(limit) => self.state().log_bytes >= limit,
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut state = self.state();
        let bytes = encode(&state.machine);
        (state.log_bytes, state.snapshot_bytes) = (0, bytes.len());
        bytes
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        let machine = from_bytes(snapshot)?;
        *self.state() = State { machine, log_bytes: 0, snapshot_bytes: snapshot.len() };
        Ok(())
    }
}

impl<M: StateMachine> RealServers<M> {
    fn not_leader(&self, at: usize) -> Rejection {
        let raft = self.world.borrow().raft(at);
        let leader = raft.and_then(|raft| raft.status().leader);
        let leader = leader.and_then(|leader| server(leader, self.first_peer));
        Rejection::NotLeader { leader: leader.filter(|leader| *leader != at) }
    }

    pub(super) async fn propose(
        &self,
        server: usize,
        command: &M::Command,
        deadline: Instant,
    ) -> Result<M::Answer, Rejection> {
        let raft = self.world.borrow().raft(server);
        let raft = raft.ok_or(Rejection::NoAnswer)?;
        let command = Opaque(Bytes::from(encode(command)));
        let answer = self.calls.result(deadline, async move { raft.propose(command).await }).await;
        let answer = answer.ok_or(Rejection::NoAnswer)?;
        answer.map_err(|error| rejection_of_write(&error, self.first_peer))
    }

    pub(super) async fn read<R: Send + 'static>(
        &self,
        server: usize,
        query: impl FnOnce(&M) -> R + Send + 'static,
        deadline: Instant,
    ) -> Result<R, Rejection> {
        let status = self.world.borrow().peer_status(server);
        if status.is_none_or(|status| status.role != raft::RoleName::Leader) {
            return Err(self.not_leader(server));
        }
        let raft = self.world.borrow().raft(server);
        let raft = raft.ok_or(Rejection::NoAnswer)?;
        let read = async move {
            raft.read(move |host: &Compared<RealHost<M>>| query(&host.hosted().state().machine))
                .await
        };
        let value = self.calls.result(deadline, read).await;
        value.ok_or(Rejection::NoAnswer)?.map_err(|_| Rejection::NoAnswer)
    }
}
