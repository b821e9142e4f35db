//! What the tester does to peers and links.

use raft::{Config, Node};

use super::World;
use super::outputs::seen;
use super::peer::{PeerJitter, lab_config};
use crate::failure::Failure;
use crate::sim::disk::Latency;
use crate::sim::network::{Connection, Profile};

impl World {
    /// Cuts every link from and to a peer.
    pub fn disconnect(&mut self, place: usize) {
        self.trace.number(place as u64 | 1 << 32);
        self.network.disconnect(place);
        self.say_test(format_args!("cuts off {place}"));
    }

    /// Restores the links between a peer and all other connected peers.
    pub fn connect(&mut self, place: usize) {
        self.trace.number(place as u64 | 2 << 32);
        self.network.connect(place);
        self.say_test(format_args!("connects {place}"));
    }

    /// Cuts one direction of one link.
    pub fn cut_link(&mut self, from: usize, to: usize) {
        self.trace.number(from as u64 | (to as u64) << 16 | 5 << 32);
        self.network.set_link(from, to, Connection::Cut);
        self.say_test(format_args!("cuts the link from {from} to {to}"));
    }

    /// Changes how long a peer's disk takes from its next flush on.
    pub fn set_latency(&mut self, place: usize, latency: Latency) {
        self.peers[place].disk.set_latency(latency);
        self.say_test(format_args!("changes the disk of {place}: {latency:?}"));
    }

    /// Changes how the network behaves from now on.
    pub fn set_profile(&mut self, profile: Profile) {
        self.network.set_profile(profile);
        self.say_test(format_args!("changes the network: {profile:?}"));
    }

    /// Cuts a peer off and stops it at this instant: what it tries to persist or send from now on
    /// is lost, and of what it was persisting a random prefix survives.
    pub fn crash(&mut self, place: usize) {
        self.disconnect(place);
        let peer = &mut self.peers[place];
        if peer.node.take().is_none() {
            return;
        }
        peer.armed = None;
        let damage = peer.disk.crash();
        self.trace.number(place as u64 | 3 << 32 | (damage.survived as u64) << 40);
        let (survived, lost) = (damage.survived, damage.lost);
        self.say_test(format_args!("crashes {place}: {survived} writes survive, {lost} are lost"));
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
        self.trace.number(place as u64 | 4 << 32);
        let node = self.new_node(place)?;
        let peer = &mut self.peers[place];
        peer.node = Some(node);
        peer.service.restart();
        if let Some(seen) = seen(&self.peers, place, self.now) {
            self.invariants.starts(seen)?;
        }
        self.touch(place);
        Ok(())
    }

    fn new_node(&mut self, place: usize) -> Result<Node, Failure> {
        let (size, peer) = (self.peers.len(), &mut self.peers[place]);
        peer.incarnation += 1;
        if peer.incarnation > 1 {
            let times = peer.incarnation;
            self.say_test(format_args!("starts {place}, life {times}"));
        }
        let peer = &self.peers[place];
        let cannot_start = |error: &dyn std::error::Error| {
            Failure::expected(format_args!("peer {place} cannot start: {error}"))
        };
        let config: Config = lab_config(place, size, peer.next_message);
        let config = config.validate().map_err(|error| cannot_start(&error))?;
        let jitter = PeerJitter::new(self.seed, place, peer.incarnation);
        let stored = peer.disk.durable().clone();
        let mut node = Node::new(config, stored, self.now, Box::new(jitter))
            .map_err(|error| cannot_start(&error))?;
        if let Some(logger) = &self.logger {
            node.set_sink(Box::new(logger.clone()));
        }
        Ok(node)
    }
}
