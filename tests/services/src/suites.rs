//! All scenarios, as one table. A scenario is a row: its name (which is the name of its test), the
//! line that is printed, its part, the servers it runs on, and the body that drives them. The test
//! program of a lab calls the macro named in the block's first line.

use raft::verbose::Logger;
use raft_tests::harness::{self, Runnable};
use raft_tests::run::{Outcome, simulate_groups};
use raft_tests::scenario::{Body, Part};
use raft_tests::sim::network::NetworkProfile;

use crate::lab3::generic::{Load, rounds, speed};
use crate::lab3::{Lab, directed};
use crate::world::{GroupSetup, SnapshotLimit};

/// A scenario of a service.
#[derive(Clone, Copy)]
pub struct Scenario {
    name: &'static str,
    part: Part,
    description: &'static str,
    servers: Servers,
    body: fn(Lab) -> Body,
}

/// Servers of a key-value service.
#[derive(Clone, Copy)]
struct Servers {
    count: usize,
    network: NetworkProfile,
    limit: SnapshotLimit,
}

/// Servers on a reliable network that take no snapshots.
const fn servers(count: usize) -> Servers {
    Servers { count, network: NetworkProfile::LAB_RELIABLE, limit: SnapshotLimit::Never }
}

impl Servers {
    const fn unreliable(self) -> Self {
        Self { network: NetworkProfile::LAB_UNRELIABLE, ..self }
    }

    const fn with_snapshots(self) -> Self {
        Self { limit: SnapshotLimit::LogBytes(1000), ..self }
    }
}

macro_rules! suites {
    ($($(#[$doc:meta])* $table:ident $tests:ident! {
        $($name:ident: $description:literal, $part:ident, $servers:expr, |$lab:ident| $body:expr;)*
    })*) => {
        $(
            $(#[$doc])*
            pub const $table: &[Scenario] = &[$(Scenario {
                name: stringify!($name),
                part: Part::$part,
                description: $description,
                servers: $servers,
                body: |$lab| Box::pin($body),
            }),*];

            /// Makes a test of each scenario of the suite.
            #[macro_export]
            macro_rules! $tests {
                () => {
                    $(
                        #[test]
                        fn $name() {
                            services::run(stringify!($name));
                        }
                    )*
                };
            }
        )*

        /// All suites.
        pub const SUITES: &[&[Scenario]] = &[$($table),*];
    };
}

suites! {
/// The 23 scenarios of lab 3, in the lab's order.
LAB3 lab3_tests! {
    basic_3a: "one client",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(1));
    speed_3a: "ops complete fast enough",
        KeyValue, servers(3), |lab| speed(lab);
    concurrent_3a: "many clients",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(5));
    unreliable_3a: "unreliable net, many clients",
        KeyValue, servers(5).unreliable(), |lab| rounds(lab, Load::of(5));
    unreliable_one_key_3a: "concurrent append to same key, unreliable",
        KeyValue, servers(3).unreliable(), |lab| directed::unreliable_one_key(lab);
    one_partition_3a: "progress in majority, none in minority, completion after heal",
        KeyValue, servers(5), |lab| directed::one_partition(lab);
    many_partitions_one_client_3a: "partitions, one client",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(1).partitions());
    many_partitions_many_clients_3a: "partitions, many clients",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(5).partitions());
    persist_one_client_3a: "restarts, one client",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(1).restarts());
    persist_concurrent_3a: "restarts, many clients",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(5).restarts());
    persist_concurrent_unreliable_3a: "unreliable net, restarts, many clients",
        KeyValue, servers(5).unreliable(), |lab| rounds(lab, Load::of(5).restarts());
    persist_partition_3a: "restarts, partitions, many clients",
        KeyValue, servers(5), |lab| rounds(lab, Load::of(5).restarts().partitions());
    persist_partition_unreliable_3a: "unreliable net, restarts, partitions, many clients",
        KeyValue, servers(5).unreliable(),
        |lab| rounds(lab, Load::of(5).restarts().partitions());
    persist_partition_unreliable_linearizable_3a:
        "unreliable net, restarts, partitions, random keys, many clients",
        KeyValue, servers(7).unreliable(),
        |lab| rounds(lab, Load::of(15).shared_keys().restarts().partitions());
    snapshot_rpc_3b: "InstallSnapshot RPC",
        KeyValueSnapshots, servers(3).with_snapshots(), |lab| directed::snapshot_rpc(lab);
    snapshot_size_3b: "snapshot size is reasonable",
        KeyValueSnapshots, servers(3).with_snapshots(), |lab| directed::snapshot_size(lab);
    speed_3b: "ops complete fast enough, snapshots",
        KeyValueSnapshots, servers(3).with_snapshots(), |lab| speed(lab);
    snapshot_recover_3b: "restarts, snapshots, one client",
        KeyValueSnapshots, servers(5).with_snapshots(), |lab| rounds(lab, Load::of(1).restarts());
    snapshot_recover_many_clients_3b: "restarts, snapshots, many clients",
        KeyValueSnapshots, servers(5).with_snapshots(), |lab| rounds(lab, Load::of(20).restarts());
    snapshot_unreliable_3b: "unreliable net, snapshots, many clients",
        KeyValueSnapshots, servers(5).unreliable().with_snapshots(),
        |lab| rounds(lab, Load::of(5));
    snapshot_unreliable_recover_3b: "unreliable net, restarts, snapshots, many clients",
        KeyValueSnapshots, servers(5).unreliable().with_snapshots(),
        |lab| rounds(lab, Load::of(5).restarts());
    snapshot_unreliable_recover_concurrent_partition_3b:
        "unreliable net, restarts, partitions, snapshots, many clients",
        KeyValueSnapshots, servers(5).unreliable().with_snapshots(),
        |lab| rounds(lab, Load::of(5).restarts().partitions());
    snapshot_unreliable_recover_concurrent_partition_linearizable_3b:
        "unreliable net, restarts, partitions, snapshots, random keys, many clients",
        KeyValueSnapshots, servers(7).unreliable().with_snapshots(),
        |lab| rounds(lab, Load::of(15).shared_keys().restarts().partitions());
}
}

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    SUITES.iter().flat_map(|suite| suite.iter()).find(|scenario| scenario.name == name)
}

/// Runs a scenario as a test.
///
/// # Panics
/// The run fails, or the environment asks for something that cannot be done.
pub fn run(name: &str) {
    let scenario = find(name).unwrap_or_else(|| panic!("unknown scenario {name}"));
    harness::run_seeded(scenario);
}

impl Runnable for Scenario {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn peers(&self, _: u64) -> usize {
        self.servers.count
    }

    fn simulate(&self, seed: u64, logger: Option<Logger>) -> Outcome {
        let Servers { count, network, limit } = self.servers;
        let setup = GroupSetup::new(count, network, limit, logger);
        let (world, body) = (setup.world(), self.body);
        let lab = std::cell::OnceCell::new();
        let start = |clusters: Vec<_>| {
            let cluster = clusters.into_iter().next().expect("there is one group");
            body(lab.get_or_init(|| Lab::new(setup.into_group(cluster), limit)).clone())
        };
        let mut summary = simulate_groups(self.name, self.part, seed, vec![world], start)?;
        if let Some(lab) = lab.get() {
            summary.traffic.rpcs += lab.calls.made();
            summary.commands = lab.history.borrow().calls();
        }
        Ok(summary)
    }
}
