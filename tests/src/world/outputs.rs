//! Outputs of nodes, processed by the contract of [`raft::output`].

use std::time::Duration;

use raft::message::{Candidacy, Carried, Direction, Vote};
use raft::role::Role;
use raft::{
    Entry, EntryId, Envelope, Incarnation, Index, Message, Output, PersistentState, Record, Round,
    Snapshot, codec,
};

use super::event::{Arrival, Event, Link};
use super::peer::Inputs;
use super::servers::{FIRST_STRANGER, server_from};
use super::state::World;
use crate::case::Limits;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::ObservedPeer;
use crate::invariants::violation::Witness;
use crate::invariants::{address_book, durability, limits, pre_vote, read_index, transfer};
use crate::service::Machine;
use crate::sim::disk::{Disk, FlushFault};
use crate::sim::frames;
use crate::sim::network::{Loss, Verdict};
use crate::sim::queue::Source;

impl World {
    /// Processes the outputs of all touched peers.
    pub(super) fn process_outputs(&mut self) -> Result<(), Failure> {
        for turn in 0..self.touched.len() {
            self.process_peer_outputs(self.touched[turn])?;
        }
        self.touched.clear();
        Ok(())
    }

    /// Checks a peer after each input, processes its outputs, at once or later, and checks it again
    /// after polling them.
    fn process_peer_outputs(&mut self, server: usize) -> Result<(), Failure> {
        self.acting = Some(server);
        self.check_transition(server)?;
        self.check_invariants(server)?;
        if self.polls_late(server) {
            self.probe_coverage(server);
            self.begin_flush(server);
            return Ok(());
        }
        while let Some(output) = self.poll(server) {
            match output {
                Output::Persist(write) => self.persist(server, write)?,
                Output::Send(envelope) => self.send(server, &envelope)?,
                Output::Apply(entries) => self.apply(server, &entries)?,
                Output::Restore(snapshot) => self.restore(server, &snapshot)?,
                Output::ReadEntries(read) => self.begin_entry_read(server, read),
                Output::Peers(address_book) => self.peers[server].listed = address_book,
                Output::ReadReady { read, index } => self.complete_read(server, read, index)?,
                Output::ReadDropped { read, reason } => self.drop_read(server, read, reason)?,
            }
        }
        self.show_status(server);
        self.check_invariants(server)?;
        self.check_open_reads(server)?;
        self.check_given(server)?;
        self.probe_coverage(server);
        self.peers[server].inputs = Inputs::None;
        self.begin_flush(server);
        self.arm_timer(server);
        Ok(())
    }

    fn show_status(&self, server: usize) {
        let peer = &self.peers[server];
        if let Some(service) = peer.service.hosted()
            && let Some(status) = peer.status()
        {
            service.borrow_mut().observe(&status);
        }
    }

    /// Returns whether a peer's outputs are taken later; if so, its next inputs are handled before.
    fn polls_late(&mut self, server: usize) -> bool {
        let (now, seed, late_polls) = (self.now, self.seed, self.settings.late_polls);
        let peer = &mut self.peers[server];
        if let Some(at) = peer.poll_at {
            peer.poll_at = Some(at).filter(|at| *at > now);
            if peer.poll_at.is_some() {
                self.coverage.hit(Mark::InputsBatched);
            }
            return self.peers[server].poll_at.is_some();
        }
        let Some(delay) = late_polls.draw(seed, server, now) else { return false };
        let at = now.after(delay);
        peer.poll_at = Some(at);
        self.queue.push(at, Source::poll(server), Event::Poll { server });
        true
    }

    fn poll(&mut self, server: usize) -> Option<Output> {
        self.peers[server].node.as_mut()?.poll_output()
    }

