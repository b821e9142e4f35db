//! What can happen, and what it does.

use raft::role::Role;
use raft::{EntryId, Envelope, Input, Instant, Message, Node, PeerId, Status, Term, codec};

use super::peer::ELECTION_TIMEOUT_MIN;
use super::{World, peer_id, place_of};
use crate::failure::Failure;
use crate::invariants::commit_rule;
use crate::invariants::follows_leader::{self, Heard};
use crate::invariants::monotonic;
use crate::invariants::timer_rule::{self, Asked};
use crate::invariants::violation::Witness;
use crate::sim::executor::{TaskId, Tasks};
use crate::sim::network::{Connection, Loss};
use crate::sim::queue::{Scheduled, Source};

/// Something that happens at a moment.
#[derive(Debug)]
pub(super) enum Event {
    /// A message arrives.
    Deliver { from: usize, to: usize, bytes: Vec<u8> },
    /// A peer's timer may have run out.
    Timer { place: usize },
    /// A flush of a peer's disk ends.
    Flushed { place: usize, incarnation: u64 },
    /// A task of the test goes on.
    Wake(TaskId),
}

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
        match event {
            Event::Deliver { from, to, bytes } => self.deliver(from, to, &bytes),
            Event::Timer { place } => {
                self.fire_timer(place);
                Ok(())
            }
            Event::Flushed { place, incarnation } => self.end_flush(place, incarnation),
            Event::Wake(task) => {
                tasks.wake(task);
                Ok(())
            }
        }
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

    /// A link that was cut meanwhile loses what is on its way.
    fn deliver(&mut self, from: usize, to: usize, bytes: &[u8]) -> Result<(), Failure> {
        self.trace.bytes(bytes);
        self.acting = Some(to);
        if self.network.link(from, to) == Connection::Cut {
            self.say_lost_on_the_way(bytes, Loss::Cut);
            return Ok(());
        }
        let Some(node) = &mut self.peers[to].node else {
            self.say_lost_on_the_way(bytes, Loss::PeerDown);
            return Ok(());
        };
        let envelope = codec::decode(bytes).map_err(|error| {
            Failure::expected(format_args!(
                "a message that peer {from} sent cannot be read: {error}"
            ))
        })?;
        let message = Received::of(&envelope, node);
        node.handle(self.now, Input::Receive(envelope));
        message.check(Witness { peer: node.status().id, at: self.now }, node)?;
        self.touch(to);
        self.check_match(from, to)
    }

    /// A leader's idea of a follower may have changed with a message of the follower.
    fn check_match(&self, follower: usize, leader: usize) -> Result<(), Failure> {
        let Some(node) = &self.peers[leader].node else { return Ok(()) };
        let Role::Leader(role) = node.role() else { return Ok(()) };
        let Some(progress) = role.followers.get(&peer_id(follower)) else { return Ok(()) };
        let Some(term) = node.log().term_at(progress.match_index) else { return Ok(()) };
        Ok(commit_rule::counts(
            self.witness(leader),
            node.status().current_term,
            peer_id(follower),
            EntryId::new(term, progress.match_index),
            self.peers[follower].disk.durable(),
        )?)
    }

    fn fire_timer(&mut self, place: usize) {
        let (now, peer) = (self.now, &mut self.peers[place]);
        if peer.armed != Some(now) {
            return;
        }
        peer.armed = None;
        if let Some(node) = &mut peer.node {
            if node.poll_timeout().is_some_and(|due| due <= now) {
                node.handle(now, Input::Tick);
            }
            self.touch(place);
        }
    }

    fn end_flush(&mut self, place: usize, incarnation: u64) -> Result<(), Failure> {
        self.acting = Some(place);
        let peer = &mut self.peers[place];
        let Some(node) = peer.node.as_mut().filter(|_| peer.incarnation == incarnation) else {
            return Ok(());
        };
        if let Some(newest) = peer.disk.end_flush() {
            let seen = Witness { peer: node.status().id, at: self.now };
            self.invariants.becomes_durable(place, seen, peer.disk.durable())?;
            node.handle(self.now, Input::Persisted(newest));
            self.touch(place);
        }
        Ok(())
    }

    /// Takes over the alarms that tasks have set.
    pub(super) fn schedule_alarms(&mut self, tasks: &Tasks) {
        let queue = &mut self.queue;
        tasks.take_alarms(|alarm| {
            queue.push(alarm.at, Source::task(alarm.task.number()), Event::Wake(alarm.task));
        });
    }

    /// The loss of a message whose bytes are all that is left of it.
    fn say_lost_on_the_way(&self, bytes: &[u8], loss: Loss) {
        if self.logger.is_none() {
            return;
        }
        if let Ok(envelope) = codec::decode(bytes)
            && place_of(envelope.to, self.size()).is_some()
        {
            self.say_lost(&envelope, loss);
        }
    }
}

/// What matters of a message and its receiver, to check what the one does to the other.
struct Received {
    term: Term,
    /// For a request for a vote: who asks, and the receiver and its timer before.
    asked: Option<(PeerId, Status, Instant)>,
    /// For what only leaders send: who sends it.
    leader: Option<PeerId>,
}

impl Received {
    fn of(envelope: &Envelope, node: &Node) -> Self {
        let asks = matches!(envelope.message, Message::RequestVote(_));
        let deadline = node.poll_timeout().filter(|_| asks);
        let asked = deadline.map(|deadline| (envelope.from, node.status(), deadline));
        let leads =
            matches!(envelope.message, Message::AppendEntries(_) | Message::InstallSnapshot(_));
        Self { term: envelope.term, asked, leader: leads.then_some(envelope.from) }
    }

    fn check(self, seen: Witness, node: &Node) -> Result<(), Failure> {
        let status = node.status();
        monotonic::follows(seen, self.term, status.current_term)?;
        if let (Some((candidate, before, deadline)), Some(after)) =
            (self.asked, node.poll_timeout())
        {
            let (status, deadline) = ([before, status], [deadline, after]);
            timer_rule::check(seen, Asked { candidate, status, deadline }, ELECTION_TIMEOUT_MIN)?;
        }
        if let Some(leader) = self.leader.filter(|_| self.term == status.current_term) {
            let heard = Heard { leader, status, deadline: node.poll_timeout() };
            follows_leader::check(seen, heard, ELECTION_TIMEOUT_MIN)?;
        }
        Ok(())
    }
}

/// Far above what any scenario needs in one instant, and reached within a tenth of a second.
const EVENTS_PER_INSTANT_MAX: u32 = 100_000;
