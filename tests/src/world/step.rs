//! The next event, and its effect on the world.

use raft::role::Role;
use raft::{EntryId, Envelope, Index, Input, Instant, Message, Node, Standing, codec};

use super::event::{Event, FlushNumber};
use super::outputs::has_held;
use super::state::World;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::commit_rule;
use crate::invariants::leader_contact::{MessageKind, ReceivedMessage};
use crate::invariants::violation::Witness;
use crate::sim::disk::Damage;
use crate::sim::executor::Tasks;
use crate::sim::network::{Connection, Loss};
use crate::sim::queue::{Scheduled, Source};

impl World {
    /// Lets the next event happen.
    pub(super) fn step(&mut self, tasks: &Tasks) -> Result<(), Failure> {
        let Some(Scheduled { at, sequence, event, .. }) = self.queue.pop() else {
            return Ok(tasks.check_alive()?);
        };
        self.advance(at, tasks)?;
        self.events += 1;
        self.trace.number(at.as_nanos());
        self.trace.number(sequence);
        self.record_checkpoint();
        let Some(event) = self.defer_if_paused(event) else { return Ok(()) };
        match event {
            Event::Deliver { link, bytes, arrival, life } => {
                let (from, to) = link.ends();
                self.cover_arrival(to, arrival, life);
                self.deliver(from, to, &bytes)
            }
            Event::Timer { server } => self.fire_timer(server),
            Event::Flushed { server, incarnation, failed } => match failed {
                None => self.end_flush(server, incarnation),
                Some(number) => {
                    self.fail_flush(server, incarnation, number);
                    Ok(())
                }
            },
            Event::EntriesRead(read) => {
                self.end_entry_read(*read);
                Ok(())
            }
            Event::Poll { server } => {
                if self.peers[server].poll_at.is_some_and(|at| at <= self.now) {
                    self.mark_due(server);
                }
                Ok(())
            }
            Event::Resume { server } => {
                self.resume(server);
                Ok(())
            }
            Event::Wake(task) => {
                tasks.wake(task);
                Ok(())
            }
        }
    }

    fn record_checkpoint(&mut self) {
        if self.checkpoint_events.is_some_and(|every| self.events.is_multiple_of(every)) {
            self.checkpoints.push(self.trace);
        }
    }

    /// Defers an event of a paused peer until it resumes.
    fn defer_if_paused(&mut self, event: Event) -> Option<Event> {
        let (server, source) = match &event {
            Event::Deliver { link, .. } => {
                let (from, to) = link.ends();
                (to, Source::link(from, to))
            }
            Event::Timer { server } => (*server, Source::timer(*server)),
            Event::Flushed { server, .. } => (*server, Source::disk(*server)),
            Event::EntriesRead(read) => (read.server, Source::entry_reads(read.server)),
            Event::Poll { server } => (*server, Source::poll(*server)),
            Event::Resume { .. } | Event::Wake(_) => return Some(event),
        };
        let peer = &mut self.peers[server];
        let until = peer.paused_until.filter(|until| self.now < *until);
        let Some(until) = until else { return Some(event) };
        if matches!(event, Event::Timer { .. }) && peer.armed == Some(self.now) {
            peer.armed = Some(until);
        }
        self.queue.push(until, source, event);
        None
    }

    fn advance(&mut self, at: Instant, tasks: &Tasks) -> Result<(), Failure> {
        debug_assert!(at >= self.now, "the queue hands out events in the order of time");
        if at == self.now {
            self.events_this_instant += 1;
            if self.events_this_instant > EVENTS_PER_INSTANT_MAX {
                return Err(tasks.livelock().into());
            }
            return Ok(());
        }
        self.now = at;
        self.events_this_instant = 0;
        tasks.advance(at);
        Ok(())
    }

    /// Delivers a message. A link that was cut meanwhile loses it.
    fn deliver(&mut self, from: usize, to: usize, bytes: &[u8]) -> Result<(), Failure> {
        self.trace.bytes(bytes);
        self.acting = Some(to);
        if self.network.link(from, to) == Connection::Cut {
            self.log_lost_in_transit(bytes, Loss::Cut);
            return Ok(());
        }
        if self.peers[to].node.is_none() {
            self.log_lost_in_transit(bytes, Loss::PeerDown);
            return Ok(());
        }
        let envelope = codec::decode(bytes).map_err(|error| {
            Failure::expected(format_args!(
                "a message that peer {from} sent cannot be read: {error}"
            ))
        })?;
        let link = &mut self.arrived[from * self.settings.peers + to];
        if envelope.id < *link {
            self.coverage.hit(Mark::Reordered);
        }
        *link = envelope.id.max(*link);
        self.receive(to, envelope)?;
        self.check_match(from, to)
    }