    fn check_invariants(&mut self, server: usize) -> Result<(), Failure> {
        self.observe_log(server)?;
        let Some(observed) = observed_peer(&self.peers, server, self.now) else { return Ok(()) };
        // An index that rose with this input was counted in the configuration before it.
        let before = &self.peers[server].members.last.1;
        let (first_peer, size) = (self.first_peer, self.peers.len());
        let holds = |peer, id| {
            let disk = server_from(first_peer, peer, size).map(|server| &self.peers[server].disk);
            let stores = [before, observed.members].map(|members| members.store_of(peer));
            disk.is_some_and(|disk| stores.iter().any(|meant| has_held(disk, *meant, id)))
        };
        self.committed = self.committed.max(observed.status.commit_index);
        self.invariants.check_after_input(observed, holds)?;
        self.check_round(server)
    }

    fn check_given(&self, server: usize) -> Result<(), Failure> {
        let peer = &self.peers[server];
        let Some(status) = peer.status() else { return Ok(()) };
        Ok(peer.service.check_given(self.witness(server), status.last_applied)?)
    }

    /// Checks the rounds that a leader counts as confirmed since the last look.
    fn check_round(&mut self, server: usize) -> Result<(), Failure> {
        let witness = self.witness(server);
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        let Role::Leader(leader) = node.role() else {
            peer.confirmed_round = Round::ZERO;
            return Ok(());
        };
        let confirmed = leader.reads.confirmed_round();
        let before = std::mem::replace(&mut peer.confirmed_round, confirmed);
        if confirmed <= before {
            return Ok(());
        }
        let answered = |of| peer.contact.answered_round(of);
        Ok(read_index::check_round(witness, confirmed, node.membership(), answered)?)
    }

    fn persist(&mut self, server: usize, write: raft::Write) -> Result<(), Failure> {
        if let Record::Snapshot { snapshot, .. } = &write.record {
            self.invariants.check_stored_snapshot(self.witness(server), snapshot)?;
        }
        if self.peers[server].inputs == Inputs::PreVotes {
            let what = format!("{:?}", write.record);
            return Err(pre_vote::write_violation(self.witness(server), &what).into());
        }
        self.cover_write(server, &write.record);
        self.peers[server].disk.write(write);
        Ok(())
    }

    /// Goes through the logs of all running peers, and compares the states of their services.
    pub(super) fn audit(&mut self) -> Result<(), Failure> {
        for server in 0..self.peers.len() {
            self.observe_whole_log(server)?;
            if let Some(observed) = observed_peer(&self.peers, server, self.now) {
                self.invariants.audit(observed)?;
            }
            let witness = self.witness(server);
            self.peers[server].service.check_state(witness, &mut self.applied_log)?;
        }
        Ok(())
    }

    fn send(&mut self, from: usize, envelope: &Envelope) -> Result<(), Failure> {
        let Some(to) = self.server_of(envelope.to) else {
            let (unknown, disk) = (envelope.to, self.peers[from].disk.durable());
            if unknown.number() >= FIRST_STRANGER {
                self.invariants.check_sent(from, self.witness(from), envelope, disk, |_| None)?;
                address_book::check_sent(self.witness(from), envelope, &self.peers[from].listed)?;
                return Ok(());
            }
            return Err(Failure::expected(format_args!(
                "peer {from} sends to the unknown peer {unknown}"
            )));
        };
        let leader = &self.peers[to];
        let term_at = |index: Index| leader.leader_term_at(envelope.term, index);
        let disk = self.peers[from].disk.durable();
        self.invariants.check_sent(from, self.witness(from), envelope, disk, term_at)?;
        if let Some(node) = &self.peers[from].node {
            Self::cover_sent(&mut self.coverage, envelope, node);
        }
        let witness = self.witness(from);
        if envelope.message == Message::RequestVoteReply(Vote::Granted)
            && let Some((term, candidate, store)) = self.peers[from].vote_request
            && (term, candidate) == (envelope.term, envelope.to)
        {
            self.invariants.check_voted_store(witness, term, (candidate, store))?;
        }
        address_book::check_sent(witness, envelope, &self.peers[from].listed)?;
        self.peers[from].open_pre_votes.check_answer(witness, envelope)?;
        self.check_leader(from, to, envelope)?;
        let next = envelope.id.next();
        self.peers[from].next_message = self.peers[from].next_message.max(next);

        let bytes = codec::encode(envelope);
        let direction = envelope.message.direction();
        let sent = self.network.send(from, to, direction);
        let sent = self.recorder.decide_message(from, to, sent);
        let verdict = sent.verdict();
        self.count(envelope, direction, bytes.len(), verdict);
        let bytes = match sent.faults.flipped {
            None => bytes,
            Some(flips) => match frames::with_flips(envelope, sent.number, flips) {
                Some(damaged) => damaged,
                None => {
                    self.coverage.hit(Mark::DamagedFrame);
                    self.lose(envelope, Loss::Damaged);
                    return Ok(());
                }
            },
        };
        match verdict {
            Verdict::Deliver(delay) => self.deliver_after(delay, from, to, bytes, Arrival::First),
            Verdict::DeliverTwice(first, second) => {
                self.deliver_after(first, from, to, bytes.clone(), Arrival::First);
                self.deliver_after(second, from, to, bytes, Arrival::Second);
            }
            Verdict::Lose(loss) => self.lose(envelope, loss),
        }
        Ok(())
    }

