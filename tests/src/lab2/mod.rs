//! The 28 scenarios of MIT 6.5840 Lab 2: what each does, and on what kind of cluster.

pub mod agreement;
pub mod elections;
pub mod persistence;
pub mod snapshots;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::plan::Settings;
use crate::service::Snapshots;
use crate::sim::network::Profile;
use crate::storm::STORMS;
use crate::swarm::SWARMS;

/// The longest an election may take when a majority is connected.
pub const ELECTION_TIMEOUT: Duration = Duration::from_millis(1000);

/// A scenario and the cluster it runs on.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The test's name.
    pub name: &'static str,
    /// The part of the lab it belongs to.
    pub part: Part,
    /// What it tests, as it is printed.
    pub description: &'static str,
    /// The cluster it runs on.
    pub made: Made,
    /// What happens.
    pub body: fn(Cluster) -> Body,
}

/// The cluster a scenario runs on.
#[derive(Clone, Copy)]
pub enum Made {
    /// Always the same one, with the labs' timeouts.
    Lab {
        /// How many peers there are.
        peers: usize,
        /// How the network behaves at first.
        network: Profile,
        /// Whether services compact their logs.
        snapshots: Snapshots,
    },
    /// One that the seed decides.
    Drawn(fn(u64) -> Settings),
}

impl Made {
    /// What the world of a run with this seed is made of.
    #[must_use]
    pub fn settings(&self, seed: u64) -> Settings {
        match *self {
            Self::Lab { peers, network, snapshots } => Settings::lab(peers, network, snapshots),
            Self::Drawn(draw) => draw(seed),
        }
    }
}

/// A running scenario.
pub type Body = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// What a scenario is part of.
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
    /// No part of the lab: faults of all kinds at once.
    Storm,
    /// No part of the lab: everything is drawn from the seed.
    Swarm,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "2A",
            Self::B => "2B",
            Self::C => "2C",
            Self::D => "2D",
            Self::Storm => "storm",
            Self::Swarm => "swarm",
        })
    }
}

impl Part {
    /// The test program that runs it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::A | Self::B | Self::C | Self::D => "lab2",
            Self::Storm => "storm",
            Self::Swarm => "swarm",
        }
    }
}

impl Scenario {
    /// A scenario on a reliable network, without snapshots.
    const fn new(
        name: &'static str,
        part: Part,
        description: &'static str,
        peers: usize,
        body: fn(Cluster) -> Body,
    ) -> Self {
        let (network, snapshots) = (Profile::LAB_RELIABLE, Snapshots::Never);
        Self { name, part, description, made: Made::Lab { peers, network, snapshots }, body }
    }

    const fn unreliable(mut self) -> Self {
        if let Made::Lab { network, .. } = &mut self.made {
            *network = Profile::LAB_UNRELIABLE;
        }
        self
    }

    const fn with_snapshots(mut self) -> Self {
        if let Made::Lab { snapshots, .. } = &mut self.made {
            *snapshots = Snapshots::EVERY_TENTH;
        }
        self
    }

    /// The scenario of this name, of the labs or beyond.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().chain(&STORMS).chain(&SWARMS).find(|scenario| scenario.name == name)
    }
}

/// All scenarios, in the lab's order.
#[rustfmt::skip]
pub const SCENARIOS: [Scenario; 28] = [
    Scenario::new("initial_election_2a", Part::A, "initial election", 3, |c| Box::pin(elections::initial_election(c))),
    Scenario::new("re_election_2a", Part::A, "election after network failure", 3, |c| Box::pin(elections::re_election(c))),
    Scenario::new("many_elections_2a", Part::A, "multiple elections", 7, |c| Box::pin(elections::many_elections(c))),
    Scenario::new("basic_agree_2b", Part::B, "basic agreement", 3, |c| Box::pin(agreement::basic_agree(c))),
    Scenario::new("rpc_bytes_2b", Part::B, "RPC byte count", 3, |c| Box::pin(agreement::rpc_bytes(c))),
    Scenario::new("follower_failure_2b", Part::B, "test progressive failure of followers", 3, |c| Box::pin(agreement::follower_failure(c))),
    Scenario::new("leader_failure_2b", Part::B, "test failure of leaders", 3, |c| Box::pin(agreement::leader_failure(c))),
    Scenario::new("fail_agree_2b", Part::B, "agreement after follower reconnects", 3, |c| Box::pin(agreement::fail_agree(c))),
    Scenario::new("fail_no_agree_2b", Part::B, "no agreement if too many followers disconnect", 5, |c| Box::pin(agreement::fail_no_agree(c))),
    Scenario::new("concurrent_starts_2b", Part::B, "concurrent Start()s", 3, |c| Box::pin(agreement::concurrent_starts(c))),
    Scenario::new("rejoin_2b", Part::B, "rejoin of partitioned leader", 3, |c| Box::pin(agreement::rejoin(c))),
    Scenario::new("backup_2b", Part::B, "leader backs up quickly over incorrect follower logs", 5, |c| Box::pin(agreement::backup(c))),
    Scenario::new("count_2b", Part::B, "RPC counts aren't too high", 3, |c| Box::pin(agreement::count(c))),
    Scenario::new("persist1_2c", Part::C, "basic persistence", 3, |c| Box::pin(persistence::persist1(c))),
    Scenario::new("persist2_2c", Part::C, "more persistence", 5, |c| Box::pin(persistence::persist2(c))),
    Scenario::new("persist3_2c", Part::C, "partitioned leader and one follower crash, leader restarts", 3, |c| Box::pin(persistence::persist3(c))),
    Scenario::new("figure8_2c", Part::C, "Figure 8", 5, |c| Box::pin(persistence::figure8(c))),
    Scenario::new("unreliable_agree_2c", Part::C, "unreliable agreement", 5, |c| Box::pin(persistence::unreliable_agree(c))).unreliable(),
    Scenario::new("figure8_unreliable_2c", Part::C, "Figure 8 (unreliable)", 5, |c| Box::pin(persistence::figure8_unreliable(c))).unreliable(),
    Scenario::new("reliable_churn_2c", Part::C, "churn", 5, |c| Box::pin(persistence::churn(c))),
    Scenario::new("unreliable_churn_2c", Part::C, "unreliable churn", 5, |c| Box::pin(persistence::churn(c))).unreliable(),
    Scenario::new("snapshot_basic_2d", Part::D, "snapshots basic", 3, |c| Box::pin(snapshots::basic(c))).with_snapshots(),
    Scenario::new("snapshot_install_2d", Part::D, "install snapshots (disconnect)", 3, |c| Box::pin(snapshots::install(c))).with_snapshots(),
    Scenario::new("snapshot_install_unreliable_2d", Part::D, "install snapshots (disconnect+unreliable)", 3, |c| Box::pin(snapshots::install(c))).unreliable().with_snapshots(),
    Scenario::new("snapshot_install_crash_2d", Part::D, "install snapshots (crash)", 3, |c| Box::pin(snapshots::install_crash(c))).with_snapshots(),
    Scenario::new("snapshot_install_un_crash_2d", Part::D, "install snapshots (unreliable+crash)", 3, |c| Box::pin(snapshots::install_crash(c))).unreliable().with_snapshots(),
    Scenario::new("snapshot_all_crash_2d", Part::D, "crash and restart all servers", 3, |c| Box::pin(snapshots::all_crash(c))).with_snapshots(),
    Scenario::new("snapshot_init_2d", Part::D, "snapshot initialization after crash", 3, |c| Box::pin(snapshots::init(c))).with_snapshots(),
];
