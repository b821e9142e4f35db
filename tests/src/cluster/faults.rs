//! Faults that a scenario injects into peers and links.

use super::{Cluster, Testbed};
use crate::case::Links;
use crate::failure::Failure;
use crate::sim::network::{Connection, NetworkProfile};

impl<W: Testbed + ?Sized> Cluster<W> {
    /// Cuts every link from and to a peer.
    pub fn disconnect(&self, server: usize) {
        self.world_mut().disconnect(server);
    }

    /// Restores the links between a peer and all other connected ones.
    pub fn connect(&self, server: usize) {
        self.world_mut().connect(server);
    }

    /// Disconnects a peer and stops it; its persisted state stays.
    pub fn crash(&self, server: usize) {
        self.world_mut().crash(server);
    }

    /// Starts a peer from its persisted state, after a crash if it runs. Its links stay cut if they
    /// were.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, server: usize) -> Result<(), Failure> {
        self.world_mut().start(server)
    }

    /// Starts a peer and restores its links.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_and_connect(&self, server: usize) -> Result<(), Failure> {
        self.start(server)?;
        self.connect(server);
        Ok(())
    }

    /// Cuts or restores links.
    pub fn set_links(&self, links: Links, state: Connection) {
        self.world_mut().set_links(links, state);
    }

    /// Crashes all peers, then starts and connects them one after the other.
    ///
    /// # Errors
    /// One does not start.
    pub fn crash_and_restart_all(&self) -> Result<(), Failure> {
        (0..self.size()).for_each(|server| self.crash(server));
        (0..self.size()).try_for_each(|server| self.start_and_connect(server))
    }

    /// Starts a peer unless it runs; its links stay as they are.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_if_down(&self, server: usize) -> Result<(), Failure> {
        if self.status(server).is_some() { Ok(()) } else { self.start(server) }
    }

    /// Makes the network behave like this from now on.
    pub fn set_network(&self, profile: NetworkProfile) {
        self.world_mut().set_profile(profile);
    }

    /// Makes the network reliable.
    pub fn make_reliable(&self) {
        self.set_network(NetworkProfile::LAB_RELIABLE);
    }

    /// Holds up two of three replies for long from now on.
    pub fn reorder_replies(&self) {
        let profile = self.world().profile().with_long_reordering();
        self.set_network(profile);
    }
}
