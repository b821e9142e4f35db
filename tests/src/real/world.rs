//! The real world of a run: peers that are started and killed, and the tester's operations on them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use raft::driver::{Clock, Raft, StateMachine};
use raft::{Bytes, EntryId, Index};
use tempfile::TempDir;

use super::context::RunContext;
use super::group::RealPeers;
use super::hosted::{Compared, RealHosted};
use super::links::Links as RealLinks;
use super::peer::Peer;
use super::peer_view::RealPeerView;
use super::resources::RealRun;
use super::service::{Opaque, RealService, ServiceRecords};
use super::sink::Elections;
use crate::case::{Links, Settings};
use crate::cluster::{Cluster, PeerStatus, Testbed};
use crate::failure::Failure;
use crate::scenario::Body;
use crate::sim::disk::stored_bytes;
use crate::sim::network::{Connection, Network, NetworkProfile};
use crate::world::{LogSource, Traffic, logging};

/// The body of a scenario on real peers.
pub type RealBody = fn(Cluster<RealWorld>) -> Body;

/// Makes the service of a server.
type MakeService<S> = Box<dyn Fn(&RunContext, usize) -> S>;

/// One group of real peers. Everything in it ends with it.
pub struct RealWorld<S: StateMachine<Command = Opaque> = RealService> {
    pub(super) context: RunContext,
    pub(super) peers: Vec<Peer<S>>,
    /// Makes the service of a peer's next life.
    service: MakeService<S>,
    /// The peers' stores; removed with the world.
    _directory: TempDir,
}

impl RealWorld {
    /// A world whose peers, which record their commands, have just started for the first time.
    ///
    /// # Errors
    /// The system gives no directory, or a peer does not start.
    pub fn new(run: &RealRun, settings: Settings) -> Result<Self, Failure> {
        let service = |context: &RunContext, server: usize| {
            context.records.service(server, context.settings.snapshots)
        };
        Self::with(run, run.seed, settings, 0, Box::new(service))
    }
}

impl<H: RealHosted> RealWorld<Compared<H>> {
    /// A world whose peers, with numbers from `first_peer` on, host a service of another package: `host`
    /// makes the one of a server's next life.
    ///
    /// # Errors
    /// The system gives no directory, or a peer does not start.
    pub fn hosting(
        run: &RealRun,
        seed: u64,
        settings: Settings,
        first_peer: usize,
        host: impl Fn(usize) -> H + 'static,
    ) -> Result<Self, Failure> {
        let service = move |context: &RunContext, server: usize| {
            Compared::new(host(server), server, &context.records)
        };
        Self::with(run, seed, settings, first_peer, Box::new(service))
    }
}

impl<S: StateMachine<Command = Opaque>> RealWorld<S> {
    fn with(
        run: &RealRun,
        seed: u64,
        settings: Settings,
        first_peer: usize,
        service: MakeService<S>,
    ) -> Result<Self, Failure> {
        let directory = TempDir::with_prefix("raft-real-").map_err(|error| {
            Failure::expected(format_args!("a directory for the peers: {error}"))
        })?;
        let (clock, logger) = (run.clock, run.logger.clone());
        let network = Network::new(seed, settings.peers, settings.network);
        let peers = (0..settings.peers)
            .map(|server| Peer::new(server, directory.path().join(server.to_string())));
        let number = NEXT_WORLD.fetch_add(1, Ordering::Relaxed);
        let signals = run.signals.clone();
        let mut world = Self {
            peers: peers.collect(),
            context: RunContext {
                first_peer,
                seed,
                links: RealLinks::new(first_peer, settings.peers, network, clock, logger.clone()),
                records: ServiceRecords::new(first_peer, settings.peers, clock, signals),
                elections: Elections::default(),
                cluster: format!("lab-{}-{number}", std::process::id()),
                number,
                settings,
                runtime: Arc::clone(&run.runtime),
                clock,
                logger,
            },
            service,
            _directory: directory,
        };
        (0..world.peers.len()).try_for_each(|server| world.start_peer(server))?;
        Ok(world)
    }

    fn start_peer(&mut self, server: usize) -> Result<(), Failure> {
        let service = (self.service)(&self.context, server);
        self.peers[server].start(&self.context, service)
    }

    /// The driver of a peer that runs.
    #[must_use]
    pub fn raft(&self, server: usize) -> Option<Raft<S>> {
        self.peers[server].running.clone()
    }

    /// Number of a peer's starts.
    #[must_use]
    pub fn life(&self, server: usize) -> u32 {
        self.peers[server].life
    }
}

impl<S: StateMachine<Command = Opaque>> Drop for RealWorld<S> {
    /// The stores' directories can be removed only after the last write to them.
    fn drop(&mut self) {
        self.peers.iter_mut().for_each(|peer| peer.crash(&self.context));
    }
}