    /// Checks what a leader sends against its limits and its intentions.
    fn check_leader(&mut self, from: usize, to: usize, envelope: &Envelope) -> Result<(), Failure> {
        if let Message::RequestVote(request) = &envelope.message
            && request.candidacy == Candidacy::Transfer
        {
            self.peers[from].transfer_candidacy = Some(envelope.term);
        }
        let Some(node) = &self.peers[from].node else { return Ok(()) };
        let (witness, log) = (self.witness(from), node.log());
        if envelope.message == Message::TimeoutNow {
            let disk = &self.peers[to].disk;
            let meant = node.membership().store_of(envelope.to);
            // One that is lost since is not a mistake of the leader's.
            if disk.lost().is_empty() || !has_held(disk, meant, log.last()) {
                transfer::check_successor(witness, envelope.term, log.last(), disk.durable())?;
            }
        }
        if let Message::AppendEntries(append) = &envelope.message
            && append.carried() == Carried::Entries
            && let Role::Leader(leader) = node.role()
            && let Some(progress) = leader.followers.get(&envelope.to)
        {
            let Limits { in_flight_bytes, append_bytes, .. } = self.settings.limits;
            limits::in_flight(witness, log, progress, in_flight_bytes, append_bytes)?;
        }
        Ok(())
    }

    fn deliver_after(
        &mut self,
        delay: Duration,
        from: usize,
        to: usize,
        bytes: Vec<u8>,
        arrival: Arrival,
    ) {
        let life = self.peers[to].incarnation;
        let event = Event::Deliver { link: Link::new(from, to), bytes, arrival, life };
        self.queue.push(self.now.after(delay), Source::link(from, to), event);
    }

    fn lose(&mut self, envelope: &Envelope, loss: Loss) {
        self.trace.number(envelope.id.number());
        self.log_lost(envelope, loss);
    }

    /// A request counts when it is sent, a reply when it will arrive, as in the labs.
    fn count(&mut self, envelope: &Envelope, direction: Direction, bytes: usize, verdict: Verdict) {
        let arrives = !matches!(verdict, Verdict::Lose(_));
        match direction {
            Direction::Request => {
                self.traffic.rpcs += 1;
                self.traffic.bytes += bytes as u64;
            }
            Direction::Reply if arrives => self.traffic.bytes += bytes as u64,
            Direction::Reply => {}
        }
        if matches!(envelope.message, Message::InstallSnapshot(_)) {
            self.traffic.snapshot_chunks += 1;
        }
    }

    fn apply(&mut self, server: usize, entries: &[Entry]) -> Result<(), Failure> {
        let witness = self.witness(server);
        self.invariants.check_applied(witness, entries, self.peers[server].disk.durable())?;
        for entry in entries {
            self.apply_one(server, witness, entry)?;
        }
        Ok(())
    }

