//! One peer: a node that may be down, its disk that stays, its service, its timer.

use std::time::Duration;

use raft::{
    Config, EntryId, FirstEntry, Index, Instant, Jitter, MessageId, Node, RoleName, Status, Term,
};

use super::peer_id;
use crate::service::{Service, Snapshots};
use crate::sim::disk::{Disk, Latency};
use crate::sim::network::Connection;
use crate::sim::random::{Domain, Stream};

/// One peer.
pub(super) struct Peer {
    /// The running node; `None` while the peer is down.
    pub(super) node: Option<Node>,
    /// How often the peer has started: completions meant for an earlier life are ignored.
    pub(super) incarnation: u64,
    pub(super) disk: Disk,
    pub(super) service: Service,
    /// When the peer's next timer event happens.
    pub(super) armed: Option<Instant>,
    /// The number of the next message this peer may use.
    pub(super) next_message: MessageId,
}

/// A peer as a report shows it.
#[derive(Clone, Copy, Debug)]
pub struct PeerView {
    /// What the node says of itself; `None` while the peer is down.
    pub status: Option<Status>,
    /// The snapshot's place and the last entry of the node's log.
    pub log: Option<(EntryId, EntryId)>,
    /// The last index its service was given.
    pub service: Index,
    /// The durable term.
    pub disk_term: Term,
    /// The last durable entry.
    pub disk_last: EntryId,
    /// Writes that are not durable yet.
    pub disk_pending: usize,
    /// Whether the tester has it connected.
    pub connection: Connection,
}

impl Peer {
    pub(super) fn new(seed: u64, place: usize, snapshots: Snapshots, latency: Latency) -> Self {
        Self {
            node: None,
            incarnation: 0,
            disk: Disk::new(seed, place, latency),
            service: Service::new(snapshots),
            armed: None,
            next_message: MessageId::new(1),
        }
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.node.as_ref().map(Node::status)
    }

    /// The term of this peer's entry at an index, if the peer leads `term`.
    pub(super) fn leader_term_at(&self, term: Term, index: Index) -> Option<Term> {
        let node = self.node.as_ref()?;
        let status = node.status();
        let leads = status.role == RoleName::Leader && status.current_term == term;
        if leads { node.log().term_at(index) } else { None }
    }

    pub(super) fn view(&self, connection: Connection) -> PeerView {
        PeerView {
            status: self.status(),
            log: self.node.as_ref().map(|node| (node.log().base(), node.log().last())),
            service: self.service.last_applied(),
            disk_term: self.disk.durable().hard_state.current_term,
            disk_last: self.disk.durable().last(),
            disk_pending: self.disk.pending(),
            connection,
        }
    }
}

/// The settings of the lab's peers.
///
/// A heartbeat every 100 ms is what the labs allow at most; timeouts leave room for two lost
/// heartbeats, and are wide enough that split votes are rare among seven peers.
pub(super) fn lab_config(place: usize, peers: usize, first_message_id: MessageId) -> Config {
    Config {
        election_timeout_min: ELECTION_TIMEOUT_MIN,
        election_timeout_max: Duration::from_millis(600),
        heartbeat_interval: Duration::from_millis(100),
        // Half of the tester's own polls: nobody waits longer for it, and under load the news of a
        // commit travels with the next entries.
        commit_notice_delay: Duration::from_millis(10),
        // The scenarios' snapshots grow to about five kilobytes: most go in several pieces.
        snapshot_chunk_bytes: 1024,
        first_entry: FirstEntry::Command,
        first_message_id,
        ..Config::new(peer_id(place), (0..peers).map(peer_id).collect())
    }
}

/// The shortest time without a leader after which a peer stands for election.
pub(super) const ELECTION_TIMEOUT_MIN: Duration = Duration::from_millis(300);

/// A peer's election timeouts: the n-th draw in a term depends on nothing but the seed, the peer,
/// its incarnation, the term and n.
pub(super) struct PeerJitter {
    seed: u64,
    place: usize,
    incarnation: u64,
    term: Option<Term>,
    stream: Stream,
}

impl PeerJitter {
    pub(super) const fn new(seed: u64, place: usize, incarnation: u64) -> Self {
        let stream = Stream::new(seed, Domain::Jitter, [0, 0]);
        Self { seed, place, incarnation, term: None, stream }
    }
}

impl Jitter for PeerJitter {
    fn draw(&mut self, term: Term) -> u64 {
        if self.term != Some(term) {
            self.term = Some(term);
            let life = self.incarnation << 16 | self.place as u64;
            self.stream = Stream::new(self.seed, Domain::Jitter, [life, term.number()]);
        }
        self.stream.draw()
    }
}
