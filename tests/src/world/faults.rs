//! Faults: crashes, restarts, pauses, cuts, and changes of disks and network.

use std::sync::Arc;
use std::time::Duration;

use raft::{
    Config, Incarnation, Instant, LostStore, Message, Node, PersistentState, Round, Term, codec,
};

use super::event::Event;
use super::logging::{ClockSink, links_changed};
use super::outputs::observed_peer;
use super::peer::{Inputs, ObservedMembership, PeerJitter, config};
use super::state::World;
use crate::case::{Links, Step, Stores};
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::hosted::PeerService;
use crate::invariants::leader_contact::{LeaderContact, StepDown};
use crate::invariants::pre_vote::{GrantedPreVotes, OpenPreVotes};
use crate::invariants::terms::Effect;
use crate::service::Service;
use crate::sim::disk::{Damage, FlushFaultRates, Latency};
use crate::sim::network::{Connection, NetworkProfile};
use crate::sim::queue::Source;
use crate::sim::random::Chance;

impl World {
    /// Cuts every link from and to a peer.
    pub fn disconnect(&mut self, server: usize) {
        self.trace.number(server as u64 | 1 << 32);
        self.record(Step::Disconnect { peer: server });
        self.network.disconnect(server);
        self.log_test("disconnected", format_args!("cuts off {server}"));
    }

    /// Restores the links between a peer and all other connected peers.
    pub fn connect(&mut self, server: usize) {
        self.trace.number(server as u64 | 2 << 32);
        self.record(Step::Connect { peer: server });
        self.network.connect(server);
        self.log_test("connected", format_args!("connects {server}"));
    }

    /// Cuts or restores links.
    pub fn set_links(&mut self, links: Links, state: Connection) {
        let (from, to) = (links.from.bits(), links.to.bits());
        self.trace.number(u64::from(from) | u64::from(to) << 16 | 5 << 32);
        for (from, to) in links.each() {
            self.network.set_link(from, to, state);
        }
        self.record(match state {
            Connection::Cut => Step::Cut(links),
            Connection::Up => Step::Heal(links),
        });
        links_changed(|event, text| self.log_test(event, text), links, state);
    }

    /// Changes the rate of messages with flipped bits on links.
    pub fn set_flips(&mut self, links: Links, flips: Chance) {
        links.each().for_each(|(from, to)| self.network.set_flips(from, to, flips));
        self.log_test("flips", format_args!("flips bits on the links {links}: {flips}"));
    }

    /// Lets a forged message reach a peer that runs. What only a false leader can say is left out:
    /// nothing but the identity of connections protects from one.
    ///
    /// # Errors
    /// The message changes what it must not change, or is none.
    pub fn forge(&mut self, server: usize, message: &[u8]) -> Result<(), Failure> {
        let local = self.peers[server].clock.local_time(self.now);
        let Some(node) = self.peers[server].node.as_ref().filter(|_| !self.is_paused(server))
        else {
            return Ok(());
        };
        let envelope = codec::decode(message).map_err(|error| {
            Failure::expected(format_args!("a forged message cannot be read: {error}"))
        })?;
        let effect = self.before(server, node, local, &envelope).effect;
        let claims_to_lead =
            matches!(envelope.message, Message::AppendEntries(_) | Message::InstallSnapshot(_));
        let is_old = envelope.term < node.status().current_term;
        if claims_to_lead && effect != Effect::None && !is_old {
            return Ok(());
        }
        self.record(Step::Forge { peer: server, message: message.into() });
        self.trace.number(server as u64 | 11 << 32);
        self.trace.bytes(message);
        self.coverage.hit(if effect == Effect::None {
            Mark::ForgeryRefused
        } else {
            Mark::Forgery
        });
        self.receive(server, envelope)
    }

    /// Changes how long a peer's disk takes from its next flush on.
    pub fn set_latency(&mut self, server: usize, latency: Latency) {
        self.record(Step::Disk { peer: server, min: latency.min, max: latency.max });
        self.peers[server].disk.set_latency(latency);
        self.log_test("disk_changed", format_args!("changes the disk of {server}: {latency:?}"));
    }

    /// Changes the rates of flush faults of a peer's disk.
    pub fn set_flush_faults(&mut self, server: usize, flush_faults: FlushFaultRates) {
        self.peers[server].disk.set_flush_faults(flush_faults);
    }

    /// Changes how the network behaves from now on.
    pub fn set_profile(&mut self, profile: NetworkProfile) {
        let (request, reply) = (profile.request.delay_max, profile.reply.delay_max);
        self.record(Step::Network { request, reply });
        self.network.set_profile(profile);
        self.log_test("network_changed", format_args!("changes the network: {profile}"));
    }

