//! What a scenario does to peers and links.

use super::{Cluster, Ground};
use crate::failure::Failure;
use crate::sim::network::Profile;

impl<W: Ground> Cluster<W> {
    /// Cuts every link from and to a peer.
    pub fn disconnect(&self, place: usize) {
        self.world_mut().disconnect(place);
    }

    /// Restores the links between a peer and all other connected ones.
    pub fn connect(&self, place: usize) {
        self.world_mut().connect(place);
    }

    /// Cuts a peer off and stops it; what it had persisted stays.
    pub fn crash(&self, place: usize) {
        self.world_mut().crash(place);
    }

    /// Starts a peer from what it had persisted, after a crash if it runs. Its links stay cut if
    /// they were.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, place: usize) -> Result<(), Failure> {
        self.world_mut().start(place)
    }

    /// Starts a peer and restores its links.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_and_connect(&self, place: usize) -> Result<(), Failure> {
        self.start(place)?;
        self.connect(place);
        Ok(())
    }

    /// Crashes all peers, then starts and connects them one after the other.
    ///
    /// # Errors
    /// One does not start.
    pub fn crash_and_restart_all(&self) -> Result<(), Failure> {
        (0..self.size()).for_each(|place| self.crash(place));
        (0..self.size()).try_for_each(|place| self.start_and_connect(place))
    }

    /// Starts a peer unless it runs; its links stay as they are.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_if_down(&self, place: usize) -> Result<(), Failure> {
        if self.status(place).is_some() { Ok(()) } else { self.start(place) }
    }

    /// Makes the network behave like this from now on.
    pub fn set_network(&self, profile: Profile) {
        self.world_mut().set_profile(profile);
    }

    /// Makes the network reliable.
    pub fn make_reliable(&self) {
        self.set_network(Profile::LAB_RELIABLE);
    }

    /// Holds up two of three replies for long from now on.
    pub fn reorder_replies(&self) {
        let profile = self.world().profile().with_long_reordering();
        self.set_network(profile);
    }
}
