//! Incoming connections after their handshake, and two processes with one id.
//!
//! A connection of another process may come from a peer that was started again, whose former
//! connection nobody has closed yet, or from a second process beside the first one. So the former
//! connection is probed. If it is silent, the newer one takes its place. If both are alive, the one
//! with the store that is recorded for the peer stays, and of equals the one that was started first: by
//! the same numbers at every peer, so that no peer keeps another one of the two.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::error::{ConnectionError, Disconnect, Stores};
use super::incoming::Incoming;
use super::process::{Conflict, Process};
use crate::types::PeerId;

/// An incoming connection after its handshake.
#[derive(Debug)]
pub(super) struct Live {
    /// The process at the other end, unless it speaks a version without.
    pub(super) process: Option<Process>,
    address: SocketAddr,
    probe: Notify,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug)]
enum State {
    /// The number of reads while somebody waits for one.
    Open(u64),
    Replaced,
    Rejected(ConnectionError),
    Ended,
}

impl Live {
    pub(super) fn new(process: Option<Process>, address: SocketAddr) -> Arc<Self> {
        let (probe, state) = (Notify::new(), watch::Sender::new(State::Open(0)));
        Arc::new(Self { process, address, probe, state })
    }

    /// Lets a newer connection take its place.
    pub(super) fn replace(&self) {
        self.state.send_replace(State::Replaced);
    }

    /// Ends it, as its peer is not accepted any more.
    pub(super) fn reject(&self, reason: ConnectionError) {
        self.state.send_replace(State::Rejected(reason));
    }

    /// Notes its end.
    pub(super) fn end(&self) {
        self.state.send_replace(State::Ended);
    }

    /// Waits until it is to end.
    pub(super) async fn ended(&self) -> Disconnect {
        let mut state = self.state.subscribe();
        let ended = state.wait_for(|state| !matches!(state, State::Open(_))).await;
        match ended.as_deref() {
            Ok(State::Rejected(reason)) => Disconnect::NotAccepted(reason.clone()),
            Ok(State::Open(_) | State::Replaced | State::Ended) | Err(_) => Disconnect::Replaced,
        }
    }

    /// Waits until a probe is to be sent.
    pub(super) async fn probed(&self) {
        self.probe.notified().await;
    }

    /// Notes that bytes came in.
    pub(super) fn heard(&self) {
        // One is the connection itself.
        if self.state.receiver_count() > 1 {
            self.state.send_if_modified(|state| match state {
                State::Open(reads) => {
                    *reads += 1;
                    true
                }
                State::Replaced | State::Rejected(_) | State::Ended => false,
            });
        }
    }

    /// Sends a probe, and returns whether anything comes in within the limit.
    async fn answers_within(&self, limit: Duration) -> bool {
        let mut state = self.state.subscribe();
        if !matches!(*state.borrow_and_update(), State::Open(_)) {
            return false;
        }
        self.probe.notify_one();
        let changed = timeout(limit, state.changed()).await;
        matches!(changed, Ok(Ok(()))) && matches!(*state.borrow(), State::Open(_))
    }
}

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
