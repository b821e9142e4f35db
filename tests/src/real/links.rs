//! The links between real peers: any transport, with the faults of the labs' networks around it.
//!
//! The same [`Network`] as in the simulation decides about each message, so that "unreliable" is
//! the same in both worlds. A cut is looked at where a message leaves and where it arrives; loss
//! and delay are applied where it arrives, after the real connection has carried it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use raft::message::Direction;
use raft::transport::{Delivery, FaultPolicy, FaultyTransport, LinkState, Transport};
use raft::verbose::Logger;
use raft::{Envelope, Message, MessageId, PeerId, codec};

use super::clock::RealClock;
use crate::sim::network::{Connection, Loss, Network, Verdict};
use crate::world::servers::server_from;
use crate::world::{Traffic, logging};
use raft::driver::Clock;

/// All links of a cluster: one around each peer's transport, and one with the tester.
#[derive(Clone)]
pub(super) struct Links {
    shared: Arc<Mutex<Shared>>,
    clock: RealClock,
    logger: Option<Logger>,
    /// The number of the first peer.
    first_peer: usize,
    peers: usize,
}

struct Shared {
    network: Network,
    traffic: Traffic,
    /// The number of each peer's next message, through all its incarnations.
    next_messages: Vec<MessageId>,
}

impl Links {
    pub(super) fn new(
        first_peer: usize,
        peers: usize,
        network: Network,
        clock: RealClock,
        logger: Option<Logger>,
    ) -> Self {
        let next_messages = vec![MessageId::new(1); peers];
        let shared = Shared { network, traffic: Traffic::default(), next_messages };
        Self { shared: Arc::new(Mutex::new(shared)), clock, logger, first_peer, peers }
    }

    pub(super) fn wrap<T: Transport>(&self, inner: T) -> FaultyTransport<T, Self> {
        FaultyTransport::new(inner, self.clone())
    }

