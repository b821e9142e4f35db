//! Two processes with one id.
//!
//! A connection of another process may come from a peer that was started again, whose former
//! connection is not closed yet, or from a second process beside the first one. So the former
//! connection is probed. If it is silent, the newer one takes its place. If both are alive, the one
//! with the store that is recorded for the peer stays, and of equals the one that was started first:
//! an order that is the same at every peer, so that no peer keeps another one of the two.

use std::sync::Arc;

use super::error::{ConnectionError, Stores};
use super::incoming::Incoming;
use super::process::{Conflict, Process};
use crate::types::PeerId;

impl Incoming {
    /// Decides between a new connection's process and the one that is connected.
    ///
    /// # Errors
    /// The connected one stays.
    pub(super) async fn check_process(
        &self,
        peer: PeerId,
        process: &Process,
    ) -> Result<(), ConnectionError> {
        let live = self.identified().get(&peer).map(Arc::clone);
        let Some((live, other)) = live.and_then(|live| Some((Arc::clone(&live), live.process?)))
        else {
            return Ok(());
        };
        let is_first = self.rank(peer, process) <= self.rank(peer, &other);
        // A third of the limit: the connecting side has the same one for the whole handshake.
        let limit = self.context.options.handshake_timeout / 3;
        if is_first || !live.answers_within(limit).await {
            return Ok(());
        }
        let stores = if process.identity.store == other.identity.store {
            Stores::Same
        } else {
            Stores::Different
        };
        let (id, address) = (peer, live.address);
        Err(ConnectionError::DuplicateProcess { id, address, stores })
    }

    /// The order of processes with one id; those of one start are equal.
    fn rank(&self, peer: PeerId, process: &Process) -> impl Ord + use<> {
        let view = self.context.view.borrow();
        (!view.is_recorded(peer, process.identity.store), process.start)
    }

    /// The process for which another one is rejected.
    pub(super) fn conflict(
        &self,
        error: &ConnectionError,
        claimed: Option<PeerId>,
    ) -> Option<Conflict> {
        let ConnectionError::DuplicateProcess { .. } = error else { return None };
        let live = self.identified().get(&claimed?).map(Arc::clone)?;
        let Process { start, identity } = live.process?;
        Some(Conflict { start, store: identity.store, address: live.address })
    }
}
