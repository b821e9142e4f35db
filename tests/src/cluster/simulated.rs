//! Operations of the simulated world alone.

use std::sync::Arc;
use std::time::Duration;

use raft::{EntryId, Index, Membership, PersistentState, ReadId, Term};

use super::Cluster;
use crate::case::{Change, LinkDirection, Links, PeerSet};
use crate::failure::Failure;
use crate::sim::disk::{Damage, Latency};
use crate::sim::network::Connection;
use crate::sim::random::Chance;
use crate::world::ChangeNotStarted;

impl Cluster {
    /// Cuts one direction of one link, until one of its ends is connected again.
    pub fn cut_link(&self, from: usize, to: usize) {
        let (from, to) = (PeerSet::only(from), PeerSet::only(to));
        self.set_links(Links { from, to, direction: LinkDirection::One }, Connection::Cut);
    }

    /// Asks a peer for a read on behalf of its hosted service: its name if the peer takes it.
    #[must_use]
    pub fn begin_service_read(&self, server: usize) -> Option<ReadId> {
        self.world_mut().begin_service_read(server)
    }

    /// Ends the run with a failure, from a task that has no waiter.
    pub fn fail(&self, failure: Failure) {
        self.world_mut().fail(failure);
    }

    /// Stops a peer at this instant; its links stay as they are.
    pub fn stop(&self, server: usize, damage: Damage) {
        self.world_mut().stop(server, damage);
    }

    /// Stops a peer and replaces its disk by an empty one.
    pub fn wipe(&self, server: usize) {
        self.world_mut().wipe(server);
    }

    /// Stops a peer and puts an old copy of its disk back.
    pub fn roll_back(&self, server: usize, copy: PersistentState) {
        self.world_mut().roll_back(server, copy);
    }

    /// Stops a peer and replaces the term on its disk.
    pub fn reset_term(&self, server: usize, term: Term) {
        self.world_mut().reset_term(server, term);
    }

    /// Lets a forged message reach a peer.
    ///
    /// # Errors
    /// The message changes what it must not change.
    pub fn forge(&self, server: usize, message: &[u8]) -> Result<(), Failure> {
        self.world_mut().forge(server, message)
    }

    /// Damages messages of links: this rate of them has flipped bits.
    pub fn set_flips(&self, links: Links, flips: Chance) {
        self.world_mut().set_flips(links, flips);
    }

    /// Pauses a peer for a while.
    pub fn pause(&self, server: usize, length: Duration) {
        self.world_mut().pause(server, length);
    }

    /// Asks a peer to transfer leadership to another one; nothing happens unless it leads.
    pub fn transfer(&self, server: usize, to: usize) {
        self.world_mut().transfer(server, to);
    }

    /// Asks a peer to step down; nothing happens unless it leads.
    pub fn resign(&self, server: usize) {
        self.world_mut().resign(server);
    }

    /// Lets a peer's service take a snapshot.
    ///
    /// # Errors
    /// The peer does not take it.
    pub fn snapshot(&self, server: usize) -> Result<(), Failure> {
        self.world_mut().snapshot(server)
    }

    /// Asks a peer for a change of members.
    ///
    /// # Errors
    /// The peer does not begin it, or does not run.
    pub fn change_members(
        &self,
        server: usize,
        change: Change,
    ) -> Result<EntryId, ChangeNotStarted> {
        self.world_mut().change_members(server, change)
    }

    /// The configuration in force at a peer; `None` if it does not run.
    #[must_use]
    pub fn members(&self, server: usize) -> Option<Arc<Membership>> {
        self.world().node(server).map(|node| Arc::clone(node.membership()))
    }

    /// Returns whether a joint configuration is in force at a peer.
    #[must_use]
    pub fn is_joint(&self, server: usize) -> bool {
        self.members(server).is_some_and(|members| members.is_joint())
    }

    /// The entry of a change that a peer knows of and that is not done yet.
    #[must_use]
    pub fn change_under_way(&self, server: usize) -> Option<Index> {
        self.world().node(server).and_then(raft::Node::change_under_way)
    }

    /// Makes a peer's disk take this long from now on.
    pub fn set_disk_latency(&self, server: usize, latency: Latency) {
        self.world_mut().set_latency(server, latency);
    }
}