impl<S: StateMachine<Command = Opaque>> RealPeers for RealWorld<S> {
    fn views(&self) -> Vec<RealPeerView> {
        let view = |(server, peer): (usize, &Peer<S>)| {
            let stored = peer.audit.durable();
            RealPeerView {
                number: self.context.first_peer + server,
                status: peer.status(),
                applied: self.last_applied(server),
                durable: (stored.hard_state.current_term, stored.base(), stored.last()),
                connection: self.connection(server),
            }
        };
        self.peers.iter().enumerate().map(view).collect()
    }

    fn commands(&self) -> u64 {
        self.context.records.last_agreed().number()
    }

    fn unexpected_exit(&self) -> Option<Failure> {
        self.peers.iter().find_map(Peer::unexpected_exit)
    }
}

impl<S: StateMachine<Command = Opaque>> Testbed for RealWorld<S> {
    fn seed(&self) -> u64 {
        self.context.seed
    }

    fn size(&self) -> usize {
        self.peers.len()
    }

    fn peer_status(&self, server: usize) -> Option<PeerStatus> {
        let status = self.peers[server].status()?;
        Some(PeerStatus { role: status.role, current_term: status.current_term })
    }

    fn connection(&self, server: usize) -> Connection {
        self.context.links.with_network(|network| network.connection(server))
    }

    fn last_applied(&self, server: usize) -> Index {
        self.context.records.last_applied(server)
    }

    fn applied_command(&self, index: Index) -> Option<Bytes> {
        self.context.records.agreed(index)
    }

    fn traffic(&self) -> Traffic {
        self.context.links.traffic()
    }

    fn log_bytes_max(&self) -> usize {
        self.peers.iter().map(|peer| peer.audit.log_bytes()).max().unwrap_or_default()
    }

    fn profile(&self) -> NetworkProfile {
        self.context.links.with_network(|network| network.profile())
    }

    fn log_test(&self, event: &str, text: fmt::Arguments<'_>) {
        if let Some(logger) = &self.context.logger {
            let (at, first_peer) = (self.context.clock.now(), self.context.first_peer);
            logging::tester_line(logger, at, first_peer, event, text);
        }
    }

    fn propose(&mut self, server: usize, command: Bytes, source: LogSource) -> Option<EntryId> {
        let id = self.peers[server].propose(&self.context, command)?;
        if let Some(logger) = &self.context.logger {
            let number = self.context.first_peer + server;
            logging::proposed(logger, self.context.clock.now(), number, id, source);
        }
        Some(id)
    }

    fn disconnect(&mut self, server: usize) {
        self.context.links.with_network(|network| {
            network.disconnect(server);
            self.log_test("disconnected", format_args!("cuts off {server}"));
        });
    }

    fn connect(&mut self, server: usize) {
        self.context.links.with_network(|network| {
            network.connect(server);
            self.log_test("connected", format_args!("connects {server}"));
        });
    }

    fn crash(&mut self, server: usize) {
        self.disconnect(server);
        if self.peers[server].is_running() {
            self.peers[server].crash(&self.context);
            self.log_test("crashed", format_args!("crashes {server}"));
        }
    }

    fn start(&mut self, server: usize) -> Result<(), Failure> {
        if self.peers[server].is_running() {
            self.crash(server);
        }
        let life = self.peers[server].life + 1;
        self.log_test("restarted", format_args!("starts {server}, life {life}"));
        self.start_peer(server)
    }

    fn set_links(&mut self, links: Links, state: Connection) {
        self.context.links.with_network(|network| {
            links.each().for_each(|(from, to)| network.set_link(from, to, state));
            logging::links_changed(|event, text| self.log_test(event, text), links, state);
        });
    }

    fn stored_bytes(&self, server: usize) -> usize {
        stored_bytes(&self.peers[server].audit.durable())
    }

    /// They are printed: a real run has no coverage.
    #[expect(clippy::print_stdout, reason = "a check that is not made must be seen")]
    fn add_undecided(&mut self, keys: u64) {
        if keys > 0 {
            println!("  not decided: the histories of {keys} keys");
        }
    }

    fn set_profile(&mut self, profile: NetworkProfile) {
        self.context.links.with_network(|network| {
            network.set_profile(profile);
            self.log_test("network_changed", format_args!("changes the network: {profile}"));
        });
    }

    #[expect(clippy::print_stdout, reason = "a check that is not made must be seen")]
    fn timing_failure(&self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        println!("  not held against a real machine: expected {text}");
        self.log_test("expectation_not_met", format_args!("expected {text}"));
        Ok(())
    }
}

/// The number of this process's next world: tests of one program may run at once.
static NEXT_WORLD: AtomicUsize = AtomicUsize::new(0);
