//! The services of real peers: the same as in the simulation, as state machines of a driver.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raft::driver::{Clock, Command, MachineError, StateMachine};
use raft::{Bytes, Index, PeerId};

use super::clock::RealClock;
use super::signals::Signals;
use crate::failure::Failure;
use crate::invariants::Violation;
use crate::invariants::violation::Witness;
use crate::service::{AppliedLog, Machine, Service, Snapshots};

/// Commands applied by all services of a group. Clones share them.
#[derive(Clone)]
pub(super) struct ServiceRecords {
    shared: Arc<Mutex<State>>,
    clock: RealClock,
    signals: Signals,
    /// The number of the group's first peer.
    first_peer: usize,
}

struct State {
    agreed: AppliedLog,
    /// Newest incarnation of each peer, and the last index that its service applied in it.
    peers: Vec<(u32, Index)>,
}

impl ServiceRecords {
    pub(super) fn new(first_peer: usize, peers: usize, clock: RealClock, signals: Signals) -> Self {
        let peers = vec![(0, Index::ZERO); peers];
        let state = State { agreed: AppliedLog::default(), peers };
        Self { shared: Arc::new(Mutex::new(state)), clock, signals, first_peer }
    }

    /// Begins a peer's next incarnation; entries that an earlier one still receives no longer count.
    pub(super) fn begin_life(&self, server: usize) -> u32 {
        let mut state = self.lock();
        let (life, last) = &mut state.peers[server];
        *life += 1;
        *last = Index::ZERO;
        *life
    }

    /// The service of a peer's next incarnation.
    pub(super) fn service(&self, server: usize, snapshots: Snapshots) -> RealService {
        let life = self.begin_life(server);
        let service = Service::new(snapshots, Machine::History);
        RealService { server, life, service, due: None, records: self.clone() }
    }

    /// Compares what an incarnation of a service is given, unless a newer one has begun; its last index.
    pub(super) fn with(
        &self,
        server: usize,
        life: u32,
        compare: impl FnOnce(Witness, &mut AppliedLog) -> Result<Index, Box<Violation>>,
    ) {
        let peer = PeerId::new((self.first_peer + server) as u64);
        let witness = Witness { peer, at: self.clock.now() };
        let mut state = self.lock();
        if state.peers[server].0 != life {
            return;
        }
        let compared = compare(witness, &mut state.agreed);
        if let Ok(last) = &compared {
            state.peers[server].1 = *last;
        }
        drop(state);
        if let Err(violation) = compared {
            self.fail(violation.into());
        }
    }

    /// Ends the run with a failure, unless it has failed already.
    pub(super) fn fail(&self, failure: Failure) {
        self.signals.fail(failure);
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
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command as opaque bytes.
pub struct Opaque(pub Bytes);

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
pub struct RealService {
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
        let Self { server, life, service, records, .. } = self;
        records.with(*server, *life, |witness, agreed| {
            act(service, witness, agreed).map(|()| service.last_applied())
        });
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
