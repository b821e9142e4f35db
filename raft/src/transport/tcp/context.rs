//! The state shared by all connections of a peer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::handshake::Origin;
use super::metrics::Outgoing;
use super::options::TcpOptions;
use super::outbox::Outbox;
use super::process::{Process, ProcessStart};
use super::security::Security;
use crate::cluster_view::ClusterView;
use crate::log_limit::LogLimit;
use crate::transport::{Inbox, LinkReport};
use crate::types::{Index, PeerId};

/// State shared by all connections of a peer.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) me: PeerId,
    pub(super) options: TcpOptions,
    pub(super) security: Security,
    pub(super) peers: Mutex<BTreeMap<PeerId, Peer>>,
    pub(super) start: ProcessStart,
    pub(super) view: watch::Sender<Arc<ClusterView>>,
    /// The commit index, as far as the driver has passed it on.
    commit_index: AtomicU64,
    /// Lines about links to peers that were learned: strangers can cause them.
    pub(super) learned_links: LogLimit,
    reports: Mutex<Reports>,
}

/// The receiver of reports. Links run from the moment the driver names them, which may be before the start.
#[derive(Debug)]
enum Reports {
    /// Those made before the start.
    Kept(Vec<LinkReport>),
    To(Inbox),
}

/// A peer to send to.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) outbox: Arc<Outbox>,
    pub(super) address: watch::Sender<String>,
    /// The address of the last connection to it.
    pub(super) connected_to: watch::Receiver<Option<IpAddr>>,
    pub(super) reconnect: Arc<Notify>,
    pub(super) counters: Outgoing,
    pub(super) source: Source,
}

/// The way in which a peer became known.
#[derive(Debug)]
pub(super) enum Source {
    /// The driver named it. Its link is this task.
    Driver(AbortHandle),
    /// It has connected and stated its address. Its link ends with its connection, or once notified.
    Connection(Arc<Notify>),
}

impl Context {
    pub(super) fn new(me: PeerId, options: TcpOptions, security: Security) -> Self {
        Self {
            me,
            options,
            security,
            peers: Mutex::default(),
            start: ProcessStart::now(),
            view: watch::Sender::new(Arc::default()),
            commit_index: AtomicU64::new(0),
            learned_links: LogLimit::new(5),
            reports: Mutex::new(Reports::Kept(Vec::new())),
        }
    }

    /// This process.
    pub(super) fn process(&self) -> Process {
        Process { start: self.start, identity: self.view.borrow().own }
    }

    /// This process, as a connecting peer names it.
    pub(super) fn origin(&self) -> Origin {
        let address = self.view.borrow().address.as_ref().map(ToString::to_string);
        Origin { process: self.process(), address }
    }

    pub(super) fn report(&self, report: LinkReport) {
        match &mut *self.reports() {
            Reports::Kept(kept) => kept.push(report),
            Reports::To(inbox) => inbox.report(report),
        }
    }

    /// Passes reports on from now on, and those made before.
    pub(super) fn report_to(&self, inbox: Inbox) {
        let mut reports = self.reports();
        if let Reports::Kept(kept) = &mut *reports {
            std::mem::take(kept).into_iter().for_each(|report| inbox.report(report));
        }
        *reports = Reports::To(inbox);
    }

    fn reports(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn peers(&self) -> MutexGuard<'_, BTreeMap<PeerId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn commit_index(&self) -> Index {
        Index::new(self.commit_index.load(Ordering::Acquire))
    }

    /// Notes a commit index, after the view that belongs to it.
    pub(super) fn set_commit_index(&self, index: Index) {
        self.commit_index.store(index.number(), Ordering::Release);
    }

    /// Returns whether a peer is a member, or another one that this peer sends to.
    pub(super) fn is_known(&self, peer: PeerId) -> bool {
        self.peers().get(&peer).is_some_and(Peer::is_of_driver)
    }

    /// The known peers, with the addresses that the driver has named.
    pub(super) fn driver_addresses(&self) -> Vec<(PeerId, String)> {
        let peers = self.peers();
        let known = peers.iter().filter(|(_, peer)| peer.is_of_driver());
        known.map(|(id, peer)| (*id, peer.address.borrow().clone())).collect()
    }

    /// The addresses of the known peers, as far as they are numbers or were connected to.
    pub(super) fn known_addresses(&self) -> BTreeSet<IpAddr> {
        let peers = self.peers();
        let known = || peers.values().filter(|peer| peer.is_of_driver());
        let stated = known().filter_map(|peer| {
            let address = peer.address.borrow();
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok()
        });
        let connected = known().filter_map(|peer| *peer.connected_to.borrow());
        stated.chain(connected).map(|address| address.to_canonical()).collect()
    }

    /// Reconnects to a peer at once, without the rest of its backoff.
    pub(super) fn reconnect(&self, peer: PeerId) {
        if let Some(known) = self.peers().get(&peer) {
            known.reconnect.notify_one();
        }
    }
}

impl Peer {
    pub(super) const fn is_of_driver(&self) -> bool {
        matches!(self.source, Source::Driver(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Envelope;
    use crate::transport::{InboxSink, LinkDirection, PutError};

    /// Keeps reports.
    #[derive(Default)]
    struct Driver {
        reports: Mutex<Vec<LinkReport>>,
        space_freed: Notify,
    }

    impl InboxSink for Driver {
        fn capacity(&self) -> usize {
            1
        }

        fn put(&self, envelope: Envelope) -> Result<(), PutError> {
            Err(PutError::Full(envelope))
        }

        fn space_freed(&self) -> &Notify {
            &self.space_freed
        }

        fn report(&self, report: LinkReport) {
            self.reports.lock().expect("nothing has panicked").push(report);
        }
    }

    #[test]
    fn a_report_of_a_link_that_is_faster_than_the_start_is_not_lost() {
        let context = Context::new(PeerId::new(1), TcpOptions::default(), Security::Plain);
        let report = |peer| LinkReport::Cleared {
            peer: PeerId::new(peer),
            direction: LinkDirection::Outgoing,
        };
        context.report(report(2));
        let driver = Arc::new(Driver::default());
        let sink: Arc<dyn InboxSink> = Arc::<Driver>::clone(&driver);
        context.report_to(Inbox::from_sink(sink));
        context.report(report(3));
        let reports = driver.reports.lock().expect("nothing has panicked");
        assert_eq!(*reports, [report(2), report(3)]);
    }
}