    fn apply_one(&mut self, server: usize, witness: Witness, entry: &Entry) -> Result<(), Failure> {
        let known = self.applied_log.last();
        let service = &mut self.peers[server].service;
        let applied = service.apply(witness, entry, &mut self.applied_log)?;
        let index = entry.id.index;
        if index > known && self.settings.machine == Machine::Store {
            let command = self.applied_log.command(index).cloned().unwrap_or_default();
            self.ledger.check_applied(witness, index, &command)?;
        }
        if let Some((request, execution)) = applied.request {
            if index > known {
                self.cover_request(&request, execution);
            }
            self.open_requests.record_executed(server, &request, execution, self.events);
        }
        match applied.snapshot {
            Some(data) => self.compact(server, index, data),
            None => Ok(()),
        }
    }

    pub(super) fn compact(
        &mut self,
        server: usize,
        through: Index,
        data: raft::Bytes,
    ) -> Result<(), Failure> {
        let peer = &mut self.peers[server];
        let now = peer.clock.local_time(self.now);
        let Some(node) = &mut peer.node else { return Ok(()) };
        match node.compact(now, through, data.into()) {
            // A leader's snapshot may have come first; a peer that joined may not know its members
            // yet.
            Ok(())
            | Err(
                raft::CompactError::AlreadyCompacted { .. }
                | raft::CompactError::MembersUnknown { .. },
            ) => Ok(()),
            Err(error) => Err(Failure::expected(format_args!(
                "peer {server} does not take its service's snapshot through {through}: {error}"
            ))),
        }
    }

    fn restore(&mut self, server: usize, snapshot: &Snapshot) -> Result<(), Failure> {
        let witness = self.witness(server);
        let Self { peers, applied_log, invariants, .. } = self;
        let peer = &mut peers[server];
        invariants.check_restored(witness, snapshot, peer.disk.durable())?;
        Ok(peer.service.restore(witness, snapshot, applied_log)?)
    }

    fn begin_flush(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        let Some(start) = peer.disk.begin_flush() else { return };
        let start = self.recorder.decide_flush(server, start);
        let (length, failed) = match start.fault {
            None => (start.latency, None),
            Some(FlushFault::Stalls(length)) => (length, None),
            Some(FlushFault::Fails) => (start.latency, Some(start.number)),
        };
        let event = Event::Flushed { server, incarnation: peer.incarnation, failed };
        self.queue.push(self.now.after(length), Source::disk(server), event);
        self.cover_flush(length);
    }

    /// Makes sure that a timer event happens no later than the node wants it. A deadline that
    /// moved on is found when the earlier event happens, which saves an event per heartbeat.
    fn arm_timer(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        let Some(due) = peer.node.as_ref().and_then(raft::Node::poll_timeout) else { return };
        let due = peer.clock.world_time(due).max(self.now);
        if peer.armed.is_none_or(|armed| due < armed) {
            peer.armed = Some(due);
            self.queue.push(due, Source::timer(server), Event::Timer { server });
        }
    }

    pub(super) const fn witness(&self, server: usize) -> Witness {
        Witness { peer: self.peer_id(server), at: self.now }
    }
}

/// A running peer from outside.
pub(super) fn observed_peer(
    peers: &[super::peer::Peer],
    server: usize,
    at: raft::Instant,
) -> Option<ObservedPeer<'_>> {
    let peer = &peers[server];
    let node = peer.node.as_ref()?;
    Some(ObservedPeer {
        at,
        server,
        status: node.status(),
        log: peer.whole_log.as_ref().unwrap_or_else(|| node.log()),
        members: node.membership(),
        disk: peer.disk.durable(),
    })
}

/// Returns whether the store that a configuration means by a member holds an entry, or did before it was
/// lost: it has crashed for ever, and what it acknowledged counts. Another store under the same id
/// counts for nothing. Without a record, any store may be meant.
pub(super) fn has_held(disk: &Disk, meant: Option<Incarnation>, id: EntryId) -> bool {
    let is_meant = |stored: &&PersistentState| {
        let own = stored.identity.as_ref().map(|identity| identity.incarnation);
        meant.is_none() || own == meant
    };
    let all = disk.lost().iter().chain([disk.durable()]);
    all.filter(is_meant).any(|stored| durability::holds(stored, id))
}
