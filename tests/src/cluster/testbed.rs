//! The testbed of a cluster: the simulated world, or real peers on a real clock.
//!
//! The tester's operations need no more of a world than this, so that a scenario is written once
//! and runs on every testbed. A testbed's clock is that of the
//! [`Tasks`](crate::sim::executor::Tasks) which run the scenario: it wakes them, and is called
//! between their steps alone.

use std::fmt;

use raft::{Bytes, EntryId, Index, RoleName, Term};

use crate::case::Links;
use crate::failure::Failure;
use crate::sim::disk::stored_bytes;
use crate::sim::network::{Connection, NetworkProfile};
use crate::world::{LogSource, Traffic, World};

/// Role and term of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its role.
    pub role: RoleName,
    /// Figure 2 `currentTerm`.
    pub current_term: Term,
}

/// Interface between the tester and a world.
pub trait Testbed: 'static {
    /// The seed of everything that is drawn.
    fn seed(&self) -> u64;

    /// Number of peers.
    fn size(&self) -> usize;

    /// Role and term of a peer; `None` if it does not run.
    fn peer_status(&self, server: usize) -> Option<PeerStatus>;

    /// Connection of this peer, as the tester set it.
    fn connection(&self, server: usize) -> Connection;

    /// The last index that a peer's service has applied.
    fn last_applied(&self, server: usize) -> Index;

    /// The command that services applied at an index; all apply the same one, which is checked on
    /// each application.
    fn applied_command(&self, index: Index) -> Option<Bytes>;

    /// Network traffic so far.
    fn traffic(&self) -> Traffic;

    /// The size of the largest term, vote and log that a peer keeps, in bytes of the encoding that
    /// [`codec`](raft::codec) gives entries.
    fn log_bytes_max(&self) -> usize;

    /// Current network profile.
    fn profile(&self) -> NetworkProfile;

    /// Writes a line of the tester into the log.
    fn log_test(&self, event: &str, text: fmt::Arguments<'_>);

    /// Proposes a command to a peer: its entry's id if the peer believes it leads.
    fn propose(&mut self, server: usize, command: Bytes, source: LogSource) -> Option<EntryId>;

    /// Cuts every link from and to a peer.
    fn disconnect(&mut self, server: usize);

    /// Restores the links between a peer and all other connected peers.
    fn connect(&mut self, server: usize);

    /// Cuts or restores links.
    fn set_links(&mut self, links: Links, state: Connection);

    /// Size of the term, the vote, the log and the snapshot that a peer keeps, in bytes.
    fn stored_bytes(&self, server: usize) -> usize;

    /// Adds keys whose histories were too long to check.
    fn add_undecided(&mut self, keys: u64);

    /// Disconnects a peer and stops it at this instant; its persisted state stays.
    fn crash(&mut self, server: usize);

    /// Starts a peer from its persisted state, after a crash if it runs. Its links stay as they
    /// are.
    ///
    /// # Errors
    /// It does not start.
    fn start(&mut self, server: usize) -> Result<(), Failure>;

    /// Changes how the network behaves from now on.
    fn set_profile(&mut self, profile: NetworkProfile);

    /// Reports a missed expectation about timing.
    ///
    /// # Errors
    /// In a world with exact timing. A real machine, whose disks and threads may stall, only prints
    /// it.
    fn timing_failure(&self, text: fmt::Arguments<'_>) -> Result<(), Failure>;

    /// Role and term of a peer that runs and is connected.
    fn connected_status(&self, server: usize) -> Option<PeerStatus> {
        match self.connection(server) {
            Connection::Up => self.peer_status(server),
            Connection::Cut => None,
        }
    }
}

/// The simulated world.
impl Testbed for World {
    fn seed(&self) -> u64 {
        self.seed()
    }

    fn size(&self) -> usize {
        self.size()
    }

    fn peer_status(&self, server: usize) -> Option<PeerStatus> {
        let status = self.status(server)?;
        Some(PeerStatus { role: status.role, current_term: status.current_term })
    }

    fn connection(&self, server: usize) -> Connection {
        self.network().connection(server)
    }

    fn last_applied(&self, server: usize) -> Index {
        self.last_applied(server)
    }

    fn applied_command(&self, index: Index) -> Option<Bytes> {
        self.applied_log().command(index).cloned()
    }

    fn traffic(&self) -> Traffic {
        self.traffic()
    }

    fn log_bytes_max(&self) -> usize {
        self.log_bytes_max()
    }

    fn profile(&self) -> NetworkProfile {
        self.network().profile()
    }

    fn log_test(&self, event: &str, text: fmt::Arguments<'_>) {
        self.log_test(event, text);
    }

    fn propose(&mut self, server: usize, command: Bytes, source: LogSource) -> Option<EntryId> {
        self.propose(server, command, source)
    }

    fn disconnect(&mut self, server: usize) {
        self.disconnect(server);
    }

    fn connect(&mut self, server: usize) {
        self.connect(server);
    }

    fn set_links(&mut self, links: Links, state: Connection) {
        self.set_links(links, state);
    }

    fn stored_bytes(&self, server: usize) -> usize {
        stored_bytes(self.disk(server))
    }

    fn add_undecided(&mut self, keys: u64) {
        self.add_undecided(keys);
    }

    fn crash(&mut self, server: usize) {
        self.crash(server);
    }

    fn start(&mut self, server: usize) -> Result<(), Failure> {
        self.start(server)
    }

    fn set_profile(&mut self, profile: NetworkProfile) {
        self.set_profile(profile);
    }

    fn timing_failure(&self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        Err(Failure::expected(text))
    }
}
