//! The state of a world, and questions about it.

use std::sync::Arc;

use raft::verbose::Logger;
use raft::{Bytes, Index, Instant, Membership, MessageId, PeerId, Status};

use super::event::Event;
use super::open_reads::OpenReads;
use super::open_requests::OpenRequests;
use super::peer::{Inputs, Peer, PeerView};
use super::servers::{peer_id, server_from};
use crate::case::{Decision, FaultRecorder, Script, Settings, Step};
use crate::coverage::Coverage;
use crate::failure::Failure;
use crate::hosted::SharedService;
use crate::invariants::InvariantChecker;
use crate::kv::Seen;
use crate::oracle::ledger::Ledger;
use crate::service::AppliedLog;
use crate::sim::network::Network;
use crate::sim::queue::Queue;
use crate::sim::trace_hash::TraceHash;

/// Inputs of a world.
#[derive(Clone)]
pub struct Setup {
    /// Its settings.
    pub settings: Settings,
    /// The decisions of a case; none for a run that is drawn.
    pub script: Script,
    /// The logger of all events, if any.
    pub logger: Option<Logger>,
    /// After how many events each the trace is kept; `None` keeps only the last one.
    pub checkpoints: Option<u64>,
    /// The number of the first peer. Groups of one run have different ones.
    pub first_peer: usize,
    /// The services of the peers; those beyond the end only record their commands.
    pub services: Vec<SharedService>,
}

/// The world of one run.
pub struct World {
    pub(super) seed: u64,
    pub(super) settings: Settings,
    pub(super) first_peer: usize,
    pub(super) now: Instant,
    pub(super) queue: Queue<Event>,
    pub(super) network: Network,
    pub(super) recorder: FaultRecorder,
    pub(super) peers: Vec<Peer>,
    /// The newest message that has arrived on each link.
    pub(super) arrived: Vec<MessageId>,
    pub(super) open_requests: OpenRequests,
    pub(super) reads: OpenReads,
    /// The highest index that was committed anywhere.
    pub(super) committed: Index,
    pub(super) ledger: Ledger,
    /// Number of keys whose histories were too long to check.
    pub(super) undecided: u64,
    pub(super) coverage: Coverage,
    /// Peers whose outputs have not been polled since something happened to them.
    pub(super) touched: Vec<usize>,
    /// The peer something happened to last.
    pub(super) acting: Option<usize>,
    pub(super) invariants: InvariantChecker,
    pub(super) applied_log: AppliedLog,
    pub(super) trace: TraceHash,
    pub(super) traffic: Traffic,
    pub(super) events: u64,
    pub(super) events_this_instant: u32,
    pub(super) logger: Option<Logger>,
    /// Failure from a task that has no waiter.
    pub(super) failed: Option<Failure>,
    pub(super) checkpoint_events: Option<u64>,
    pub(super) checkpoints: Vec<TraceHash>,
}

/// Network traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, whether they arrived or not.
    pub rpcs: u64,
    /// Bytes of all requests, and of the replies that were not lost.
    pub bytes: u64,
    /// Pieces of snapshots sent.
    pub snapshot_chunks: u64,
}

impl Traffic {
    /// Adds other traffic.
    pub const fn add(&mut self, other: &Self) {
        self.rpcs += other.rpcs;
        self.bytes += other.bytes;
        self.snapshot_chunks += other.snapshot_chunks;
    }
}

impl World {
    /// A world in which all peers have just started for the first time.
    ///
    /// # Errors
    /// A peer does not start.
    pub fn new(seed: u64, setup: Setup) -> Result<Self, Failure> {
        let Setup { settings, script, logger, checkpoints, first_peer, services } = setup;
        let peers = settings.peers;
        let initial_members = (0..settings.initial_members).map(|at| peer_id(first_peer + at));
        let initial_members = Membership::of_voters(initial_members);
        let mut world = Self {
            seed,
            now: Instant::START,
            queue: Queue::new(seed),
            network: Network::new(seed, peers, settings.network),
            recorder: FaultRecorder::new(script),
            peers: (0..peers)
                .map(|server| Peer::new(seed, server, &settings, services.get(server).cloned()))
                .collect(),
            settings,
            first_peer,
            arrived: vec![MessageId::new(0); peers * peers],
            open_requests: OpenRequests::default(),
            reads: OpenReads::default(),
            committed: Index::ZERO,
            ledger: Ledger::default(),
            undecided: 0,
            coverage: Coverage::default(),
            touched: Vec::with_capacity(peers),
            acting: None,
            invariants: InvariantChecker::new(Arc::new(initial_members)),
            applied_log: AppliedLog::default(),
            trace: TraceHash::EMPTY,
            traffic: Traffic::default(),
            events: 0,
            events_this_instant: 0,
            logger,
            failed: None,
            checkpoint_events: checkpoints,
            checkpoints: Vec::new(),
        };
        world.cover_clocks();
        for server in 0..peers {
            world.start_peer(server)?;
        }
        Ok(world)
    }

