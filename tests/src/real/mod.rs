//! The real world: drivers with their threads, stores on a disk, TCP over loopback, a real clock.
//!
//! ```text
//! lab2 ─► cluster ─► RealWorld ─┬► peer: raft::driver::Raft, started and killed
//!          (drive: the tasks)   ├► links: the labs' networks, around TcpTransport
//!                               ├► disk: what was durable, around DiskStorage
//!                               └► service: what is applied, checked
//! ```
//!
//! The scenarios, the tester's operations, the executor, the services and what decides about a
//! message are those of the simulation. The clock, the threads, the sockets, the files and the
//! order of events are the machine's: a seed gives the same commands, faults and luck of messages,
//! but not the same run. Here alone may this crate use threads, clocks and sockets; the simulated
//! world must not depend on this module.
//!
//! Checked in every run, beside what the scenario expects: services are given the same commands in
//! the same order, one leader a term, a store finds again what it called durable, and no peer ends
//! by itself.

mod audited_storage;
mod clock;
mod drive;
mod links;
mod peer;
mod report;
mod run;
mod service;
mod sink;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use raft::driver::Clock;
use raft::verbose::{Line, Logger, Topic};
use raft::{Bytes, EntryId, Index};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use self::report::RealFailure;
pub use self::run::{RealBody, RealRunSummary, run};

use self::clock::RealClock;
use self::links::Links;
use self::peer::Peer;
use self::service::ServiceRecords;
use self::sink::Elections;
use crate::case::Settings;
use crate::cluster::{PeerStatus, Testbed};
use crate::failure::Failure;
use crate::sim::network::{Connection, Network, NetworkProfile};
use crate::world::{LogSource, Traffic, logging};

/// The real world of one run. Everything in it ends with it.
pub struct RealWorld {
    context: RunContext,
    peers: Vec<Peer>,
    /// The peers' stores; removed with the world.
    _directory: TempDir,
}

/// What all peers share.
struct RunContext {
    seed: u64,
    settings: Settings,
    runtime: Runtime,
    clock: RealClock,
    links: Links,
    records: ServiceRecords,
    elections: Elections,
    logger: Option<Logger>,
    /// The cluster's name: peers of other runs are refused.
    cluster: String,
    /// Which world of this process it is.
    number: usize,
}

impl RealWorld {
    /// A world in which all peers have just started for the first time.
    ///
    /// # Errors
    /// The system gives no folder or threads, or a peer does not start.
    pub fn new(seed: u64, settings: Settings, logger: Option<Logger>) -> Result<Self, Failure> {
        let refused = |error: std::io::Error| {
            Failure::expected(format_args!("folders and threads for the peers: {error}"))
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

    /// Why a peer has ended although nobody crashed it.
    fn unexpected_exit(&self) -> Option<Failure> {
        self.peers.iter().find_map(Peer::unexpected_exit)
    }
}

impl Drop for RealWorld {
    /// The stores' folders can go only when nobody writes to them any more.
    fn drop(&mut self) {
        self.peers.iter_mut().for_each(|peer| peer.crash(&self.context));
    }
}

impl RunContext {
    /// Where a peer listens. On Linux every process has a loopback network of its own, so that a
    /// peer that is down keeps its address; elsewhere its ports follow from the process.
    fn address(&self, server: usize) -> String {
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let port = self.number % WORLDS_MAX * PORTS_OF_A_WORLD + server;
        if cfg!(target_os = "linux") {
            return format!("127.{}.{middle}.{low}:{}", 1 + high % 254, PORT + port);
        }
        let process = usize::from(middle) << 8 | usize::from(low);
        format!("127.0.0.1:{}", PORT + (process % 30 * WORLDS_MAX * PORTS_OF_A_WORLD) + port)
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

    fn log_test(&self, text: fmt::Arguments<'_>) {
        let Some(logger) = &self.context.logger else { return };
        let (at, peer) = (self.context.clock.now(), &LogSource::Tester);
        logger.line(&Line { at, topic: Topic::Test, peer, text, facts: &[] });
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
            self.log_test(format_args!("cuts off {server}"));
        });
    }

    fn connect(&mut self, server: usize) {
        self.context.links.with_network(|network| {
            network.connect(server);
            self.log_test(format_args!("connects {server}"));
        });
    }

    fn crash(&mut self, server: usize) {
        self.disconnect(server);
        if self.peers[server].is_running() {
            self.peers[server].crash(&self.context);
            self.log_test(format_args!("crashes {server}"));
        }
    }

    fn start(&mut self, server: usize) -> Result<(), Failure> {
        if self.peers[server].is_running() {
            self.crash(server);
        }
        let life = self.peers[server].life + 1;
        self.log_test(format_args!("starts {server}, life {life}"));
        self.peers[server].start(&self.context)
    }

    fn set_profile(&mut self, profile: NetworkProfile) {
        self.context.links.with_network(|network| {
            network.set_profile(profile);
            self.log_test(format_args!("changes the network: {profile:?}"));
        });
    }

    #[expect(clippy::print_stdout, reason = "a check that is not made must be seen")]
    fn timing_failure(&self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        println!("  not held against a real machine: expected {text}");
        self.log_test(format_args!("expected {text}"));
        Ok(())
    }
}

/// Threads for the tasks of all peers. Their disks have threads of their own.
const WORKERS: usize = 2;

/// The number of this process's next world: tests of one program may run at once.
static NEXT_WORLD: AtomicUsize = AtomicUsize::new(0);

/// Above what systems reserve, below what they hand out by themselves.
const PORT: usize = 16_000;

/// Room for the largest scenario's peers.
const PORTS_OF_A_WORLD: usize = 8;

/// So many worlds of a process have addresses of their own.
const WORLDS_MAX: usize = 64;
