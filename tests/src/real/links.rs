//! The links between real peers: any transport, with the faults of the labs' networks around it.
//!
//! The same [`Network`] as in the simulation decides what becomes of a message, so that both
//! worlds mean the same by "unreliable". A cut is looked at where a message leaves and where it
//! arrives; loss and delay are played where it arrives, after the real connection has carried it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raft::message::Direction;
use raft::transport::{Inbox, Transport, TransportError};
use raft::verbose::Logger;
use raft::{Envelope, Message, MessageId, PeerId, codec};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::clock::RealClock;
use crate::sim::network::{Connection, Loss, Network, Verdict};
use crate::world::{Traffic, says};
use raft::driver::Clock;

/// All links of a cluster: one around each peer's transport, and one with the tester.
#[derive(Clone)]
pub(super) struct Links {
    shared: Arc<Mutex<Shared>>,
    clock: RealClock,
    logger: Option<Logger>,
}

struct Shared {
    network: Network,
    traffic: Traffic,
    /// Of each peer, the number that its next message may have, through all its lives.
    next_messages: Vec<MessageId>,
}

impl Links {
    pub(super) fn new(
        peers: usize,
        network: Network,
        clock: RealClock,
        logger: Option<Logger>,
    ) -> Self {
        let next_messages = vec![MessageId::new(1); peers];
        let shared = Shared { network, traffic: Traffic::default(), next_messages };
        Self { shared: Arc::new(Mutex::new(shared)), clock, logger }
    }

    pub(super) fn around<T: Transport>(&self, inner: T) -> LinkedTransport<T> {
        LinkedTransport { inner, links: self.clone(), receiving: JoinSet::new() }
    }

    pub(super) fn with_network<R>(&self, act: impl FnOnce(&mut Network) -> R) -> R {
        act(&mut self.lock().network)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    pub(super) fn next_message(&self, place: usize) -> MessageId {
        self.lock().next_messages[place]
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message is about to leave; tells whether it may. A request counts here, whatever becomes
    /// of it: so count the labs.
    fn leaves(&self, envelope: &Envelope) -> Connection {
        let mut shared = self.lock();
        if envelope.message.direction() == Direction::Request {
            shared.traffic.rpcs += 1;
            shared.traffic.bytes += codec::encode(envelope).len() as u64;
        }
        if matches!(envelope.message, Message::InstallSnapshot(_)) {
            shared.traffic.snapshot_chunks += 1;
        }
        let from = place(envelope.from);
        shared.next_messages[from] = shared.next_messages[from].max(envelope.id.next());
        let link = shared.network.link(from, place(envelope.to));
        drop(shared);
        if link == Connection::Cut {
            self.lose(envelope, Loss::Cut);
        }
        link
    }

    /// A message has arrived: after how long, each time, the peer is given it.
    fn arrives(&self, envelope: &Envelope) -> Vec<Duration> {
        let direction = envelope.message.direction();
        let mut shared = self.lock();
        let sent = shared.network.send(place(envelope.from), place(envelope.to), direction);
        let verdict = sent.verdict();
        if direction == Direction::Reply && !matches!(verdict, Verdict::Lose(_)) {
            shared.traffic.bytes += codec::encode(envelope).len() as u64;
        }
        drop(shared);
        match verdict {
            Verdict::Deliver(delay) => vec![delay],
            Verdict::DeliverTwice(first, second) => vec![first, second],
            Verdict::Lose(loss) => {
                self.lose(envelope, loss);
                Vec::new()
            }
        }
    }

    /// A cut kills what is on its way, too.
    async fn deliver_late(self, envelope: Envelope, delay: Duration, inbox: Inbox) {
        tokio::time::sleep(delay).await;
        let link = self.lock().network.link(place(envelope.from), place(envelope.to));
        match link {
            // A driver that has ended takes no messages.
            Connection::Up => drop(inbox.deliver(envelope).await),
            Connection::Cut => self.lose(&envelope, Loss::Cut),
        }
    }

    fn lose(&self, envelope: &Envelope, loss: Loss) {
        if let Some(logger) = &self.logger {
            says::lost(logger, self.clock.now(), envelope, loss);
        }
    }
}

/// Peers are named by their places.
fn place(peer: PeerId) -> usize {
    usize::try_from(peer.number()).unwrap_or(usize::MAX)
}

/// A peer's transport with the cluster's links around it.
pub(super) struct LinkedTransport<T> {
    inner: T,
    links: Links,
    /// Ends with the transport, and with it all that is late.
    receiving: JoinSet<()>,
}

impl<T: Transport> Transport for LinkedTransport<T> {
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError> {
        let (arriving, arrived) = Inbox::new(inbox.capacity());
        self.inner.start(arriving)?;
        self.receiving.spawn(receive(arrived, inbox, self.links.clone()));
        Ok(())
    }

    fn send(&mut self, envelope: Envelope) {
        match self.links.leaves(&envelope) {
            Connection::Up => self.inner.send(envelope),
            Connection::Cut => {}
        }
    }

    fn learn(&mut self, peer: PeerId, address: &str) {
        self.inner.learn(peer, address);
    }

    fn forget(&mut self, peer: PeerId) {
        self.inner.forget(peer);
    }
}

/// Lets arrive what arrives, until the driver or the transport has ended.
async fn receive(mut arrived: mpsc::Receiver<Envelope>, inbox: Inbox, links: Links) {
    let mut late = JoinSet::new();
    while let Some(envelope) = arrived.recv().await {
        for delay in links.arrives(&envelope) {
            let envelope = envelope.clone();
            if !delay.is_zero() {
                late.spawn(links.clone().deliver_late(envelope, delay, inbox.clone()));
            } else if inbox.deliver(envelope).await.is_err() {
                return;
            }
        }
        while late.try_join_next().is_some() {}
    }
}
