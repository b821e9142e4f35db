//! The real world of a run: peers that are started and killed, and the tester's operations on them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use raft::driver::Clock;
use raft::verbose::{Line, Logger, Topic};
use raft::{Bytes, EntryId, Index};
use tempfile::TempDir;

use super::clock::RealClock;
use super::context::RunContext;
use super::links::Links;
use super::peer::Peer;
use super::service::ServiceRecords;
use super::sink::Elections;
use crate::case::Settings;
use crate::cluster::{Cluster, PeerStatus, Testbed};
use crate::failure::Failure;
use crate::scenario::Body;
use crate::sim::network::{Connection, Network, NetworkProfile};
use crate::world::{LogSource, Traffic, logging};

/// The body of a scenario on real peers.
pub type RealBody = fn(Cluster<RealWorld>) -> Body;

/// The real world of one run. Everything in it ends with it.
pub struct RealWorld {
    pub(super) context: RunContext,
    pub(super) peers: Vec<Peer>,
    /// The peers' stores; removed with the world.
    _directory: TempDir,
}

impl RealWorld {
    /// A world in which all peers have just started for the first time.
    ///
    /// # Errors
    /// The system gives no directory or threads, or a peer does not start.
    pub fn new(seed: u64, settings: Settings, logger: Option<Logger>) -> Result<Self, Failure> {
        let refused = |error: std::io::Error| {
            Failure::expected(format_args!("directories and threads for the peers: {error}"))
        };
        let directory = TempDir::with_prefix("raft-real-").map_err(refused)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()
            .map_err(refused)?;
        let clock = RealClock::start();
        let network = Network::new(seed, settings.peers, settings.network);
        let peers = (0..settings.peers)
            .map(|server| Peer::new(server, directory.path().join(server.to_string())));
        let number = NEXT_WORLD.fetch_add(1, Ordering::Relaxed);
        let mut world = Self {
            peers: peers.collect(),
            context: RunContext {
                seed,
                links: Links::new(settings.peers, network, clock, logger.clone()),
                records: ServiceRecords::new(settings.peers, clock),
                elections: Elections::default(),
                cluster: format!("lab-{}-{number}", std::process::id()),
                number,
                settings,
                runtime,
                clock,
                logger,
            },
            _directory: directory,
        };
        world.peers.iter_mut().try_for_each(|peer| peer.start(&world.context))?;
        Ok(world)
    }

    /// Failure of a peer that ended without being crashed.
    pub(super) fn unexpected_exit(&self) -> Option<Failure> {
        self.peers.iter().find_map(Peer::unexpected_exit)
    }
}

impl Drop for RealWorld {
    /// The stores' directories can be removed only after the last write to them.
    fn drop(&mut self) {
        self.peers.iter_mut().for_each(|peer| peer.crash(&self.context));
    }
}

impl Testbed for RealWorld {
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
        let Some(logger) = &self.context.logger else { return };
        let (at, peer) = (self.context.clock.now(), &LogSource::Tester);
        logger.line(&Line { at, topic: Topic::Test, peer, text, facts: &[], event });
    }

    fn propose(&mut self, server: usize, command: Bytes, source: LogSource) -> Option<EntryId> {
        let id = self.peers[server].propose(&self.context, command)?;
        if let Some(logger) = &self.context.logger {
            logging::proposed(logger, self.context.clock.now(), server, id, source);
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
        self.peers[server].start(&self.context)
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

/// Threads for the tasks of all peers. Their disks have threads of their own.
const WORKERS: usize = 2;

/// The number of this process's next world: tests of one program may run at once.
static NEXT_WORLD: AtomicUsize = AtomicUsize::new(0);
