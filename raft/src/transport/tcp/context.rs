//! The state shared by all connections of a peer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::metrics::Outgoing;
use super::options::TcpOptions;
use super::outbox::Outbox;
use super::security::Security;
use crate::types::PeerId;

/// State shared by all connections of a peer.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) me: PeerId,
    pub(super) options: TcpOptions,
    pub(super) security: Security,
    pub(super) peers: Mutex<BTreeMap<PeerId, Peer>>,
}

/// A peer to send to.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) outbox: Arc<Outbox>,
    pub(super) address: watch::Sender<String>,
    pub(super) reconnect: Arc<Notify>,
    pub(super) counters: Outgoing,
    pub(super) task: AbortHandle,
}

impl Context {
    pub(super) fn peers(&self) -> MutexGuard<'_, BTreeMap<PeerId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reconnects to a peer at once, without the rest of its backoff.
    pub(super) fn reconnect(&self, peer: PeerId) {
        if let Some(known) = self.peers().get(&peer) {
            known.reconnect.notify_one();
        }
    }
}
