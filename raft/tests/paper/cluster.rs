//! A cluster of nodes without a network: messages wait until a test delivers them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use raft::message::{
    AppendEntries, AppendEntriesReply, Candidacy, Carried, RequestPreVote, RequestVote,
};
use raft::{
    AddressBook, ChangeError, CheckQuorum, Config, Entry, EntryId, EntryRead, Envelope, FirstEntry,
    Index, Input, Instant, Jitter, LogSlice, Membership, MembershipChange, Message, MessageId,
    Node, Output, Payload, PeerId, PersistentState, PreVote, ReadDropReason, ReadError, ReadId,
    RoleName, Round, Snapshot, Term, WriteId,
};

/// The speed of a peer's disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Immediate,
    Stalled,
}

/// One peer with everything around it.
pub(crate) struct Peer {
    pub(crate) node: Node,
    pub(crate) stored: PersistentState,
    pub(crate) applied: Vec<Entry>,
    pub(crate) restored: Vec<Snapshot>,
    /// Reads of entries that have no answer yet.
    pub(crate) reading: Vec<EntryRead>,
    /// Results of reads: the index that was ready or the reason it was dropped, with the last index
    /// applied by then.
    pub(crate) reads: Vec<(ReadId, Result<Index, ReadDropReason>, Index)>,
    pub(crate) disk: Disk,
    /// The node's address book.
    pub(crate) address_book: AddressBook,
    written: WriteId,
    /// Number of earlier starts.
    lives: u64,
}

impl Peer {
    fn record_read(&mut self, read: ReadId, end: Result<Index, ReadDropReason>) {
        let restored = self.restored.last().map_or(Index::ZERO, Snapshot::index);
        let applied = self.applied.last().map_or(restored, |entry| entry.id.index.max(restored));
        self.reads.push((read, end, applied));
    }
}

pub(crate) struct Cluster {
    pub(crate) peers: BTreeMap<PeerId, Peer>,
    pub(crate) wire: VecDeque<Envelope>,
    pub(crate) now: Instant,
    cut: BTreeSet<PeerId>,
    /// The number of initial members; all others join.
    size: u64,
    change: fn(&mut Config),
}

/// Longer timeouts for peers with higher numbers, so that tests know the order of elections.
struct JitterByNumber(u64);

impl Jitter for JitterByNumber {
    fn draw(&mut self, _: Term) -> u64 {
        self.0 << 58
    }
}

pub(crate) fn peer(number: u64) -> PeerId {
    PeerId::new(number)
}

pub(crate) fn entry(term: u64, index: u64) -> Entry {
    let payload = Payload::Command([index as u8].as_slice().into());
    Entry { id: id(term, index), payload }
}

pub(crate) fn id(term: u64, index: u64) -> EntryId {
    EntryId::new(Term::new(term), Index::new(index))
}

impl Cluster {
    pub(crate) fn new(size: u64) -> Self {
        Self::with(size, |_| {})
    }

    pub(crate) fn with(size: u64, change: fn(&mut Config)) -> Self {
        let mut cluster = Self {
            peers: BTreeMap::new(),
            wire: VecDeque::new(),
            now: Instant::START,
            cut: BTreeSet::new(),
            size,
            change,
        };
        (0..size).for_each(|number| cluster.restart_from(peer(number), PersistentState::default()));
        cluster
    }

    /// Starts a peer that is not a member and has no members.
    pub(crate) fn join(&mut self, number: u64) -> PeerId {
        assert!(number >= self.size, "{number} is there from the start");
        self.restart_from(peer(number), PersistentState::default());
        peer(number)
    }

    fn start(&self, peer: PeerId, stored: PersistentState) -> Peer {
        let first = if peer.number() < self.size { 0..self.size } else { 0..0 };
        let mut config = Config::new(peer, first.map(PeerId::new).collect());
        config.first_entry = FirstEntry::Command;
        config.pre_vote = PreVote::Off;
        config.check_quorum = CheckQuorum::Off;
        config.trailing_entries_max = 0;
        (self.change)(&mut config);
        if config.incarnation.is_some() {
            // Numbers of messages rise over all lives of a peer.
            let sent = self.peers.get(&peer).map_or(0, |before| 1000 * (before.lives + 1));
            config.first_message_id = MessageId::new(sent + 1);
        }
        let jitter = Box::new(JitterByNumber(peer.number()));
        let config = config.validate().unwrap();
        let recent = stored.clone().recent(config.settings().cache_bytes_max);
        let node = Node::new(config, recent, self.now, jitter).unwrap();
        Peer {
            address_book: node.address_book().clone(),
            node,
            stored,
            applied: vec![],
            restored: vec![],
            reading: vec![],
            reads: vec![],
            disk: Disk::Immediate,
            written: WriteId::ZERO,
            lives: self.peers.get(&peer).map_or(0, |before| before.lives + 1),
        }
    }

