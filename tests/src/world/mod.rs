//! The simulated world: peers, their disks and services, the network between them, one clock.
//!
//! ```text
//! queue ─► event ─► Node::handle ─► outputs ─► disk, network, service ─► queue
//!                                      └──► invariants (after every event)
//! ```
//!
//! Invariant: what happens follows from the seed and the tester's calls alone. Nothing here sees
//! real time, and every run builds all of its state anew.

mod drive;
mod event;
mod faults;
mod outputs;
mod peer;
mod says;

use std::time::Duration;

use raft::verbose::Logger;
use raft::{Bytes, EntryId, Index, Instant, PeerId, RoleName, Status};

pub use self::drive::drive;
pub use self::peer::PeerView;
pub use self::says::Speaker;

use self::event::Event;
use self::peer::Peer;
use crate::failure::Failure;
use crate::invariants::Invariants;
use crate::service::{Agreed, Snapshots};
use crate::sim::disk::Latency;
use crate::sim::network::{Connection, Network, Profile};
use crate::sim::queue::Queue;
use crate::sim::trace_hash::TraceHash;

/// What a world is made of.
#[derive(Clone)]
pub struct Setup {
    /// How many peers there are.
    pub peers: usize,
    /// How the network behaves at first.
    pub network: Profile,
    /// Whether services compact their logs.
    pub snapshots: Snapshots,
    /// How long disks take.
    pub latency: Latency,
    /// Who is told what happens.
    pub logger: Option<Logger>,
}

/// The world of one run.
pub struct World {
    seed: u64,
    now: Instant,
    queue: Queue<Event>,
    network: Network,
    peers: Vec<Peer>,
    /// Peers whose outputs have not been polled since something happened to them.
    touched: Vec<usize>,
    /// The peer something happened to last.
    acting: Option<usize>,
    invariants: Invariants,
    agreed: Agreed,
    trace: TraceHash,
    traffic: Traffic,
    events: u64,
    events_this_instant: u32,
    logger: Option<Logger>,
}

/// What went over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, whether they arrived or not.
    pub rpcs: u64,
    /// Bytes of all requests, and of the replies that were not lost.
    pub bytes: u64,
    /// Pieces of snapshots sent.
    pub snapshot_chunks: u64,
}

impl World {
    /// A world in which all peers have just started for the first time.
    ///
    /// # Errors
    /// A peer does not start.
    pub fn new(seed: u64, setup: Setup) -> Result<Self, Failure> {
        let Setup { peers, network, snapshots, latency, logger } = setup;
        let mut world = Self {
            seed,
            now: Instant::START,
            queue: Queue::new(seed),
            network: Network::new(seed, peers, network),
            peers: (0..peers).map(|place| Peer::new(seed, place, snapshots, latency)).collect(),
            touched: Vec::with_capacity(peers),
            acting: None,
            invariants: Invariants::default(),
            agreed: Agreed::default(),
            trace: TraceHash::EMPTY,
            traffic: Traffic::default(),
            events: 0,
            events_this_instant: 0,
            logger,
        };
        for place in 0..peers {
            world.start(place)?;
        }
        Ok(world)
    }

    /// The seed everything follows from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The moment.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many peers there are.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.peers.len()
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// What all services agreed on.
    #[must_use]
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// What went over the network so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// How many events happened.
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
    pub fn status(&self, place: usize) -> Option<Status> {
        self.peers[place].status()
    }

    /// The status of a peer that runs and is connected.
    #[must_use]
    pub fn connected_status(&self, place: usize) -> Option<Status> {
        match self.network.connection(place) {
            Connection::Up => self.status(place),
            Connection::Cut => None,
        }
    }

    /// Whether a connected peer believes it leads.
    #[must_use]
    pub fn leads(&self, place: usize) -> bool {
        self.connected_status(place).is_some_and(|status| status.role == RoleName::Leader)
    }

    /// The last index a peer's service was given.
    #[must_use]
    pub fn last_applied(&self, place: usize) -> Index {
        self.peers[place].service.last_applied()
    }

    /// The size of the largest term, vote and log on any disk.
    #[must_use]
    pub fn log_bytes_max(&self) -> usize {
        self.peers.iter().map(|peer| peer.disk.log_bytes()).max().unwrap_or_default()
    }

    /// A peer as a report shows it.
    #[must_use]
    pub fn view(&self, place: usize) -> PeerView {
        self.peers[place].view(self.network.connection(place))
    }

    /// Offers a command to a peer: its place in the log if the peer believes it leads.
    pub fn propose(&mut self, place: usize, command: Bytes, speaker: Speaker) -> Option<EntryId> {
        let now = self.now;
        let node = self.peers[place].node.as_mut()?;
        let id = node.propose(now, command).ok()?;
        self.trace.number(id.index.number() ^ id.term.number() << 32);
        self.touch(place);
        self.say_proposed(place, id, speaker);
        Some(id)
    }

    fn touch(&mut self, place: usize) {
        if !self.touched.contains(&place) {
            self.touched.push(place);
        }
    }
}

/// The peer at a place; peers are named by their places.
const fn peer_id(place: usize) -> PeerId {
    PeerId::new(place as u64)
}

/// The place of a peer; `None` for a name nobody has.
fn place_of(peer: PeerId, size: usize) -> Option<usize> {
    usize::try_from(peer.number()).ok().filter(|place| *place < size)
}

/// The longest a test may take, in cluster time.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);
