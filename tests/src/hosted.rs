//! Services of other packages on top of the world's peers, in place of the one that only records
//! its commands.
//!
//! Checked for every such service: it is given each index once, in order; all services of a group
//! are given the same commands; at one index all make the same snapshot, byte for byte, when one is due and
//! at the end of a run; and a snapshot that is restored is one that was taken at its index. So a state machine that depends on anything but its commands is found.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use raft::{Bytes, Entry, Index, ReadDropReason, ReadId, Snapshot, Status};

use crate::invariants::violation::Witness;
use crate::invariants::{Invariant, Violation};
use crate::kv::Seen;
use crate::service::{
    Applied, AppliedLog, Service, check_given, check_next, command_of, in_memory,
};

/// A service on top of one peer. The world calls it with the outputs of the peer's node.
pub trait Hosted: fmt::Debug {
    /// Applies a committed entry.
    ///
    /// # Errors
    /// A rule of the service is broken.
    fn apply(&mut self, entry: &Entry) -> Result<(), Box<Violation>>;

    /// Returns whether a snapshot is due, after an entry was applied.
    fn wants_snapshot(&self) -> bool;

    /// The snapshot through the last applied entry.
    fn snapshot(&self) -> Bytes;

    /// The snapshot that was due is taken, with this many bytes.
    fn snapshot_taken(&mut self, bytes: usize);

    /// Replaces the state by a snapshot's.
    ///
    /// # Errors
    /// The snapshot cannot be read.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), String>;

    /// Serves a read.
    fn read_ready(&mut self, read: ReadId);

    /// Ends a read that will not be served.
    fn read_dropped(&mut self, read: ReadId, reason: ReadDropReason);

    /// The peer's status, after each event.
    fn observe(&mut self, status: &Status);

    /// Ends the process: its memory is gone, and its callers get no answer.
    fn stop(&mut self);
}

/// A service that a package and the world share.
pub type SharedService = Rc<RefCell<dyn Hosted>>;

/// The service on top of a peer.
#[derive(Debug)]
pub(crate) enum PeerService {
    /// Commands are recorded, and may be requests to a small store.
    Recorded(Service),
    /// A service of another package, and the last index it was given.
    Hosted(SharedService, Index),
}

impl PeerService {
    /// All applied commands; none are kept of a hosted service.
    pub(crate) fn history(&self) -> &[Bytes] {
        match self {
            Self::Recorded(service) => service.history(),
            Self::Hosted(..) => &[],
        }
    }

    /// The last index that it was given.
    pub(crate) fn last_applied(&self) -> Index {
        match self {
            Self::Recorded(service) => service.last_applied(),
            Self::Hosted(_, last_applied) => *last_applied,
        }
    }

    /// The value of a key now, if the service is the small store.
    pub(crate) fn value(&self, key: u8) -> Option<Seen> {
        match self {
            Self::Recorded(service) => service.value(key),
            Self::Hosted(..) => None,
        }
    }

    /// The hosted service.
    pub(crate) const fn hosted(&self) -> Option<&SharedService> {
        match self {
            Self::Recorded(_) => None,
            Self::Hosted(service, _) => Some(service),
        }
    }

    /// The snapshot through the last applied index.
    pub(crate) fn snapshot(&self) -> Bytes {
        match self {
            Self::Recorded(service) => service.snapshot(),
            Self::Hosted(service, _) => service.borrow().snapshot(),
        }
    }

    /// The peer stops: memory that is not recorded for checks is gone.
    pub(crate) fn stop(&mut self) {
        if let Self::Hosted(service, last_applied) = self {
            service.borrow_mut().stop();
            *last_applied = Index::ZERO;
        }
    }

    /// The service starts anew.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Recorded(service) => service.restart(),
            Self::Hosted(..) => self.stop(),
        }
    }

    /// As [`Service::check_given`].
    pub(crate) fn check_given(&self, by: Witness, counted: Index) -> Result<(), Box<Violation>> {
        check_given(by, self.last_applied(), counted)
    }

    /// Compares the state of a hosted service with those of others that applied as much.
    pub(crate) fn check_state(
        &self,
        witness: Witness,
        agreed: &mut AppliedLog,
    ) -> Result<(), Box<Violation>> {
        match self {
            Self::Hosted(service, last_applied) if *last_applied > Index::ZERO => {
                agreed.check_snapshot(witness, *last_applied, &service.borrow().snapshot())
            }
            Self::Hosted(..) | Self::Recorded(_) => Ok(()),
        }
    }

    /// As [`Service::apply`].
    pub(crate) fn apply(
        &mut self,
        witness: Witness,
        entry: &Entry,
        agreed: &mut AppliedLog,
    ) -> Result<Applied, Box<Violation>> {
        let (service, last_applied) = match self {
            Self::Recorded(service) => return service.apply(witness, entry, agreed),
            Self::Hosted(service, last_applied) => (service, last_applied),
        };
        check_next(witness, *last_applied, entry.id.index)?;
        agreed.check(witness, entry.id.index, &command_of(entry))?;
        *last_applied = entry.id.index;
        let mut service = service.borrow_mut();
        service.apply(entry)?;
        if !service.wants_snapshot() {
            return Ok(Applied::default());
        }
        let snapshot = service.snapshot();
        service.snapshot_taken(snapshot.len());
        agreed.check_snapshot(witness, entry.id.index, &snapshot)?;
        Ok(Applied { snapshot: Some(snapshot), request: None })
    }

    /// As [`Service::restore`].
    pub(crate) fn restore(
        &mut self,
        witness: Witness,
        snapshot: &Snapshot,
        agreed: &mut AppliedLog,
    ) -> Result<(), Box<Violation>> {
        let (service, last_applied) = match self {
            Self::Recorded(service) => return service.restore(witness, snapshot, agreed),
            Self::Hosted(service, last_applied) => (service, last_applied),
        };
        agreed.check_taken(witness, snapshot.index(), in_memory(&snapshot.data))?;
        *last_applied = snapshot.index();
        service.borrow_mut().restore(snapshot).map_err(|error| {
            Invariant::Applier.broken(format_args!(
                "{witness} is given a snapshot through {} that cannot be read: {error}",
                snapshot.index()
            ))
        })
    }
}