    /// Settings of the world.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All decisions so far.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        self.recorder.taken()
    }

    /// Takes all decisions at the end of the run.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        self.recorder.take()
    }

    /// The situations that came about.
    #[must_use]
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Number of keys whose histories were too long to check.
    #[must_use]
    pub const fn undecided(&self) -> u64 {
        self.undecided
    }

    /// Adds keys whose histories were too long to check.
    pub const fn add_undecided(&mut self, keys: u64) {
        self.undecided += keys;
    }

    /// The coverage, for situations that the world itself does not see.
    pub const fn coverage_mut(&mut self) -> &mut Coverage {
        &mut self.coverage
    }

    /// The trace after each so many events, if that was asked for.
    #[must_use]
    pub fn checkpoints(&self) -> &[TraceHash] {
        &self.checkpoints
    }

    /// The commands that a peer's service applied, no-ops as empty ones.
    #[must_use]
    pub fn history(&self, server: usize) -> &[Bytes] {
        self.peers[server].service.history()
    }

    /// A running peer's node, to look at.
    #[must_use]
    pub fn node(&self, server: usize) -> Option<&raft::Node> {
        self.peers[server].node.as_ref()
    }

    /// Durable state of a peer's disk.
    #[must_use]
    pub fn disk(&self, server: usize) -> &raft::PersistentState {
        self.peers[server].disk.durable()
    }

    /// The seed everything follows from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Number of peers.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.peers.len()
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Commands applied by all services.
    #[must_use]
    pub const fn applied_log(&self) -> &AppliedLog {
        &self.applied_log
    }

    /// Network traffic so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Number of events.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The hash of everything that happened.
    #[must_use]
    pub const fn trace(&self) -> TraceHash {
        self.trace
    }

    /// A running peer's status.
    #[must_use]
    pub fn status(&self, server: usize) -> Option<Status> {
        self.peers[server].status()
    }

    /// The last index that a peer's service has applied.
    #[must_use]
    pub fn last_applied(&self, server: usize) -> Index {
        self.peers[server].service.last_applied()
    }

    /// The size of the largest term, vote and log on any disk.
    #[must_use]
    pub fn log_bytes_max(&self) -> usize {
        self.peers.iter().map(|peer| peer.disk.log_bytes()).max().unwrap_or_default()
    }

    /// The identity of a server. Groups of one run have peers with other numbers each, so that a log of
    /// all tells them apart.
    pub(super) const fn peer_id(&self, server: usize) -> PeerId {
        peer_id(self.first_peer + server)
    }

    /// The server number of a peer; `None` for an unknown peer.
    pub(super) fn server_of(&self, peer: PeerId) -> Option<usize> {
        server_from(self.first_peer, peer, self.size())
    }

    /// A peer as a report shows it.
    #[must_use]
    pub fn view(&self, server: usize) -> PeerView {
        self.peers[server].view(self.peer_id(server), self.network.connection(server))
    }

    /// The answer to a client's request, and the event at which it was given.
    #[must_use]
    pub fn answer(&self, client: u16, serial: u32) -> Option<(u64, Seen)> {
        self.open_requests.answer(client, serial)
    }

    /// A client no longer waits for an answer.
    pub fn abandon_request(&mut self, client: u16, serial: u32) {
        self.open_requests.abandon(client, serial);
    }

    /// Ends the run with a failure, from a task that has no waiter.
    pub fn fail(&mut self, failure: Failure) {
        self.failed.get_or_insert(failure);
    }

    /// Records a step from outside the world.
    pub fn record(&mut self, step: Step) {
        self.recorder.record_step(self.now, step);
    }

    /// Returns whether a peer is paused.
    #[must_use]
    pub fn is_paused(&self, server: usize) -> bool {
        self.peers[server].paused_until.is_some_and(|until| self.now < until)
    }

    /// Something happened to a peer: its outputs are due.
    pub(super) fn mark_touched(&mut self, server: usize) {
        self.peers[server].inputs = Inputs::Any;
        self.mark_due(server);
    }

    /// The same, and all that happened is a pre-vote request, or the passing of time.
    pub(super) fn mark_due(&mut self, server: usize) {
        if !self.touched.contains(&server) {
            self.touched.push(server);
        }
    }
}
