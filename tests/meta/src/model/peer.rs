//! One peer of the model: its node, its disk and the writes under way to it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use raft::{
    Config, ConfigError, FirstEntry, Index, Input, Instant, Jitter, Node, PeerId, PersistentState,
    Status, Term, Write,
};

use super::bounds::Bounds;

/// A peer; it never changes, the next one takes its place.
pub(super) struct Peer {
    /// Locked only because a node cannot be shared between threads.
    node: Mutex<Node>,
    pub(super) disk: PersistentState,
    pub(super) pending: Vec<Write>,
    /// The last index that the service has applied.
    pub(super) applied: Index,
    /// Status of the node.
    pub(super) status: Status,
    /// The index of the node's snapshot.
    pub(super) base: Index,
    /// The hash of all of it.
    pub(super) digest: u64,
}

/// A peer during an action.
pub(super) struct PeerStep {
    pub(super) node: Node,
    pub(super) disk: PersistentState,
    pub(super) pending: Vec<Write>,
    pub(super) applied: Index,
}

impl Peer {
    pub(super) fn change(&self) -> PeerStep {
        PeerStep {
            node: self.with_node(|node| node.fork(Box::new(MidpointJitter))),
            disk: self.disk.clone(),
            pending: self.pending.clone(),
            applied: self.applied,
        }
    }

    pub(super) fn with_node<T>(&self, look: impl FnOnce(&Node) -> T) -> T {
        look(&self.node.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PeerStep {
    /// A peer that starts from a disk.
    ///
    /// # Errors
    /// The store holds what no order of writes can leave behind.
    pub(super) fn start(
        server: usize,
        bounds: Bounds,
        disk: PersistentState,
    ) -> Result<Self, StartError> {
        let id = |server| PeerId::new(server as u64);
        let config = Config {
            first_entry: FirstEntry::Command,
            pre_vote: bounds.protocol.pre_vote,
            check_quorum: bounds.protocol.check_quorum,
            ..Config::new(id(server), bounds.first_voters(server))
        };
        let node =
            Node::new(config.validate()?, disk.clone(), Instant::START, Box::new(MidpointJitter))?;
        Ok(Self { node, disk, pending: Vec::new(), applied: Index::ZERO })
    }

    /// Advances the clock to the node's own deadline.
    pub(super) fn tick(&mut self) {
        if let Some(deadline) = self.node.poll_timeout() {
            self.node.handle(deadline, Input::Tick);
        }
    }

    /// Lets the shortest election timeout pass, which comes before the node's own deadline.
    pub(super) fn wait(&mut self) {
        if let Some(deadline) = self.node.role().election_deadline() {
            let early = deadline.as_nanos().saturating_sub(MIDPOINT_EXCESS.as_nanos() as u64);
            self.node.handle(Instant::from_nanos(early), Input::Tick);
        }
    }

    /// Carries this many of the writes to the disk.
    pub(super) fn flush(&mut self, count: usize) -> Option<raft::WriteId> {
        let mut newest = None;
        for write in self.pending.drain(..count) {
            self.disk.record(&write.record);
            newest = Some(write.id);
        }
        newest
    }

    pub(super) fn finish(self) -> Peer {
        let Self { node, disk, pending, applied } = self;
        let mut hasher = DefaultHasher::new();
        node.behaviour_hash(&mut hasher);
        (&disk, applied, pending.len()).hash(&mut hasher);
        // Writes are numbered one after the other, so that the records are enough.
        pending.iter().for_each(|write| write.record.hash(&mut hasher));
        let (status, base) = (node.status(), node.log().base().index);
        let digest = hasher.finish();
        Peer { node: Mutex::new(node), disk, pending, applied, status, base, digest }
    }
}

/// A peer cannot start.
#[derive(Debug)]
pub(super) struct StartError;

impl From<ConfigError> for StartError {
    fn from(_: ConfigError) -> Self {
        Self
    }
}

impl From<raft::RestoreError> for StartError {
    fn from(_: raft::RestoreError) -> Self {
        Self
    }
}

/// Timeouts need no chance where timers fire in every order anyway: all are half way between the
/// shortest and the longest.
struct MidpointJitter;

impl Jitter for MidpointJitter {
    fn draw(&mut self, _: Term) -> u64 {
        u64::MAX / 2 + 1
    }
}

/// Excess over the shortest timeout of the default configuration.
const MIDPOINT_EXCESS: Duration = Duration::from_millis(75);
