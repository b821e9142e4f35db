//! One peer: a node that may be down, its disk that stays, its service, its timer.

use std::sync::Arc;

use raft::output::AddressBook;
use raft::{
    Config, EntryId, Incarnation, Index, Instant, Jitter, Log, Membership, MessageId, Node, PeerId,
    RoleName, Round, Status, Term,
};

use super::servers::peer_id;
use crate::case::Settings;
use crate::hosted::{PeerService, SharedService};
use crate::invariants::leader_contact::{LeaderContact, StepDown};
use crate::invariants::pre_vote::{GrantedPreVotes, OpenPreVotes};
use crate::service::Service;
use crate::sim::clock::Clock;
use crate::sim::disk::Disk;
use crate::sim::network::Connection;
use crate::sim::random::{Domain, Stream};

/// One peer.
pub(super) struct Peer {
    /// The running node; `None` while the peer is down.
    pub(super) node: Option<Node>,
    /// Number of starts: completions meant for an earlier incarnation are ignored.
    pub(super) incarnation: u32,
    pub(super) disk: Disk,
    /// Its log with the entries that only the disk holds, if the checks need them.
    pub(super) whole_log: Option<Log>,
    /// Number of reads of entries.
    pub(super) entry_reads: u64,
    pub(super) service: PeerService,
    pub(super) clock: Clock,
    /// End of the peer's pause.
    pub(super) paused_until: Option<Instant>,
    /// Contacts since it started.
    pub(super) contact: LeaderContact,
    /// Pre-vote requests since it started that have no answer yet.
    pub(super) open_pre_votes: OpenPreVotes,
    /// Pre-votes it was granted.
    pub(super) granted_pre_votes: GrantedPreVotes,
    /// The newest round that it counts as confirmed, if it leads.
    pub(super) confirmed_round: Round,
    /// The peers that its driver may send to.
    pub(super) listed: AddressBook,
    /// Its time at the last tick since its outputs were taken.
    pub(super) ticked_at: Option<Instant>,
    /// The time of its next poll, if that is late.
    pub(super) poll_at: Option<Instant>,
    /// Its inputs since the last poll.
    pub(super) inputs: Inputs,
    /// It was asked to step down.
    pub(super) step_down: StepDown,
    /// The term of the last TimeoutNow it received.
    pub(super) timeout_now_term: Option<Term>,
    /// The last request for its vote: term, candidate and the candidate's store.
    pub(super) vote_request: Option<(Term, PeerId, Incarnation)>,
    /// The term of its last candidacy by a transfer.
    pub(super) transfer_candidacy: Option<Term>,
    /// It was transferring leadership at the last probe.
    pub(super) transferring: bool,
    /// Status at the last probe.
    pub(super) last_status: Option<Status>,
    /// As above, of its members.
    pub(super) members: ObservedMembership,
    /// Time of the peer's next timer event.
    pub(super) armed: Option<Instant>,
    /// The number of the next message this peer may use.
    pub(super) next_message: MessageId,
}

/// The inputs of a peer since its outputs were taken last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inputs {
    None,
    /// Pre-vote requests alone, which write nothing.
    PreVotes,
    /// Others, too.
    Any,
}

impl Inputs {
    /// The inputs with one more pre-vote request.
    pub(super) const fn with_pre_vote(self) -> Self {
        match self {
            Self::None | Self::PreVotes => Self::PreVotes,
            Self::Any => Self::Any,
        }
    }
}

/// A peer as a report shows it.
#[derive(Clone, Copy, Debug)]
pub struct PeerView {
    /// Its identity.
    pub peer: PeerId,
    /// Status of the node; `None` while the peer is down.
    pub status: Option<Status>,
    /// The snapshot's last entry and the last entry of the node's log.
    pub log: Option<(EntryId, EntryId)>,
    /// The last index its service was given.
    pub service: Index,
    /// The durable term.
    pub disk_term: Term,
    /// The last durable entry.
    pub disk_last: EntryId,
    /// Writes that are not durable yet.
    pub disk_pending: usize,
    /// Connection, as the tester set it.
    pub connection: Connection,
}