    /// Disconnects a peer and stops it at this instant, as in the labs.
    pub fn crash(&mut self, server: usize) {
        self.disconnect(server);
        self.stop(server, Damage::Drawn);
    }

    /// Stops a peer at this instant: what it tries to persist or send from now on is lost, and of
    /// what it was persisting a prefix survives.
    pub fn stop(&mut self, server: usize, damage: Damage) {
        if self.peers[server].node.is_some() {
            let (keep, torn) = self.halt(server, damage);
            self.record(Step::Crash { peer: server, keep, torn });
        }
    }

    /// Stops a peer without recording a step, and returns the writes that survived.
    pub(super) fn halt(&mut self, server: usize, damage: Damage) -> (usize, usize) {
        self.cover_before_crash(server);
        let peer = &mut self.peers[server];
        if peer.node.take().is_none() {
            return (0, 0);
        }
        (peer.armed, peer.poll_at, peer.paused_until, peer.last_status) = (None, None, None, None);
        peer.service.stop();
        let damage = peer.disk.crash(damage);
        self.open_requests.peer_crashed(server);
        self.reads.peer_crashed(server);
        self.trace.number(server as u64 | 3 << 32 | (damage.survived as u64) << 40);
        self.cover_after_crash(damage);
        let (survived, lost) = (damage.survived, damage.lost);
        self.log_test(
            "crashed",
            format_args!("crashes {server}: {survived} writes survive, {lost} are lost"),
        );
        (survived, damage.torn_entries)
    }

    /// The incarnation of a peer's store, where stores have identities.
    #[must_use]
    pub fn incarnation(&self, server: usize) -> Incarnation {
        Self::incarnation_of(server, self.peers[server].disk.lost().len())
    }

    /// The incarnation of a peer's store after this many losses.
    #[must_use]
    pub const fn incarnation_of(server: usize, losses: usize) -> Incarnation {
        Incarnation::new((losses as u64 + 1) << 32 | server as u64)
    }

    /// Stops a peer and replaces its disk by an empty one: it starts again as if for the first time.
    pub fn wipe(&mut self, server: usize) {
        self.stop(server, Damage::Drawn);
        self.record(Step::Wipe { peer: server });
        self.trace.number(server as u64 | 10 << 32);
        self.peers[server].disk.wipe();
        self.forget(server);
        self.log_test("wiped", format_args!("replaces the disk of {server} by an empty one"));
    }

    /// Stops a peer and puts an old copy of its disk back. Cases do not contain it.
    pub fn roll_back(&mut self, server: usize, copy: PersistentState) {
        self.stop(server, Damage::Drawn);
        self.trace.number(server as u64 | 12 << 32);
        self.peers[server].disk.roll_back(copy);
        self.forget(server);
        self.log_test("rolled_back", format_args!("puts an old copy of the disk of {server} back"));
    }

    /// Stops a peer and replaces the term on its disk, as the example `reset_term` of the library does.
    /// Cases do not contain it.
    pub fn reset_term(&mut self, server: usize, term: Term) {
        self.stop(server, Damage::Drawn);
        self.trace.number(server as u64 | 13 << 32);
        self.trace.number(term.number());
        self.peers[server].disk.reset_term(term);
        self.invariants.peer_wiped(server, self.peer_id(server));
        self.log_test("term_reset", format_args!("sets the term of {server} to {term}"));
    }

    /// Forgets what a peer's former disk has promised.
    fn forget(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        match &mut peer.service {
            PeerService::Recorded(service) => {
                *service = Service::new(self.settings.snapshots, self.settings.machine);
            }
            PeerService::Hosted(..) => peer.service.restart(),
        }
        peer.members = ObservedMembership::default();
        self.invariants.peer_wiped(server, self.peer_id(server));
    }

    /// Pauses a peer for a while. Its disk goes on; messages, timers and ended flushes wait for it.
    pub fn pause(&mut self, server: usize, length: Duration) {
        if self.peers[server].node.is_none() {
            return;
        }
        self.record(Step::Pause { peer: server, length });
        self.cover_pause(server);
        let until = self.now.after(length);
        self.trace.number(server as u64 | 6 << 32);
        self.trace.number(until.as_nanos());
        let peer = &mut self.peers[server];
        let resumes = peer.paused_until.map_or(until, |before| before.max(until));
        peer.paused_until = Some(resumes);
        if self.settings.late_polls.batches_pause(self.seed, server, until) {
            // It handles all that has waited for it before its outputs are taken.
            let poll_at = resumes.after(Duration::from_nanos(1));
            peer.poll_at = Some(poll_at);
            self.queue.push(poll_at, Source::poll(server), Event::Poll { server });
        }
        self.queue.push(until, Source::timer(server), Event::Resume { server });
        self.log_test("paused", format_args!("stops {server} for {} ms", length.as_millis()));
    }