    /// Restarts a peer from its disk.
    pub(crate) fn restart(&mut self, peer: PeerId) {
        let stored = self.peers[&peer].stored.clone();
        self.restart_from(peer, stored);
    }

    /// Starts a peer from this disk.
    pub(crate) fn restart_from(&mut self, peer: PeerId, stored: PersistentState) {
        let fresh = self.start(peer, stored);
        self.peers.insert(peer, fresh);
    }

    pub(crate) fn node(&self, peer: PeerId) -> &Node {
        &self.peers[&peer].node
    }

    pub(crate) fn role(&self, peer: PeerId) -> RoleName {
        self.node(peer).status().role
    }

    pub(crate) fn stall_disk(&mut self, peer: PeerId) {
        self.peers.get_mut(&peer).unwrap().disk = Disk::Stalled;
    }

    pub(crate) fn resume_disk(&mut self, peer: PeerId) {
        let now = self.now;
        let peer = self.peers.get_mut(&peer).unwrap();
        peer.disk = Disk::Immediate;
        peer.node.handle(now, Input::Persisted(peer.written));
    }

    /// Answers the reads of entries of a peer from its disk; returns their number.
    pub(crate) fn answer_entry_reads(&mut self, peer: PeerId) -> usize {
        let this = self.peers.get_mut(&peer).unwrap();
        let reading = std::mem::take(&mut this.reading);
        for EntryRead { id, first, through, bytes_max, .. } in &reading {
            let entries = this.stored.read(*first, *through, *bytes_max);
            this.node.handle(self.now, Input::EntriesRead { read: *id, entries });
        }
        reading.len()
    }

    pub(crate) fn cut(&mut self, peer: PeerId) {
        self.cut.insert(peer);
    }

    pub(crate) fn heal(&mut self, peer: PeerId) {
        self.cut.remove(&peer);
    }

    pub(crate) fn handle(&mut self, peer: PeerId, input: Input) {
        let now = self.now;
        self.peers.get_mut(&peer).unwrap().node.handle(now, input);
    }

    pub(crate) fn propose(&mut self, peer: PeerId, command: &[u8]) -> EntryId {
        let now = self.now;
        self.peers.get_mut(&peer).unwrap().node.propose(now, command.into()).unwrap()
    }

    /// Requests a change of members.
    pub(crate) fn change(
        &mut self,
        at: u64,
        change: MembershipChange,
    ) -> Result<EntryId, ChangeError> {
        let now = self.now;
        self.peers.get_mut(&peer(at)).unwrap().node.change_membership(now, change)
    }

    pub(crate) fn read(&mut self, peer: PeerId, read: u64) -> Result<(), ReadError> {
        let now = self.now;
        self.peers.get_mut(&peer).unwrap().node.read(now, ReadId::new(read))
    }

    /// The results of a peer's reads since the last call, by their numbers.
    pub(crate) fn reads(&mut self, peer: PeerId) -> Vec<(u64, Result<u64, ReadDropReason>)> {
        let reads = std::mem::take(&mut self.peers.get_mut(&peer).unwrap().reads);
        let plain = |(read, end, applied): (ReadId, Result<Index, ReadDropReason>, Index)| {
            let early = end.is_ok_and(|index| index > applied);
            assert!(!early, "{read} is ready before it is applied");
            (read.number(), end.map(Index::number))
        };
        reads.into_iter().map(plain).collect()
    }

    /// Fires a peer's timer, and no other.
    pub(crate) fn time_out(&mut self, peer: PeerId) {
        let deadline = self.node(peer).poll_timeout().unwrap();
        self.now = self.now.max(deadline);
        self.handle(peer, Input::Tick);
    }