impl Peer {
    pub(super) fn new(
        seed: u64,
        server: usize,
        settings: &Settings,
        hosted: Option<SharedService>,
    ) -> Self {
        let mut disk = Disk::new(seed, server, settings.latency);
        disk.set_flush_faults(settings.flush_faults);
        Self {
            node: None,
            incarnation: 0,
            disk,
            whole_log: None,
            entry_reads: 0,
            service: hosted.map_or_else(
                || PeerService::Recorded(Service::new(settings.snapshots, settings.machine)),
                |service| PeerService::Hosted(service, Index::ZERO),
            ),
            clock: settings.clocks.get(server).copied().map_or(Clock::EXACT, Clock::with_drift),
            paused_until: None,
            contact: LeaderContact::default(),
            open_pre_votes: OpenPreVotes::default(),
            granted_pre_votes: GrantedPreVotes::default(),
            confirmed_round: Round::ZERO,
            listed: AddressBook::new(),
            ticked_at: None,
            poll_at: None,
            inputs: Inputs::None,
            step_down: StepDown::Unrequested,
            timeout_now_term: None,
            vote_request: None,
            transfer_candidacy: None,
            transferring: false,
            last_status: None,
            members: ObservedMembership::default(),
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

    pub(super) fn view(&self, peer: PeerId, connection: Connection) -> PeerView {
        PeerView {
            peer,
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

/// Membership of a peer at the last probe.
#[derive(Clone, Debug, Default)]
pub(super) struct ObservedMembership {
    /// Its configuration, and the index of that.
    pub(super) last: (Index, Arc<Membership>),
    pub(super) state: MemberState,
}

/// Membership state of a peer over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MemberState {
    #[default]
    Never,
    Member,
    Left,
}

impl ObservedMembership {
    /// Records the configuration of a peer that starts.
    pub(super) fn starts(&mut self, node: &Node) {
        self.last = (node.membership_index(), Arc::clone(node.membership()));
    }
}

/// A peer's settings, as the core takes them.
pub(crate) fn config(
    first_peer: usize,
    server: usize,
    settings: &Settings,
    first_message_id: MessageId,
) -> Config {
    let Settings { initial_members, timing, limits, first_entry, protocol, reads, .. } = settings;
    let id = |server| peer_id(first_peer + server);
    let initial_members = if server < *initial_members { 0..*initial_members } else { 0..0 };
    Config {
        election_timeout_min: timing.election_min,
        election_timeout_max: timing.election_max,
        heartbeat_interval: timing.heartbeat,
        commit_notice_delay: timing.commit_notice,
        append_bytes_max: limits.append_bytes,
        messages_in_flight_max: limits.in_flight,
        in_flight_bytes_max: limits.in_flight_bytes,
        uncommitted_bytes_max: limits.uncommitted_bytes,
        snapshot_chunk_bytes: limits.chunk_bytes,
        trailing_entries_max: limits.trailing.0,
        trailing_bytes_max: limits.trailing.1,
        cache_bytes_max: limits.cache_bytes,
        pre_vote: protocol.pre_vote,
        check_quorum: protocol.check_quorum,
        first_entry: *first_entry,
        reads: *reads,
        read_timeout: timing.read(),
        first_message_id,
        ..Config::new(id(server), initial_members.map(id).collect())
    }
}

/// A peer's election timeouts: the n-th draw in a term depends on nothing but the seed, the peer,
/// the term and n, whether it was restarted before or not.
pub(crate) struct PeerJitter {
    seed: u64,
    server: usize,
    term: Option<Term>,
    stream: Stream,
}

impl PeerJitter {
    pub(crate) const fn new(seed: u64, server: usize) -> Self {
        let stream = Stream::new(seed, Domain::Jitter, [0, 0]);
        Self { seed, server, term: None, stream }
    }
}

impl Jitter for PeerJitter {
    fn draw(&mut self, term: Term) -> u64 {
        if self.term != Some(term) {
            self.term = Some(term);
            let names = [self.server as u64, term.number()];
            self.stream = Stream::new(self.seed, Domain::Jitter, names);
        }
        self.stream.draw()
    }
}
