//! A transport that loses, delays and duplicates messages as a policy decides.
//!
//! Faults are injected where a message arrives, after the real connection has carried it; cuts are
//! also checked when it is sent and when a delayed message is delivered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Inbox, Transport, TransportError};
use crate::cluster_view::ClusterView;
use crate::message::Envelope;
use crate::types::{Index, PeerId};

/// Decides the fate of messages. Clones share their state: one for each peer's transport, one for
/// the test. [`Faults`](super::Faults) is an implementation.
///
/// ```
/// use std::time::Duration;
/// use raft::Envelope;
/// use raft::transport::{Delivery, FaultPolicy, LinkState};
///
/// /// A network that delays every message by a millisecond.
/// #[derive(Clone)]
/// struct Slow;
///
/// impl FaultPolicy for Slow {
///     fn on_send(&self, _: &Envelope) -> LinkState {
///         LinkState::Open
///     }
///     fn on_receive(&self, _: &Envelope) -> Delivery {
///         Delivery::After(Duration::from_millis(1))
///     }
///     fn on_delayed(&self, _: &Envelope) -> LinkState {
///         LinkState::Open
///     }
/// }
/// ```
pub trait FaultPolicy: Clone + Send + Sync + 'static {
    /// Decides whether a message is sent.
    fn on_send(&self, envelope: &Envelope) -> LinkState;

    /// Decides the delivery of a message that has arrived.
    fn on_receive(&self, envelope: &Envelope) -> Delivery;

    /// Decides whether a message is still delivered after its delay.
    fn on_delayed(&self, envelope: &Envelope) -> LinkState;
}

/// State of one direction of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Messages pass.
    #[default]
    Open,
    /// Messages are lost.
    Cut,
}

/// Delivery of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is lost.
    Lost,
    /// It is delivered after this additional delay.
    After(Duration),
    /// It is delivered twice, after these delays.
    Twice(Duration, Duration),
}

/// A transport with faults decided by `F`.
#[derive(Debug)]
pub struct FaultyTransport<T, F> {
    inner: T,
    policy: F,
    // Ends with the transport, and drops delayed messages.
    receiving: JoinSet<()>,
}

impl<T: Transport, F: FaultPolicy> FaultyTransport<T, F> {
    /// Wraps a peer's transport.
    #[must_use]
    pub fn new(inner: T, policy: F) -> Self {
        Self { inner, policy, receiving: JoinSet::new() }
    }
}

impl<T: Transport, F: FaultPolicy> Transport for FaultyTransport<T, F> {
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError> {
        let (arriving, arrived) = Inbox::new(inbox.capacity());
        self.inner.start(arriving.with_reports_of(&inbox))?;
        self.receiving.spawn(receive(arrived, inbox, self.policy.clone()));
        Ok(())
    }

    fn send(&mut self, envelope: Envelope) {
        match self.policy.on_send(&envelope) {
            LinkState::Open => self.inner.send(envelope),
            LinkState::Cut => {}
        }
    }

    fn set_address(&mut self, peer: PeerId, address: &str) {
        self.inner.set_address(peer, address);
    }

    fn remove_peer(&mut self, peer: PeerId) {
        self.inner.remove_peer(peer);
    }

    fn set_view(&mut self, view: &Arc<ClusterView>) {
        self.inner.set_view(view);
    }

    fn set_commit_index(&mut self, index: Index) {
        self.inner.set_commit_index(index);
    }
}

/// Receives messages until the driver or the transport has stopped.
async fn receive(mut arrived: mpsc::Receiver<Envelope>, inbox: Inbox, policy: impl FaultPolicy) {
    let mut late = JoinSet::new();
    while let Some(envelope) = arrived.recv().await {
        let delays = match policy.on_receive(&envelope) {
            Delivery::Lost => [None, None],
            Delivery::After(delay) => [Some(delay), None],
            Delivery::Twice(first, second) => [Some(first), Some(second)],
        };
        for delay in delays.into_iter().flatten() {
            let envelope = envelope.clone();
            if !delay.is_zero() {
                late.spawn(deliver_late(envelope, delay, inbox.clone(), policy.clone()));
            } else if inbox.deliver(envelope).await.is_err() {
                return;
            }
        }
        while late.try_join_next().is_some() {}
    }
}

async fn deliver_late(envelope: Envelope, delay: Duration, inbox: Inbox, policy: impl FaultPolicy) {
    tokio::time::sleep(delay).await;
    match policy.on_delayed(&envelope) {
        // The driver may have stopped.
        LinkState::Open => drop(inbox.deliver(envelope).await),
        LinkState::Cut => {}
    }
}
