//! What is done to peers and links.

use std::sync::Arc;
use std::time::Duration;

use raft::{Config, Instant, Node};

use super::World;
use super::event::Event;
use super::logging::ClockSink;
use super::outputs::seen;
use super::peer::{PeerJitter, config};
use crate::case::{Links, Step};
use crate::failure::Failure;
use crate::invariants::leader_contact::{Hearing, Leave};
use crate::invariants::pre_vote::Unanswered;
use crate::sim::disk::{Damage, Latency, Trouble};
use crate::sim::network::{Connection, Profile};
use crate::sim::queue::Source;

impl World {
    /// Cuts every link from and to a peer.
    pub fn disconnect(&mut self, place: usize) {
        self.trace.number(place as u64 | 1 << 32);
        self.record(Step::Disconnect { peer: place });
        self.network.disconnect(place);
        self.say_test(format_args!("cuts off {place}"));
    }

    /// Restores the links between a peer and all other connected peers.
    pub fn connect(&mut self, place: usize) {
        self.trace.number(place as u64 | 2 << 32);
        self.record(Step::Connect { peer: place });
        self.network.connect(place);
        self.say_test(format_args!("connects {place}"));
    }

    /// Cuts or restores links.
    pub fn set_links(&mut self, links: Links, state: Connection) {
        let (from, to) = (links.from.bits(), links.to.bits());
        self.trace.number(u64::from(from) | u64::from(to) << 16 | 5 << 32);
        for (from, to) in links.each() {
            self.network.set_link(from, to, state);
        }
        match state {
            Connection::Cut => {
                self.record(Step::Cut(links));
                self.say_test(format_args!("cuts the links {links}"));
            }
            Connection::Up => {
                self.record(Step::Heal(links));
                self.say_test(format_args!("heals the links {links}"));
            }
        }
    }

    /// Changes how long a peer's disk takes from its next flush on.
    pub fn set_latency(&mut self, place: usize, latency: Latency) {
        self.record(Step::Disk { peer: place, min: latency.min, max: latency.max });
        self.peers[place].disk.set_latency(latency);
        self.say_test(format_args!("changes the disk of {place}: {latency:?}"));
    }

    /// Changes how often flushes of a peer's disk do not go as usual.
    pub fn set_trouble(&mut self, place: usize, trouble: Trouble) {
        self.peers[place].disk.set_trouble(trouble);
    }

    /// Changes how the network behaves from now on.
    pub fn set_profile(&mut self, profile: Profile) {
        let (request, reply) = (profile.request.delay_max, profile.reply.delay_max);
        self.record(Step::Network { request, reply });
        self.network.set_profile(profile);
        self.say_test(format_args!("changes the network: {profile:?}"));
    }

    /// Cuts a peer off and stops it at this instant, as the labs do it.
    pub fn crash(&mut self, place: usize) {
        self.disconnect(place);
        self.stop(place, Damage::Drawn);
    }

    /// Stops a peer at this instant: what it tries to persist or send from now on is lost, and of
    /// what it was persisting a prefix survives.
    pub fn stop(&mut self, place: usize, damage: Damage) {
        if self.peers[place].node.is_some() {
            let (keep, torn) = self.halt(place, damage);
            self.record(Step::Crash { peer: place, keep, torn });
        }
    }

    /// Stops a peer for a reason that is written down elsewhere, and tells what survived.
    pub(super) fn halt(&mut self, place: usize, damage: Damage) -> (usize, usize) {
        self.cover_before_crash(place);
        let peer = &mut self.peers[place];
        if peer.node.take().is_none() {
            return (0, 0);
        }
        (peer.armed, peer.paused_until, peer.looked_at) = (None, None, None);
        let damage = peer.disk.crash(damage);
        self.clients.forgets(place);
        self.reads.forgets(place);
        self.trace.number(place as u64 | 3 << 32 | (damage.survived as u64) << 40);
        self.cover_after_crash(damage);
        let (survived, lost) = (damage.survived, damage.lost);
        self.say_test(format_args!("crashes {place}: {survived} writes survive, {lost} are lost"));
        (survived, damage.torn_entries)
    }