    /// Advances the time of all peers; timers that are due fire.
    pub(crate) fn advance(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            self.handle(peer, Input::Tick);
        }
    }

    /// Takes all outputs of a peer; its messages go to the wire.
    pub(crate) fn poll(&mut self, peer: PeerId) {
        let now = self.now;
        let this = self.peers.get_mut(&peer).unwrap();
        while let Some(output) = this.node.poll_output() {
            match output {
                Output::Persist(write) => {
                    this.stored.record(&write.record);
                    this.written = write.id;
                    if this.disk == Disk::Immediate {
                        this.node.handle(now, Input::Persisted(write.id));
                    }
                }
                Output::Send(envelope) => self.wire.push_back(envelope),
                Output::Apply(entries) => this.applied.extend(entries),
                Output::Restore(snapshot) => this.restored.push(snapshot),
                Output::ReadReady { read, index } => this.record_read(read, Ok(index)),
                Output::ReadDropped { read, reason } => this.record_read(read, Err(reason)),
                Output::Peers(address_book) => this.address_book = address_book,
                Output::ReadEntries(read) => this.reading.push(read),
            }
        }
    }

    pub(crate) fn poll_all(&mut self) {
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            self.poll(peer);
        }
    }

    /// Delivers messages in order until there is none. Returns their number.
    pub(crate) fn deliver_all(&mut self) -> usize {
        let mut delivered = 0;
        self.poll_all();
        while let Some(envelope) = self.wire.pop_front() {
            assert!(delivered < 10_000, "endless messages");
            let lost = self.cut.contains(&envelope.from) || self.cut.contains(&envelope.to);
            if !lost && self.peers.contains_key(&envelope.to) {
                delivered += 1;
                let to = envelope.to;
                self.handle(to, Input::Receive(envelope));
                self.poll(to);
            }
        }
        delivered
    }

    /// Makes a peer the leader of the next term.
    pub(crate) fn elect(&mut self, peer: PeerId) {
        self.time_out(peer);
        self.deliver_all();
        assert_eq!(self.role(peer), RoleName::Leader, "{peer} wins");
    }

    /// Proposes a command and lets it commit.
    pub(crate) fn commit(&mut self, leader: PeerId, command: &[u8]) -> EntryId {
        let id = self.propose(leader, command);
        self.deliver_all();
        assert!(self.node(leader).status().commit_index >= id.index, "{id} commits");
        id
    }

    /// Takes a peer's messages off the wire, undelivered.
    pub(crate) fn take_sent(&mut self, peer: PeerId) -> Vec<Message> {
        self.poll(peer);
        self.wire.drain(..).filter(|envelope| envelope.from == peer).map(|e| e.message).collect()
    }

    /// Delivers a message made by the test.
    pub(crate) fn inject(&mut self, from: u64, to: PeerId, term: u64, message: Message) {
        let (from, term) = (peer(from), Term::new(term));
        let envelope = Envelope { id: MessageId::new(1), from, to, term, store: None, message };
        self.handle(to, Input::Receive(envelope));
    }
}

pub(crate) fn request_vote(term: u64, index: u64) -> Message {
    Message::RequestVote(RequestVote { last_log: id(term, index), candidacy: Candidacy::Timeout })
}

pub(crate) fn append(prev: EntryId, entries: &[Entry], leader_commit: u64) -> Message {
    let slice = LogSlice::new(prev, entries.to_vec()).unwrap();
    Message::AppendEntries(AppendEntries {
        slice,
        leader_commit: Index::new(leader_commit),
        round: Round::ZERO,
    })
}

pub(crate) fn request_pre_vote(term: u64, index: u64) -> Message {
    Message::RequestPreVote(RequestPreVote { last_log: id(term, index) })
}

/// A follower's reply to entries.
pub(crate) fn accepted(index: u64) -> Message {
    accepted_of(index, Carried::Entries)
}

/// A follower's reply to a heartbeat.
pub(crate) fn heartbeat_accepted(index: u64) -> Message {
    accepted_of(index, Carried::Nothing)
}

fn accepted_of(index: u64, carried: Carried) -> Message {
    let (match_index, round) = (Index::new(index), Round::ZERO);
    Message::AppendEntriesReply(AppendEntriesReply::Accepted { match_index, carried, round })
}

pub(crate) fn rejected(prev: u64, hint: EntryId) -> Message {
    let (prev_log_index, round) = (Index::new(prev), Round::ZERO);
    Message::AppendEntriesReply(AppendEntriesReply::Rejected { prev_log_index, hint, round })
}

/// The end of a snapshot of three peers.
pub(crate) fn done() -> Option<std::sync::Arc<Membership>> {
    Some(Membership::of_voters([0, 1, 2].map(peer)).into())
}

/// A disk with these entries, in the term of the last of them.
pub(crate) fn disk(entries: &[Entry]) -> PersistentState {
    let mut stored = PersistentState { entries: entries.to_vec(), ..PersistentState::default() };
    stored.hard_state.current_term = entries.last().map_or(Term::ZERO, |entry| entry.id.term);
    stored
}
