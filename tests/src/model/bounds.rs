//! How much may happen, so that the number of states is finite.

use crate::plan::Protocol;

/// How often each thing may happen in one behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// How many peers there are.
    pub peers: usize,
    /// What the peers do beyond the paper.
    pub protocol: Protocol,
    /// The highest term in which a peer stands for election.
    pub terms: u64,
    /// Commands that leaders are offered.
    pub commands: u8,
    /// Crashes, each with a restart at once.
    pub crashes: u8,
    /// Messages that arrive twice.
    pub duplicates: u8,
    /// Heartbeats of all leaders together.
    pub heartbeats: u8,
    /// Snapshots that services take.
    pub snapshots: u8,
    /// How many actions a behaviour has.
    pub depth: usize,
}

/// Bounds that have a name.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The name.
    pub name: &'static str,
    /// How big it is.
    pub size: Size,
    /// The bounds.
    pub bounds: Bounds,
}

/// How long a case takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A second or two: it runs with the tests and against canaries.
    Small,
    /// Minutes.
    Large,
}

const NONE: Bounds = Bounds {
    peers: 3,
    protocol: Protocol::PAPER,
    terms: 2,
    commands: 0,
    crashes: 0,
    duplicates: 0,
    heartbeats: 0,
    snapshots: 0,
    depth: 100,
};

/// What is checked.
pub const CASES: [Case; 7] = [
    small("elections", Bounds { crashes: 1, depth: 9, ..NONE }),
    small("pre_votes", Bounds { protocol: Protocol::DEPLOYED, depth: 10, ..NONE }),
    small("agreement", Bounds { terms: 1, commands: 1, depth: 15, ..NONE }),
    small("pair", Bounds { peers: 2, commands: 2, crashes: 1, heartbeats: 1, depth: 15, ..NONE }),
    small(
        "snapshots",
        Bounds { peers: 2, commands: 1, snapshots: 1, crashes: 1, depth: 18, ..NONE },
    ),
    large(
        "all_of_two",
        Bounds {
            peers: 2,
            protocol: Protocol::PAPER,
            terms: 3,
            commands: 2,
            crashes: 2,
            duplicates: 1,
            heartbeats: 1,
            snapshots: 1,
            depth: 16,
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
            depth: 11,
            ..NONE
        },
    ),
];

const fn small(name: &'static str, bounds: Bounds) -> Case {
    Case { name, size: Size::Small, bounds }
}

const fn large(name: &'static str, bounds: Bounds) -> Case {
    Case { name, size: Size::Large, bounds }
}
