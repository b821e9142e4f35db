//! A scenario: a name, the cluster it runs on, and the body that drives it.

use std::fmt;
use std::pin::Pin;

use crate::case::Settings;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::service::Snapshots;
use crate::sim::network::NetworkProfile;

/// A scenario and the cluster it runs on.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The test's name.
    pub name: &'static str,
    /// The name of its test and of its cases before it was renamed.
    pub former_name: Option<&'static str>,
    /// The part of the labs or the suite it belongs to.
    pub part: Part,
    /// One line about its subject, as it is printed.
    pub description: &'static str,
    /// The cluster it runs on.
    pub spec: ClusterSpec,
    /// The code that drives the cluster and states what it expects.
    pub body: fn(Cluster) -> Body,
}

/// A running scenario.
pub type Body = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// The cluster a scenario runs on.
#[derive(Clone, Copy)]
pub enum ClusterSpec {
    /// Always the same one, with the labs' timeouts.
    Lab {
        /// Number of peers.
        peers: usize,
        /// The network at first.
        network: NetworkProfile,
        /// The services' snapshot policy.
        snapshots: Snapshots,
    },
    /// One drawn from the seed.
    Drawn(fn(u64) -> Settings),
}

impl ClusterSpec {
    /// A lab cluster with a reliable network and without snapshots.
    #[must_use]
    pub const fn lab(peers: usize) -> Self {
        Self::Lab { peers, network: NetworkProfile::LAB_RELIABLE, snapshots: Snapshots::Never }
    }

    /// The same cluster on the labs' unreliable network.
    #[must_use]
    pub const fn unreliable(mut self) -> Self {
        if let Self::Lab { network, .. } = &mut self {
            *network = NetworkProfile::LAB_UNRELIABLE;
        }
        self
    }

    /// The same cluster with the labs' snapshot interval.
    #[must_use]
    pub const fn with_snapshots(mut self) -> Self {
        if let Self::Lab { snapshots, .. } = &mut self {
            *snapshots = Snapshots::EVERY_TENTH;
        }
        self
    }

    /// The settings of the world of a run with this seed.
    #[must_use]
    pub fn settings(&self, seed: u64) -> Settings {
        match *self {
            Self::Lab { peers, network, snapshots } => Settings::lab(peers, network, snapshots),
            Self::Drawn(draw) => draw(seed),
        }
    }
}

/// The part of the labs or the suite that a scenario belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Leader election.
    A,
    /// Log replication.
    B,
    /// Persistence.
    C,
    /// Log compaction.
    D,
    /// Lab 3: a key-value service.
    KeyValue,
    /// Lab 3: a key-value service with snapshots.
    KeyValueSnapshots,
    /// Lab 4: a shard controller.
    Controller,
    /// Lab 4: a sharded key-value service.
    Sharding,
    /// Beyond the labs: services, everything is drawn from the seed.
    ServiceSwarm,
    /// Beyond the labs: Ongaro's dissertation.
    Dissertation,
    /// Beyond the labs: faults of all kinds at once.
    Storm,
    /// Beyond the labs: everything is drawn from the seed.
    Swarm,
}

impl Part {
    /// The package of its test program.
    #[must_use]
    pub const fn package(self) -> &'static str {
        match self {
            Self::KeyValue
            | Self::KeyValueSnapshots
            | Self::Controller
            | Self::Sharding
            | Self::ServiceSwarm => "services",
            Self::A
            | Self::B
            | Self::C
            | Self::D
            | Self::Dissertation
            | Self::Storm
            | Self::Swarm => "raft-tests",
        }
    }

    /// The test program that runs it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::A | Self::B | Self::C | Self::D => "lab2",
            Self::KeyValue | Self::KeyValueSnapshots => "lab3",
            Self::Controller | Self::Sharding => "lab4",
            Self::Dissertation => "dissertation",
            Self::Storm => "storm",
            Self::Swarm | Self::ServiceSwarm => "swarm",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "2A",
            Self::B => "2B",
            Self::C => "2C",
            Self::D => "2D",
            Self::KeyValue => "3A",
            Self::KeyValueSnapshots => "3B",
            Self::Controller => "4A",
            Self::Sharding => "4B",
            Self::Dissertation | Self::Storm | Self::Swarm | Self::ServiceSwarm => self.program(),
        })
    }
}
