//! The 28 scenarios of MIT 6.5840 Lab 2: what each does, and on what kind of cluster.

pub mod agreement;
pub mod elections;
pub mod persistence;
pub mod snapshots;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::case::Settings;
use crate::cluster::Cluster;
use crate::dissertation::DISSERTATION;
use crate::failure::Failure;
#[cfg(feature = "real")]
use crate::real::RealWorld;
use crate::service::Snapshots;
use crate::sim::network::NetworkProfile;
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
    pub spec: ClusterSpec,
    /// What happens.
    pub body: fn(Cluster) -> Body,
}

/// The cluster a scenario runs on.
#[derive(Clone, Copy)]
pub enum ClusterSpec {
    /// Always the same one, with the labs' timeouts.
    Lab {
        /// How many peers there are.
        peers: usize,
        /// How the network behaves at first.
        network: NetworkProfile,
        /// Whether services compact their logs.
        snapshots: Snapshots,
    },
    /// One that the seed decides.
    Drawn(fn(u64) -> Settings),
}

impl ClusterSpec {
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
    /// No part of the lab: what peers do beyond the paper.
    Thesis,
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
            Self::Thesis => "thesis",
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
            Self::Thesis => "thesis",
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
        let (network, snapshots) = (NetworkProfile::LAB_RELIABLE, Snapshots::Never);
        Self { name, part, description, spec: ClusterSpec::Lab { peers, network, snapshots }, body }
    }

    const fn unreliable(mut self) -> Self {
        if let ClusterSpec::Lab { network, .. } = &mut self.spec {
            *network = NetworkProfile::LAB_UNRELIABLE;
        }
        self
    }

    const fn with_snapshots(mut self) -> Self {
        if let ClusterSpec::Lab { snapshots, .. } = &mut self.spec {
            *snapshots = Snapshots::EVERY_TENTH;
        }
        self
    }

    /// The scenario of this name, of the labs or beyond.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let all = SCENARIOS.iter().chain(&DISSERTATION).chain(&STORMS).chain(&SWARMS);
        all.into_iter().find(|scenario| scenario.name == name)
    }
}

/// The scenarios and their bodies, each body for every world there is.
macro_rules! scenarios {
    ($($name:literal $part:ident $peers:literal $description:literal
        $file:ident::$body:ident $($more:ident)*;)*) => {
        /// All scenarios, in the lab's order.
        pub const SCENARIOS: [Scenario; 28] = [$(
            Scenario::new($name, Part::$part, $description, $peers, |c| Box::pin($file::$body(c)))
                $(.$more())*
        ),*];

        /// What happens in a scenario, on real peers; `None` for one beyond the labs, which needs
        /// the simulated world.
        #[cfg(feature = "real")]
        pub(crate) fn real_body(name: &str) -> Option<fn(Cluster<RealWorld>) -> Body> {
            match name {
                $($name => Some(|c| Box::pin($file::$body(c))),)*
                _ => None,
            }
        }
    };
}

#[rustfmt::skip]
scenarios! {
    "initial_election_2a" A 3 "initial election" elections::initial_election;
    "re_election_2a" A 3 "election after network failure" elections::re_election;
    "many_elections_2a" A 7 "multiple elections" elections::many_elections;
    "basic_agree_2b" B 3 "basic agreement" agreement::basic_agree;
    "rpc_bytes_2b" B 3 "RPC byte count" agreement::rpc_bytes;
    "follower_failure_2b" B 3 "test progressive failure of followers" agreement::follower_failure;
    "leader_failure_2b" B 3 "test failure of leaders" agreement::leader_failure;
    "fail_agree_2b" B 3 "agreement after follower reconnects" agreement::fail_agree;
    "fail_no_agree_2b" B 5 "no agreement if too many followers disconnect" agreement::fail_no_agree;
    "concurrent_starts_2b" B 3 "concurrent Start()s" agreement::concurrent_starts;
    "rejoin_2b" B 3 "rejoin of partitioned leader" agreement::rejoin;
    "backup_2b" B 5 "leader backs up quickly over incorrect follower logs" agreement::backup;
    "count_2b" B 3 "RPC counts aren't too high" agreement::count;
    "persist1_2c" C 3 "basic persistence" persistence::persist1;
    "persist2_2c" C 5 "more persistence" persistence::persist2;
    "persist3_2c" C 3 "partitioned leader and one follower crash, leader restarts" persistence::persist3;
    "figure8_2c" C 5 "Figure 8" persistence::figure8;
    "unreliable_agree_2c" C 5 "unreliable agreement" persistence::unreliable_agree unreliable;
    "figure8_unreliable_2c" C 5 "Figure 8 (unreliable)" persistence::figure8_unreliable unreliable;
    "reliable_churn_2c" C 5 "churn" persistence::churn;
    "unreliable_churn_2c" C 5 "unreliable churn" persistence::churn unreliable;
    "snapshot_basic_2d" D 3 "snapshots basic" snapshots::basic with_snapshots;
    "snapshot_install_2d" D 3 "install snapshots (disconnect)" snapshots::install with_snapshots;
    "snapshot_install_unreliable_2d" D 3 "install snapshots (disconnect+unreliable)" snapshots::install unreliable with_snapshots;
    "snapshot_install_crash_2d" D 3 "install snapshots (crash)" snapshots::install_crash with_snapshots;
    "snapshot_install_un_crash_2d" D 3 "install snapshots (unreliable+crash)" snapshots::install_crash unreliable with_snapshots;
    "snapshot_all_crash_2d" D 3 "crash and restart all servers" snapshots::all_crash with_snapshots;
    "snapshot_init_2d" D 3 "snapshot initialization after crash" snapshots::init with_snapshots;
}