    /// Lets a peer stand still for a while. Its disk goes on; messages, timers and news of its
    /// disk wait for it.
    pub fn pause(&mut self, place: usize, length: Duration) {
        if self.peers[place].node.is_none() {
            return;
        }
        self.record(Step::Pause { peer: place, length });
        self.cover_pause(place);
        let until = self.now.after(length);
        self.trace.number(place as u64 | 6 << 32);
        self.trace.number(until.as_nanos());
        let peer = &mut self.peers[place];
        peer.paused_until = peer.paused_until.max(Some(until));
        self.queue.push(until, Source::timer(place), Event::Resume { place });
        self.say_test(format_args!("stops {place} for {} ms", length.as_millis()));
    }

    pub(super) fn resume(&mut self, place: usize) {
        let peer = &mut self.peers[place];
        if peer.paused_until.is_some_and(|until| until <= self.now) {
            peer.paused_until = None;
            self.touch(place);
            self.say_test(format_args!("lets {place} go on"));
        }
    }

    /// Lets a peer's service take a snapshot of all it was given, at a moment of the caller's.
    ///
    /// # Errors
    /// The peer does not take it.
    pub fn snapshot(&mut self, place: usize) -> Result<(), Failure> {
        let service = &self.peers[place].service;
        let through = service.last_applied();
        if self.is_paused(place) || self.peers[place].node.is_none() || through == raft::Index::ZERO
        {
            return Ok(());
        }
        let data = service.snapshot();
        self.record(Step::Snapshot { peer: place });
        self.trace.number(place as u64 | 7 << 32);
        self.say_test(format_args!("takes a snapshot of {place} through {through}"));
        self.touch(place);
        self.compact(place, through, data)
    }

    /// Starts a peer from what its disk holds, after a crash if it runs. Its links stay as they
    /// are.
    ///
    /// # Errors
    /// The peer cannot start, or starts from something else than what survived.
    pub fn start(&mut self, place: usize) -> Result<(), Failure> {
        if self.peers[place].node.is_some() {
            self.crash(place);
        }
        self.record(Step::Start { peer: place });
        self.begin(place)
    }

    /// Starts a peer that does not run.
    pub(super) fn begin(&mut self, place: usize) -> Result<(), Failure> {
        self.trace.number(place as u64 | 4 << 32);
        let node = self.new_node(place)?;
        let peer = &mut self.peers[place];
        peer.looked_at = Some(node.status());
        peer.members.starts(&node);
        let members = Arc::clone(node.membership());
        peer.hearing = Hearing::starts(peer.clock.shows(self.now), &node.status(), members);
        peer.unanswered = Unanswered::default();
        (peer.is_asked, peer.leave, peer.hands_over) = (false, Leave::Unasked, false);
        (peer.called_in, peer.stands_for_leader) = (None, None);
        peer.node = Some(node);
        peer.service.restart();
        if let Some(seen) = seen(&self.peers, place, self.now) {
            self.invariants.starts(seen)?;
        }
        self.cover_start(place);
        self.touch(place);
        Ok(())
    }

    fn new_node(&mut self, place: usize) -> Result<Node, Failure> {
        let peer = &mut self.peers[place];
        peer.incarnation += 1;
        if peer.incarnation > 1 {
            let times = peer.incarnation;
            self.say_test(format_args!("starts {place}, life {times}"));
        }
        let peer = &self.peers[place];
        let cannot_start = |error: &dyn std::error::Error| {
            Failure::expected(format_args!("peer {place} cannot start: {error}"))
        };
        let config: Config = config(place, &self.settings, peer.next_message);
        let config = config.validate().map_err(|error| cannot_start(&error))?;
        let jitter = PeerJitter::new(self.seed, place);
        let stored = peer.disk.durable().clone();
        let now: Instant = peer.clock.shows(self.now);
        let mut node = Node::new(config, stored, now, Box::new(jitter))
            .map_err(|error| cannot_start(&error))?;
        if let Some(logger) = &self.logger {
            let sink = ClockSink { clock: peer.clock, logger: logger.clone() };
            node.set_sink(Box::new(sink));
        }
        Ok(node)
    }
}