    /// Lets a running peer handle a message.
    pub(super) fn receive(&mut self, to: usize, envelope: Envelope) -> Result<(), Failure> {
        let Some(node) = &self.peers[to].node else { return Ok(()) };
        Self::cover_message(&mut self.coverage, &envelope, node);
        let local = self.peers[to].clock.local_time(self.now);
        let (before, message) =
            (self.before(to, node, local, &envelope), received(&envelope, node));
        if let (Message::RequestVote(_), Some(store)) = (&envelope.message, envelope.store) {
            let request = (envelope.term, envelope.from, store.incarnation);
            self.peers[to].vote_request = Some(request);
        }
        if let Some(node) = &mut self.peers[to].node {
            node.handle(local, Input::Receive(envelope));
        }
        self.after(to, local, &before, message)?;
        if message.kind == MessageKind::RequestPreVote {
            self.peers[to].inputs = self.peers[to].inputs.with_pre_vote();
            self.mark_due(to);
        } else {
            self.mark_touched(to);
        }
        Ok(())
    }

    /// A leader's idea of a follower may have changed with a message of the follower.
    fn check_match(&self, follower: usize, leader: usize) -> Result<(), Failure> {
        let Some(node) = &self.peers[leader].node else { return Ok(()) };
        let Role::Leader(role) = node.role() else { return Ok(()) };
        let Some(progress) = role.followers.get(&self.peer_id(follower)) else { return Ok(()) };
        let Some(term) = node.log().term_at(progress.match_index) else { return Ok(()) };
        let matched = EntryId::new(term, progress.match_index);
        let meant = node.membership().store_of(self.peer_id(follower));
        if !self.peers[follower].disk.lost().is_empty()
            && has_held(&self.peers[follower].disk, meant, matched)
        {
            return Ok(());
        }
        Ok(commit_rule::check_match_index(
            self.witness(leader),
            node.status().current_term,
            self.peer_id(follower),
            matched,
            self.peers[follower].disk.durable(),
        )?)
    }

    fn fire_timer(&mut self, server: usize) -> Result<(), Failure> {
        let (now, peer) = (self.now, &mut self.peers[server]);
        if peer.armed != Some(now) {
            return Ok(());
        }
        peer.armed = None;
        let local = peer.clock.local_time(now);
        if let Some(node) = &mut peer.node {
            if node.poll_timeout().is_some_and(|due| due <= local) {
                if node.role().election_deadline().is_some_and(|due| due <= local) {
                    peer.granted_pre_votes.record_timeout();
                }
                peer.ticked_at = Some(local);
                node.handle(local, Input::Tick);
                self.mark_touched(server);
            } else {
                self.mark_due(server);
            }
        }
        self.check_quorum_contact(server, local)
    }

    fn end_flush(&mut self, server: usize, incarnation: u32) -> Result<(), Failure> {
        self.acting = Some(server);
        let peer = &mut self.peers[server];
        let Some(node) = peer.node.as_mut().filter(|_| peer.incarnation == incarnation) else {
            return Ok(());
        };
        if let Some(newest) = peer.disk.end_flush() {
            let witness = Witness { peer: node.status().id, at: self.now };
            self.invariants.check_flushed(server, witness, peer.disk.durable())?;
            node.handle(peer.clock.local_time(self.now), Input::Persisted(newest));
            self.mark_touched(server);
        }
        Ok(())
    }

    /// No peer survives a failed flush: its writes may be durable or not.
    fn fail_flush(&mut self, server: usize, incarnation: u32, number: FlushNumber) {
        if self.peers[server].incarnation == incarnation {
            self.coverage.hit(Mark::FailedFlush);
            self.log_test("flush_failed", format_args!("fails flush {number} of {server}"));
            self.halt(server, Damage::OfFlush(number));
        }
    }

    /// Takes over the alarms that tasks have set.
    pub(super) fn schedule_alarms(&mut self, tasks: &Tasks) {
        let queue = &mut self.queue;
        tasks.take_alarms(|alarm| {
            queue.push(alarm.at, Source::task(alarm.name), Event::Wake(alarm.task));
        });
    }

    /// The loss of a message whose bytes are all that is left of it.
    fn log_lost_in_transit(&self, bytes: &[u8], loss: Loss) {
        if self.logger.is_none() {
            return;
        }
        if let Ok(envelope) = codec::decode(bytes)
            && self.server_of(envelope.to).is_some()
        {
            self.log_lost(&envelope, loss);
        }
    }
}

/// Far above what any scenario needs in one instant, and reached within a tenth of a second.
const EVENTS_PER_INSTANT_MAX: u32 = 100_000;

/// A message as the rules of contact see it: an answer from another store than the member's is none,
/// nor is one of a voter whose new store neither all members nor an entry have recorded.
fn received(envelope: &Envelope, node: &Node) -> ReceivedMessage {
    let members = node.membership();
    let meant = members.store_of(envelope.from);
    let shown = envelope.store.map(|stamp| stamp.incarnation);
    let is_new = envelope.store.is_some_and(|stamp| stamp.standing == Standing::New);
    let agreed = meant.is_some() && node.membership_index() > Index::ZERO;
    let unconfirmed = is_new && !agreed && members.is_voter(envelope.from);
    let message = ReceivedMessage::of(envelope);
    let is_member = (meant.is_none() || meant == shown) && !unconfirmed;
    let of_follower = matches!(message.kind, MessageKind::OfFollower(_));
    let kind = if of_follower && !is_member { MessageKind::Other } else { message.kind };
    ReceivedMessage { kind, ..message }
}
