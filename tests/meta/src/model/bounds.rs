//! Bounds that make the number of states finite.

use raft::{Membership, MembershipChange, PeerId};

use raft_tests::case::Protocol;

/// Bounds of one behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Number of peers.
    pub peers: usize,
    /// Number of voters of the first configuration. The others are learners if there is a leader
    /// from the start, and know no peer otherwise.
    pub initial_members: usize,
    /// The first state.
    pub start: Start,
    /// Protocol extensions beyond the paper.
    pub protocol: Protocol,
    /// The highest term in which a peer starts an election.
    pub terms: u64,
    /// Commands proposed to leaders.
    pub commands: u8,
    /// Crashes, each with a restart at once.
    pub crashes: u8,
    /// Messages that arrive twice.
    pub duplicates: u8,
    /// Heartbeats of all leaders together.
    pub heartbeats: u8,
    /// Snapshots that services take. Not together with changes of members.
    pub snapshots: u8,
    /// Changes of members that leaders are asked for, one after the other.
    pub changes: &'static [Change],
    /// Reads that peers are asked for.
    pub reads: u8,
    /// Most actions of a behaviour.
    pub depth: usize,
}

/// The first state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// Nothing has happened yet.
    Fresh,
    /// Peer 0 leads the first term, has committed a command and added the learners; all peers know
    /// it, and no message is in flight.
    Led,
    /// As before; then peer 0 has committed one more command with peer 1 alone, which does not know
    /// that, and peer 1 leads the second term by the vote of peer 2. Peer 0 has received none of
    /// this, and still leads the first one. Needs three initial members.
    Deposed,
}

/// A change of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A learner becomes a voter.
    Promote(u64),
    /// A member leaves.
    Remove(u64),
    /// A learner takes the place of all voters.
    Replace(u64),
}

impl Change {
    /// As the core takes it.
    #[must_use]
    pub fn to_membership_change(self) -> MembershipChange {
        match self {
            Self::Promote(peer) => MembershipChange::Promote { peer: PeerId::new(peer) },
            Self::Remove(peer) => MembershipChange::Remove { peer: PeerId::new(peer) },
            Self::Replace(peer) => {
                MembershipChange::Replace(Membership::of_voters([PeerId::new(peer)]))
            }
        }
    }
}

/// Bounds that have a name.
#[derive(Clone, Copy, Debug)]
pub struct ModelCase {
    /// The name.
    pub name: &'static str,
    /// Its size.
    pub size: Size,
    /// The bounds.
    pub bounds: Bounds,
}

/// Size of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A second or two: it runs with the tests and against canaries.
    Small,
    /// Minutes.
    Large,
}

const NONE: Bounds = Bounds {
    peers: 3,
    initial_members: 3,
    start: Start::Fresh,
    protocol: Protocol::PAPER,
    terms: 2,
    commands: 0,
    crashes: 0,
    duplicates: 0,
    heartbeats: 0,
    snapshots: 0,
    changes: &[],
    reads: 0,
    depth: 100,
};

/// Two voters.
const PAIR: Bounds = Bounds { peers: 2, initial_members: 2, ..NONE };

/// Three voters, one of which leads.
const LED: Bounds = Bounds { start: Start::Led, ..NONE };

/// All cases.
pub const CASES: [ModelCase; 12] = [
    small("elections", Bounds { crashes: 1, depth: 7, ..NONE }),
    small("pre_votes", Bounds { protocol: Protocol::EXTENDED, depth: 8, ..NONE }),
    small("agreement", Bounds { terms: 1, commands: 1, depth: 13, ..NONE }),
    small("two_peers", Bounds { commands: 2, crashes: 1, heartbeats: 1, depth: 13, ..PAIR }),
    small("snapshots", Bounds { commands: 1, snapshots: 1, crashes: 1, depth: 16, ..PAIR }),
    small(
        "replacement",
        Bounds {
            peers: 2,
            initial_members: 1,
            changes: &[Change::Replace(1)],
            crashes: 1,
            depth: 18,
            ..LED
        },
    ),
    small(
        "growth",
        Bounds {
            initial_members: 2,
            changes: &[Change::Promote(2), Change::Remove(1)],
            depth: 14,
            ..LED
        },
    ),
    small("leader_removal", Bounds { changes: &[Change::Remove(0)], depth: 15, ..LED }),
    small("reads", Bounds { reads: 1, depth: 12, ..LED }),
    small(
        "deposed_leader_reads",
        Bounds { start: Start::Deposed, commands: 1, reads: 1, heartbeats: 1, depth: 9, ..NONE },
    ),
    large(
        "all_of_two",
        Bounds {
            terms: 3,
            commands: 2,
            crashes: 2,
            duplicates: 1,
            heartbeats: 1,
            snapshots: 1,
            depth: 14,
            ..PAIR
        },
    ),
    large(
        "all_of_three",
        Bounds {
            terms: 3,
            commands: 2,
            crashes: 1,
            duplicates: 1,
            heartbeats: 1,
            depth: 9,
            ..NONE
        },
    ),
];

const fn small(name: &'static str, bounds: Bounds) -> ModelCase {
    ModelCase { name, size: Size::Small, bounds }
}

const fn large(name: &'static str, bounds: Bounds) -> ModelCase {
    ModelCase { name, size: Size::Large, bounds }
}