    pub(super) fn resume(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        if peer.paused_until.is_some_and(|until| until <= self.now) {
            peer.paused_until = None;
            self.mark_touched(server);
            self.log_test("resumed", format_args!("lets {server} go on"));
        }
    }

    /// Lets a peer's service take a snapshot of all it was given, at a time of the caller's.
    ///
    /// # Errors
    /// The peer does not take it.
    pub fn snapshot(&mut self, server: usize) -> Result<(), Failure> {
        let service = &self.peers[server].service;
        let through = service.last_applied();
        if self.is_paused(server)
            || self.peers[server].node.is_none()
            || through == raft::Index::ZERO
        {
            return Ok(());
        }
        let data = service.snapshot();
        service.check_state(self.witness(server), &mut self.applied_log)?;
        self.record(Step::Snapshot { peer: server });
        self.trace.number(server as u64 | 7 << 32);
        self.log_test(
            "snapshot_taken",
            format_args!("takes a snapshot of {server} through {through}"),
        );
        self.mark_touched(server);
        self.compact(server, through, data)
    }

    /// Starts a peer from its disk, after a crash if it runs. Its links stay as they are.
    ///
    /// # Errors
    /// The peer cannot start, or starts from something else than what survived.
    pub fn start(&mut self, server: usize) -> Result<(), Failure> {
        if self.peers[server].node.is_some() {
            self.crash(server);
        }
        self.record(Step::Start { peer: server });
        self.start_peer(server)
    }

    /// Starts a peer that does not run.
    pub(super) fn start_peer(&mut self, server: usize) -> Result<(), Failure> {
        self.trace.number(server as u64 | 4 << 32);
        let node = self.build_node(server)?;
        let peer = &mut self.peers[server];
        peer.last_status = Some(node.status());
        peer.members.starts(&node);
        let members = Arc::clone(node.membership());
        peer.contact =
            LeaderContact::start(peer.clock.local_time(self.now), &node.status(), members);
        peer.open_pre_votes = OpenPreVotes::default();
        peer.granted_pre_votes = GrantedPreVotes::default();
        (peer.confirmed_round, peer.ticked_at) = (Round::ZERO, None);
        peer.listed = node.address_book().clone();
        (peer.inputs, peer.step_down, peer.transferring) =
            (Inputs::None, StepDown::Unrequested, false);
        (peer.timeout_now_term, peer.transfer_candidacy) = (None, None);
        peer.node = Some(node);
        peer.service.restart();
        self.observe_whole_log(server)?;
        if let Some(observed) = observed_peer(&self.peers, server, self.now) {
            self.invariants.peer_started(observed)?;
        }
        self.cover_start(server);
        self.mark_touched(server);
        Ok(())
    }

    fn build_node(&mut self, server: usize) -> Result<Node, Failure> {
        let peer = &mut self.peers[server];
        peer.incarnation += 1;
        if peer.incarnation > 1 {
            let times = peer.incarnation;
            self.log_test("restarted", format_args!("starts {server}, life {times}"));
        }
        let peer = &self.peers[server];
        let cannot_start = |error: &dyn std::error::Error| {
            Failure::expected(format_args!("peer {server} cannot start: {error}"))
        };
        let identified = self.settings.stores != Stores::Plain;
        let config = Config {
            incarnation: identified.then(|| self.incarnation(server)),
            lost_store: match self.settings.stores {
                Stores::Plain | Stores::Identified => LostStore::Report,
                Stores::Reseeded => LostStore::Reseed,
            },
            ..config(self.first_peer, server, &self.settings, peer.next_message)
        };
        let config = config.validate().map_err(|error| cannot_start(&error))?;
        let jitter = PeerJitter::new(self.seed, server);
        let stored = peer.disk.durable().clone().recent(config.settings().cache_bytes_max);
        let now: Instant = peer.clock.local_time(self.now);
        let mut node = Node::new(config, stored, now, Box::new(jitter))
            .map_err(|error| cannot_start(&error))?;
        if let Some(logger) = &self.logger {
            let sink = ClockSink { clock: peer.clock, logger: logger.clone() };
            node.set_sink(Box::new(sink));
        }
        Ok(node)
    }
}