    pub(super) fn with_network<R>(&self, act: impl FnOnce(&mut Network) -> R) -> R {
        act(&mut self.lock().network)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    pub(super) fn next_message(&self, server: usize) -> MessageId {
        self.lock().next_messages[server]
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link_state(&self, envelope: &Envelope) -> LinkState {
        let link = self.lock().network.link(self.server(envelope.from), self.server(envelope.to));
        match link {
            Connection::Up => LinkState::Open,
            Connection::Cut => {
                self.lose(envelope, Loss::Cut);
                LinkState::Cut
            }
        }
    }

    /// The server number of a peer; no server's for an unknown one.
    fn server(&self, peer: PeerId) -> usize {
        server_from(self.first_peer, peer, self.peers).unwrap_or(usize::MAX)
    }

    fn lose(&self, envelope: &Envelope, loss: Loss) {
        if let Some(logger) = &self.logger {
            logging::lost(logger, self.clock.now(), envelope, loss);
        }
    }
}

impl FaultPolicy for Links {
    /// A request counts here, delivered or not, as in the labs.
    fn on_send(&self, envelope: &Envelope) -> LinkState {
        let mut shared = self.lock();
        if envelope.message.direction() == Direction::Request {
            shared.traffic.rpcs += 1;
            shared.traffic.bytes += codec::encode(envelope).len() as u64;
        }
        if matches!(envelope.message, Message::InstallSnapshot(_)) {
            shared.traffic.snapshot_chunks += 1;
        }
        let from = self.server(envelope.from);
        shared.next_messages[from] = shared.next_messages[from].max(envelope.id.next());
        drop(shared);
        self.link_state(envelope)
    }

    fn on_receive(&self, envelope: &Envelope) -> Delivery {
        let direction = envelope.message.direction();
        let mut shared = self.lock();
        let sent =
            shared.network.send(self.server(envelope.from), self.server(envelope.to), direction);
        let verdict = sent.verdict();
        if direction == Direction::Reply && !matches!(verdict, Verdict::Lose(_)) {
            shared.traffic.bytes += codec::encode(envelope).len() as u64;
        }
        drop(shared);
        match verdict {
            Verdict::Deliver(delay) => Delivery::After(delay),
            Verdict::DeliverTwice(first, second) => Delivery::Twice(first, second),
            Verdict::Lose(loss) => {
                self.lose(envelope, loss);
                Delivery::Lost
            }
        }
    }

    /// A cut loses messages in flight, too.
    fn on_delayed(&self, envelope: &Envelope) -> LinkState {
        self.link_state(envelope)
    }
}

#[cfg(test)]
mod tests {
    use raft::message::Vote;
    use raft::transport::Inbox;
    use raft::transport::memory::{Hub, MemoryTransport};
    use raft::{Message, Term};
    use tokio::sync::mpsc;

    use std::time::Duration;

    use super::*;
    use crate::sim::network::{LinkProfile, NetworkProfile};

    const SENT: u64 = 100;

    /// Two peers, and the queue of the second.
    struct Two {
        links: Links,
        first: FaultyTransport<MemoryTransport, Links>,
        _second: FaultyTransport<MemoryTransport, Links>,
        received: mpsc::Receiver<Envelope>,
    }

    impl Two {
        fn over(reply: LinkProfile) -> Self {
            let network =
                Network::new(3, 2, NetworkProfile { reply, ..NetworkProfile::LAB_RELIABLE });
            let links = Links::new(0, 2, network, RealClock::start(), None);
            let (hub, [one, two]) = (Hub::default(), [0, 1].map(PeerId::new));
            let [first, mut second] = [one, two].map(|peer| links.wrap(hub.join(peer)));
            let (inbox, received) = Inbox::new(SENT as usize);
            second.start(inbox).expect("the hub accepts any peer");
            Self { links, first, _second: second, received }
        }

        fn send(&mut self) {
            let [from, to] = [0, 1].map(PeerId::new);
            for id in 1..=SENT {
                let message = Message::RequestVoteReply(Vote::Granted);
                let id = MessageId::new(id);
                self.first.send(Envelope {
                    id,
                    from,
                    to,
                    term: Term::new(1),
                    store: None,
                    message,
                });
            }
        }

        /// Collects arriving messages until none has come for a while.
        async fn arrived(&mut self) -> Vec<u64> {
            let mut numbers = Vec::new();
            let patience = Duration::from_millis(300);
            while let Ok(Some(envelope)) =
                tokio::time::timeout(patience, self.received.recv()).await
            {
                numbers.push(envelope.id.number());
            }
            numbers
        }
    }

    fn block_on(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime without threads").block_on(test);
    }

    #[test]
    fn a_reliable_link_carries_everything_in_order_and_counts_it() {
        block_on(async {
            let mut two = Two::over(LinkProfile::PERFECT);
            two.send();
            assert_eq!(two.arrived().await, (1..=SENT).collect::<Vec<_>>());
            let traffic = two.links.traffic();
            assert_eq!(traffic.rpcs, 0, "replies are no RPCs of their own");
            assert!(traffic.bytes > SENT * 30, "{traffic:?}");
            assert_eq!(two.links.next_message(0), MessageId::new(SENT + 1));
        });
    }

    #[test]
    fn an_unreliable_link_loses_some_and_delays_the_rest() {
        block_on(async {
            let (loss, delay_max) =
                (crate::sim::random::Chance::percent(10), Duration::from_millis(26));
            let mut two = Two::over(LinkProfile { loss, delay_max, ..LinkProfile::PERFECT });
            two.send();
            let arrived = two.arrived().await;
            assert!((80..100).contains(&arrived.len()), "{} of {SENT} arrive", arrived.len());
            assert!(!arrived.is_sorted(), "the delays differ");
        });
    }

    #[test]
    fn a_cut_kills_what_is_sent_and_what_is_on_its_way() {
        block_on(async {
            let late =
                LinkProfile { delay_max: Duration::from_millis(200), ..LinkProfile::PERFECT };
            let mut two = Two::over(late);
            two.links.with_network(|network| network.disconnect(1));
            two.send();
            two.links.with_network(|network| network.connect(1));
            assert!(two.arrived().await.is_empty(), "all of it was sent over a cut link");

            two.send();
            // The messages are in the hands of the receiver's task once it has run.
            tokio::task::yield_now().await;
            two.links.with_network(|network| network.disconnect(1));
            let arrived = two.arrived().await.len();
            assert!(arrived < SENT as usize / 2, "{arrived} arrived in spite of the cut");
        });
    }
}
