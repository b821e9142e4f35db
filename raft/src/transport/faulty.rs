//! Faults around any transport: where messages are lost, kept back and doubled, and who decides it.
//!
//! All faults are played where a message arrives, after the real connection has carried it, and a
//! cut is asked for once more where it is sent and where it arrives late.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Inbox, Transport, TransportError};
use crate::message::Envelope;
use crate::types::PeerId;

/// Decides what becomes of messages. Its clones decide together, one of them around each peer's
/// transport and one with the tester. [`Faults`](super::Faults) is one.
///
/// ```
/// use std::time::Duration;
/// use raft::Envelope;
/// use raft::transport::{Delivery, FaultPolicy, LinkState};
///
/// /// A network on which everything takes a millisecond.
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
    /// A message is about to leave its sender; tells whether it may.
    fn on_send(&self, envelope: &Envelope) -> LinkState;

    /// A message has arrived; tells what becomes of it.
    fn on_receive(&self, envelope: &Envelope) -> Delivery;

    /// The delay of a message is over; tells whether its receiver may still have it.
    fn on_delayed(&self, envelope: &Envelope) -> LinkState;
}

/// Whether a message may pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// It may.
    #[default]
    Open,
    /// The link is cut.
    Cut,
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody gets it.
    Lost,
    /// Its receiver gets it after this time on top of the real way.
    After(Duration),
    /// Its receiver gets it twice.
    Twice(Duration, Duration),
}

/// A transport whose messages fare as `F` decides.
#[derive(Debug)]
pub struct FaultyTransport<T, F> {
    inner: T,
    policy: F,
    // Ends when the transport is dropped, and with it all that is late.
    receiving: JoinSet<()>,
}

impl<T: Transport, F: FaultPolicy> FaultyTransport<T, F> {
    /// Puts the faults around a peer's transport.
    #[must_use]
    pub fn new(inner: T, policy: F) -> Self {
        Self { inner, policy, receiving: JoinSet::new() }
    }
}

impl<T: Transport, F: FaultPolicy> Transport for FaultyTransport<T, F> {
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError> {
        let (arriving, arrived) = Inbox::new(inbox.capacity());
        self.inner.start(arriving)?;
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
}

/// Lets arrive what arrives, until the driver or the transport has ended.
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
        // The driver may have ended meanwhile.
        LinkState::Open => drop(inbox.deliver(envelope).await),
        LinkState::Cut => {}
    }
}
