//! The peers that messages are sent to: named by the driver, or learned from their connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::context::{Context, Peer, Source};
use super::link::{Lines, Link};
use super::metrics::Outgoing;
use super::outbox::Outbox;
use crate::log_limit::LogLimit;
use crate::transport::{LinkDirection, LinkReport};
use crate::types::PeerId;

/// Limit on peers that are known by their connections alone: a leader, and candidates.
const LEARNED_MAX: usize = 8;

impl Context {
    /// Adds a peer, whose link goes to `source`, to be run.
    pub(super) fn add(
        self: &Arc<Self>,
        peers: &mut BTreeMap<PeerId, Peer>,
        to: PeerId,
        at: &str,
        source: impl FnOnce(Link) -> Source,
    ) {
        let (address, address_of_link) = watch::channel(at.to_owned());
        let (outbox, reconnect) = (Arc::new(Outbox::new(&self.options)), Arc::default());
        let counters = Outgoing::new(self.me, to);
        let (connected, connected_to) = watch::channel(None);
        let link = Link {
            context: Arc::clone(self),
            to,
            address: address_of_link,
            outbox: Arc::clone(&outbox),
            reconnect: Arc::clone(&reconnect),
            counters: counters.clone(),
            connected,
            lines: Lines::All,
            too_large: LogLimit::new(5),
        };
        let source = source(link);
        peers.insert(to, Peer { outbox, address, connected_to, reconnect, counters, source });
    }

    /// Adds a peer that has connected and is not known: a leader whose entries this peer lacks still
    /// gets its answers. Returns its link, and a notice to end it.
    pub(super) fn learn(self: &Arc<Self>, peer: PeerId, at: &str) -> Option<(Link, Arc<Notify>)> {
        let mut peers = self.peers();
        let learned = peers.values().filter(|peer| !peer.is_of_driver()).count();
        if peers.contains_key(&peer) || learned >= LEARNED_MAX {
            return None;
        }
        let (ended, mut link) = (Arc::<Notify>::default(), None);
        self.add(&mut peers, peer, at, |it| {
            link = Some(Link { lines: Lines::Few, ..it });
            Source::Connection(Arc::clone(&ended))
        });
        link.zip(Some(ended))
    }

    /// Forgets a peer that was learned with this notice.
    pub(super) fn forget(&self, peer: PeerId, learned: &Arc<Notify>) {
        let mut peers = self.peers();
        let is_it = |peer: &Peer| match &peer.source {
            Source::Connection(ended) => Arc::ptr_eq(ended, learned),
            Source::Driver(_) => false,
        };
        if peers.get(&peer).is_some_and(is_it) {
            peers.remove(&peer);
            // Others may come under any number of ids.
            let direction = LinkDirection::Outgoing;
            self.report(LinkReport::Cleared { peer, direction });
        }
    }
}
