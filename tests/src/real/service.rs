//! The services of real peers: the same as in the simulation, as state machines of a driver.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raft::driver::{Clock, Command, MachineError, StateMachine};
use raft::{Bytes, Index, PeerId};

use super::clock::RealClock;
use crate::failure::Failure;
use crate::invariants::Violation;
use crate::invariants::violation::Witness;
use crate::service::{AppliedLog, Machine, Service, Snapshots};

/// Commands applied by all services of a run, and its failure, if any. Clones share them.
#[derive(Clone)]
pub(super) struct ServiceRecords {
    shared: Arc<(Mutex<State>, Condvar)>,
    clock: RealClock,
}

struct State {
    agreed: AppliedLog,
    /// Newest incarnation of each peer, and the last index that its service applied in it.
    peers: Vec<(u32, Index)>,
    failed: Option<Failure>,
}

impl ServiceRecords {
    pub(super) fn new(peers: usize, clock: RealClock) -> Self {
        let peers = vec![(0, Index::ZERO); peers];
        let state = State { agreed: AppliedLog::default(), peers, failed: None };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), clock }
    }

    /// The service of a peer's next incarnation; entries that an earlier one still receives no
    /// longer count.
    pub(super) fn service(&self, server: usize, snapshots: Snapshots) -> RealService {
        let mut state = self.lock();
        let (life, last) = &mut state.peers[server];
        *life += 1;
        *last = Index::ZERO;
        let life = *life;
        drop(state);
        let service = Service::new(snapshots, Machine::History);
        RealService { server, life, service, due: None, records: self.clone() }
    }

    /// The failure of the run; waits for one until `timeout` has passed.
    pub(super) fn failure_within(&self, timeout: Duration) -> Option<Failure> {
        let fine = |state: &mut State| state.failed.is_none();
        let waited = self.shared.1.wait_timeout_while(self.lock(), timeout, fine);
        waited.unwrap_or_else(PoisonError::into_inner).0.failed.clone()
    }

    /// Ends the run with a failure, unless it has failed already.
    pub(super) fn fail(&self, failure: Failure) {
        self.lock().failed.get_or_insert(failure);
        self.shared.1.notify_all();
    }

    pub(super) fn agreed(&self, index: Index) -> Option<Bytes> {
        self.lock().agreed.command(index).cloned()
    }

    pub(super) fn last_agreed(&self) -> Index {
        self.lock().agreed.last()
    }

    pub(super) fn last_applied(&self, server: usize) -> Index {
        self.lock().peers[server].1
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command as opaque bytes.
pub(super) struct Opaque(pub(super) Bytes);

impl Command for Opaque {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), MachineError> {
        bytes.extend_from_slice(&self.0);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, MachineError> {
        Ok(Self(bytes.into()))
    }
}

/// The service of one incarnation of a peer. It counts its commands: indexes are those of commands.
pub(super) struct RealService {
    server: usize,
    life: u32,
    service: Service,
    /// The snapshot that is due now.
    due: Option<Bytes>,
    records: ServiceRecords,
}

impl RealService {
    /// Passes something to the service, unless a newer incarnation has begun.
    fn take(
        &mut self,
        act: impl FnOnce(&mut Service, Witness, &mut AppliedLog) -> Result<(), Box<Violation>>,
    ) {
        let peer = PeerId::new(self.server as u64);
        let witness = Witness { peer, at: self.records.clock.now() };
        let mut state = self.records.lock();
        if state.peers[self.server].0 != self.life {
            return;
        }
        let taken = act(&mut self.service, witness, &mut state.agreed);
        state.peers[self.server].1 = self.service.last_applied();
        drop(state);
        if let Err(violation) = taken {
            self.records.fail(violation.into());
        }
    }
}

impl StateMachine for RealService {
    type Command = Opaque;
    type Answer = ();

    fn apply(&mut self, Opaque(command): Opaque) {
        let mut due = None;
        self.take(|service, witness, agreed| {
            due = service.apply_next(witness, command, agreed)?.snapshot;
            Ok(())
        });
        self.due = due;
    }

    fn wants_snapshot(&self) -> bool {
        self.due.is_some()
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        let due = self.due.as_ref().ok_or("no snapshot is due")?;
        Ok(due.to_vec())
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.take(|service, witness, agreed| {
            service.restore_bytes(witness, snapshot, agreed).map(drop)
        });
        Ok(())
    }
}
