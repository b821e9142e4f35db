//! All scenarios, as one table. A scenario is a row: its name (which is the name of its test), the
//! line that is printed, its part, the servers it runs on, and the body that drives them. The test
//! program of a lab calls the macro named in the block's first line.

#[cfg(feature = "real")]
mod real;

use std::cell::RefCell;
use std::rc::Rc;

use raft::verbose::Logger;
use raft_tests::harness::{self, Runnable, SmallCase};
use raft_tests::run::{Outcome, simulate_groups};
use raft_tests::scenario::{Body, Part};
use raft_tests::sim::network::NetworkProfile;

use crate::controller::Controller;
use crate::history::History;
use crate::key_value::KeyValueStore;
use crate::lab3::generic::{Load, rounds, speed};
use crate::lab3::{Lab, directed};
use crate::lab4::controller::{self, ControllerLab};
use crate::lab4::lab::{SERVERS, ShardedLab, group_id};
use crate::lab4::sharded::{self, GROUPS};
use crate::shard_rules::ShardRules;
use crate::sharded::ShardedStore;
use crate::swarm::{self, Case, Happened, Plan, Shrinking};
use crate::world::SnapshotLimit::{LogBytes, Never};
use crate::world::{Calls, GroupSetup, SnapshotLimit, Watch};

/// A scenario of a service.
#[derive(Clone, Copy)]
pub struct Scenario {
    name: &'static str,
    part: Part,
    description: &'static str,
    deployment: Deployment,
}

/// The servers of a scenario, and the body that drives them.
#[derive(Clone, Copy)]
enum Deployment {
    /// A key-value service.
    KeyValue(Servers, fn(Lab) -> Body),
    /// A shard controller, of three servers.
    Controller(fn(ControllerLab) -> Body),
    /// A sharded service: controllers and groups of three servers each.
    Sharded(Sharded, fn(ShardedLab) -> Body),
    /// A sharded service that is drawn from the seed.
    Drawn(fn(u64) -> Plan, DrawnBody),
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
    Servers { count, network: NetworkProfile::LAB_RELIABLE, limit: Never }
}

/// Servers of a sharded service.
#[derive(Clone, Copy)]
struct Sharded {
    controllers: usize,
    groups: usize,
    network: NetworkProfile,
    limit: SnapshotLimit,
}

/// A service with a reliable network, whose groups take a snapshot from so many bytes of log on.
const fn sharded(limit: SnapshotLimit) -> Sharded {
    Sharded { controllers: 1, groups: GROUPS, network: NetworkProfile::LAB_RELIABLE, limit }
}

impl Sharded {
    const fn of(plan: &Plan) -> Self {
        let Plan { groups, network, limit, .. } = *plan;
        Self { controllers: 1, groups, network: network.profile(), limit }
    }

    const fn peers(self) -> usize {
        CONTROLLERS * self.controllers + SERVERS * self.groups
    }

    const fn unreliable(self) -> Self {
        Self { network: NetworkProfile::LAB_UNRELIABLE, ..self }
    }

    const fn two_controllers(self) -> Self {
        Self { controllers: 2, ..self }
    }
}

impl Servers {
    const fn unreliable(self) -> Self {
        Self { network: NetworkProfile::LAB_UNRELIABLE, ..self }
    }

    const fn with_snapshots(self) -> Self {
        Self { limit: LogBytes(1000), ..self }
    }
}

macro_rules! suites {
    ($($(#[$doc:meta])* $table:ident $tests:ident! {
        $($name:ident: $description:literal, $part:ident,
            $deployment:ident[$($servers:expr)?], |$lab:ident $(, $plan:ident)?| $body:expr;)*
    })*) => {
        $(
            $(#[$doc])*
            pub const $table: &[Scenario] = &[$(Scenario {
                name: stringify!($name),
                part: Part::$part,
                description: $description,
                deployment: Deployment::$deployment($($servers,)? |$lab $(, $plan)?| Box::pin($body)),
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
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(1));
    speed_3a: "ops complete fast enough",
        KeyValue, KeyValue[servers(3)], |lab| speed(lab);
    concurrent_3a: "many clients",
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(5));
    unreliable_3a: "unreliable net, many clients",
        KeyValue, KeyValue[servers(5).unreliable()], |lab| rounds(lab, Load::of(5));
    unreliable_one_key_3a: "concurrent append to same key, unreliable",
        KeyValue, KeyValue[servers(3).unreliable()], |lab| directed::unreliable_one_key(lab);
    one_partition_3a: "progress in majority, none in minority, completion after heal",
        KeyValue, KeyValue[servers(5)], |lab| directed::one_partition(lab);
    many_partitions_one_client_3a: "partitions, one client",
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(1).partitions());
    many_partitions_many_clients_3a: "partitions, many clients",
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(5).partitions());
    persist_one_client_3a: "restarts, one client",
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(1).restarts());
    persist_concurrent_3a: "restarts, many clients",
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(5).restarts());
    persist_concurrent_unreliable_3a: "unreliable net, restarts, many clients",
        KeyValue, KeyValue[servers(5).unreliable()], |lab| rounds(lab, Load::of(5).restarts());
    persist_partition_3a: "restarts, partitions, many clients",
        KeyValue, KeyValue[servers(5)], |lab| rounds(lab, Load::of(5).restarts().partitions());
    persist_partition_unreliable_3a: "unreliable net, restarts, partitions, many clients",
        KeyValue, KeyValue[servers(5).unreliable()],
            |lab| rounds(lab, Load::of(5).restarts().partitions());
    persist_partition_unreliable_linearizable_3a:
        "unreliable net, restarts, partitions, random keys, many clients",
        KeyValue, KeyValue[servers(7).unreliable()],
            |lab| rounds(lab, Load::of(15).shared_keys().restarts().partitions());
    snapshot_rpc_3b: "InstallSnapshot RPC",
        KeyValueSnapshots, KeyValue[servers(3).with_snapshots()], |lab| directed::snapshot_rpc(lab);
    snapshot_size_3b: "snapshot size is reasonable",
        KeyValueSnapshots, KeyValue[servers(3).with_snapshots()],
            |lab| directed::snapshot_size(lab);
    speed_3b: "ops complete fast enough, snapshots",
        KeyValueSnapshots, KeyValue[servers(3).with_snapshots()], |lab| speed(lab);
    snapshot_recover_3b: "restarts, snapshots, one client",
        KeyValueSnapshots, KeyValue[servers(5).with_snapshots()],
            |lab| rounds(lab, Load::of(1).restarts());
    snapshot_recover_many_clients_3b: "restarts, snapshots, many clients",
        KeyValueSnapshots, KeyValue[servers(5).with_snapshots()],
            |lab| rounds(lab, Load::of(20).restarts());
    snapshot_unreliable_3b: "unreliable net, snapshots, many clients",
        KeyValueSnapshots, KeyValue[servers(5).unreliable().with_snapshots()],
            |lab| rounds(lab, Load::of(5));
    snapshot_unreliable_recover_3b: "unreliable net, restarts, snapshots, many clients",
        KeyValueSnapshots, KeyValue[servers(5).unreliable().with_snapshots()],
            |lab| rounds(lab, Load::of(5).restarts());
    snapshot_unreliable_recover_concurrent_partition_3b:
        "unreliable net, restarts, partitions, snapshots, many clients",
        KeyValueSnapshots, KeyValue[servers(5).unreliable().with_snapshots()],
            |lab| rounds(lab, Load::of(5).restarts().partitions());
    snapshot_unreliable_recover_concurrent_partition_linearizable_3b:
        "unreliable net, restarts, partitions, snapshots, random keys, many clients",
        KeyValueSnapshots, KeyValue[servers(7).unreliable().with_snapshots()],
            |lab| rounds(lab, Load::of(15).shared_keys().restarts().partitions());
}

/// The scenarios of lab 4, in the lab's order.
LAB4 lab4_tests! {
    basic_4a: "join, leave, move, history, few moves",
        Controller, Controller[], |lab| controller::basic(lab);
    multi_4a: "groups join and leave together",
        Controller, Controller[], |lab| controller::multi(lab);
    minimal_again_4a: "only shards of the group that comes or goes move",
        Controller, Controller[], |lab| controller::minimal_again(lab);
    static_shards_4b: "static shards",
        Sharding, Sharded[sharded(Never)], |lab| sharded::static_shards(lab);
    rejection_4b: "a group refuses keys that are not its own",
        Sharding, Sharded[sharded(Never).two_controllers()], |lab| sharded::rejection(lab);
    join_leave_4b: "join then leave",
        Sharding, Sharded[sharded(Never)], |lab| sharded::join_leave(lab);
    snapshot_4b: "snapshots, join, and leave",
        Sharding, Sharded[sharded(LogBytes(1000))], |lab| sharded::snapshot(lab);
    miss_change_4b: "servers miss configuration changes",
        Sharding, Sharded[sharded(LogBytes(1000))], |lab| sharded::miss_change(lab);
    concurrent1_4b: "concurrent puts and configuration changes",
        Sharding, Sharded[sharded(LogBytes(100))], |lab| sharded::concurrent1(lab);
    concurrent2_4b: "more concurrent puts and configuration changes",
        Sharding, Sharded[sharded(Never)], |lab| sharded::concurrent2(lab);
    concurrent3_4b: "concurrent configuration change and restart",
        Sharding, Sharded[sharded(LogBytes(300))], |lab| sharded::concurrent3(lab);
    unreliable1_4b: "unreliable 1",
        Sharding, Sharded[sharded(LogBytes(100)).unreliable()], |lab| sharded::unreliable1(lab);
    unreliable2_4b: "unreliable 2",
        Sharding, Sharded[sharded(LogBytes(100)).unreliable()], |lab| sharded::unreliable2(lab);
    unreliable3_4b: "unreliable 3",
        Sharding, Sharded[sharded(LogBytes(100)).unreliable()], |lab| sharded::unreliable3(lab);
    challenge1_delete_4b: "shard deletion (challenge 1)",
        Sharding, Sharded[sharded(LogBytes(1))], |lab| sharded::delete(lab);
    challenge2_unaffected_4b: "unaffected shard access (challenge 2)",
        Sharding, Sharded[sharded(LogBytes(100)).unreliable()], |lab| sharded::unaffected(lab);
    challenge2_partial_4b: "partial migration shard access (challenge 2)",
        Sharding, Sharded[sharded(LogBytes(100)).unreliable()], |lab| sharded::partial(lab);
}

/// Runs in which everything is drawn from the seed.
SWARM swarm_tests! {
    swarm_services: "swarm: groups, shards and clients under faults of all kinds",
        ServiceSwarm, Drawn[Plan::draw], |lab, plan| swarm::run(lab, plan);
}
}

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    SUITES.iter().flat_map(|suite| suite.iter()).find(|scenario| scenario.name == name)
}

/// The columns of `docs/canaries.md` in which scenarios hunt, in the table's order.
#[must_use]
pub fn hunts() -> Vec<&'static str> {
    vec!["services", "swarm_services"]
}

/// The scenarios that hunt in this column of `docs/canaries.md`.
pub fn hunting(column: &str) -> impl Iterator<Item = &'static Scenario> {
    let suites: &[&[Scenario]] = match column {
        "services" => &[LAB3, LAB4],
        "swarm_services" => &[SWARM],
        _ => &[],
    };
    suites.iter().flat_map(|suite| suite.iter())
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

    fn peers(&self, seed: u64) -> usize {
        match self.deployment {
            Deployment::KeyValue(servers, _) => servers.count,
            Deployment::Controller(_) => CONTROLLERS,
            Deployment::Sharded(service, _) => service.peers(),
            Deployment::Drawn(draw, _) => Sharded::of(&draw(seed)).peers(),
        }
    }

    fn simulate(&self, seed: u64, logger: Option<Logger>) -> Outcome {
        match self.deployment {
            Deployment::KeyValue(servers, body) => self.run_key_value(servers, body, seed, logger),
            Deployment::Controller(body) => self.run_controller(body, seed, logger),
            Deployment::Sharded(service, body) => {
                self.run_sharded(service, body, seed, logger.as_ref())
            }
            Deployment::Drawn(draw, body) => {
                let case = Case::of(seed, draw(seed));
                self.run_drawn(body, &case, &Happened::default(), logger.as_ref())
            }
        }
    }

    #[cfg(feature = "real")]
    fn run_real(&self, seed: u64, logger: Option<Logger>) -> Option<raft_tests::real::RealOutcome> {
        self.on_real_peers(seed, logger)
    }

    fn case(&self, seed: u64) -> Option<String> {
        Some(self.drawn(seed)?.0.to_string())
    }

    fn read_case(&self, text: &str) -> Result<(u64, Box<dyn Runnable>), String> {
        let (_, body) = self.drawn(0).ok_or_else(|| harness::no_cases(self.name))?;
        let case: Case = text.parse()?;
        Ok((case.seed, Box::new(Played { scenario: *self, body, case })))
    }

    fn shrink(&self, seed: u64) -> Result<SmallCase, String> {
        let (case, body) = self.drawn(seed).ok_or_else(|| harness::no_cases(self.name))?;
        let mut from = 0;
        let run = |case: &Case| {
            let happened = Happened::default();
            let outcome = self.run_drawn(body, case, &happened, None);
            let happened = happened.take();
            from = from.max(happened.len());
            (outcome.err().map(|report| report.failure.identity()), happened)
        };
        let shrinking = Shrinking::new(&case, run);
        let mut shrinking = shrinking.ok_or_else(|| {
            format!(
                "nothing to shrink: seed {seed} passes, or its faults alone do not bring the failure back"
            )
        })?;
        shrinking.shrink();
        let case = shrinking.best;
        Ok(SmallCase { text: case.to_string(), size: case.size(), from })
    }
}

type DrawnBody = fn(ShardedLab, (Plan, Happened)) -> Body;

/// A case that is played.
struct Played {
    scenario: Scenario,
    body: DrawnBody,
    case: Case,
}

impl Runnable for Played {
    fn name(&self) -> &'static str {
        self.scenario.name
    }

    fn part(&self) -> Part {
        self.scenario.part
    }

    fn description(&self) -> &'static str {
        self.scenario.description
    }

    fn peers(&self, _: u64) -> usize {
        Sharded::of(&self.case.plan).peers()
    }

    fn simulate(&self, _: u64, logger: Option<Logger>) -> Outcome {
        self.scenario.run_drawn(self.body, &self.case, &Happened::default(), logger.as_ref())
    }
}

impl Servers {
    fn setup(self, seed: u64, logger: Option<Logger>) -> GroupSetup<KeyValueStore> {
        let Self { count, network, limit } = self;
        GroupSetup::new(&KeyValueStore::default(), seed, count, network, limit, logger)
    }
}

/// A controller without a watch on it.
fn controller_setup(
    seed: u64,
    network: NetworkProfile,
    logger: Option<Logger>,
) -> GroupSetup<Controller> {
    GroupSetup::new(&Controller::default(), seed, CONTROLLERS, network, Never, logger)
}

impl Scenario {
    fn run_key_value(
        &self,
        servers: Servers,
        body: fn(Lab) -> Body,
        seed: u64,
        logger: Option<Logger>,
    ) -> Outcome {
        let setup = servers.setup(seed, logger);
        let worlds = vec![setup.world()];
        let (calls, history) = (Calls::default(), Rc::new(RefCell::new(History::default())));
        let shared = (calls.clone(), Rc::clone(&history));
        let start = |clusters: Vec<_>| {
            let cluster = clusters.into_iter().next().expect("there is one group");
            body(Lab::new(setup.into_group(cluster), servers.limit, shared.0, shared.1))
        };
        let mut summary = simulate_groups(self.name, self.part, seed, worlds, start)?;
        summary.traffic.rpcs += calls.made();
        summary.commands = history.borrow().calls();
        Ok(summary)
    }

    fn run_controller(
        &self,
        body: fn(ControllerLab) -> Body,
        seed: u64,
        logger: Option<Logger>,
    ) -> Outcome {
        let setup = controller_setup(seed, NetworkProfile::LAB_RELIABLE, logger);
        let (worlds, calls) = (vec![setup.world()], Calls::default());
        let shared = calls.clone();
        let start = |clusters: Vec<_>| {
            let cluster = clusters.into_iter().next().expect("there is one group");
            body(ControllerLab::new(setup.into_group(cluster), shared))
        };
        let mut summary = simulate_groups(self.name, self.part, seed, worlds, start)?;
        summary.traffic.rpcs += calls.made();
        summary.commands = calls.operations();
        Ok(summary)
    }
}

impl Sharded {
    /// Its controllers, and its groups, in worlds that check the rules of the service.
    fn setups(
        self,
        seed: u64,
        logger: Option<&Logger>,
    ) -> (Vec<GroupSetup<Controller>>, Vec<GroupSetup<ShardedStore>>) {
        let Self { controllers, groups, network, limit } = self;
        let rules: Rc<RefCell<ShardRules>> = Rc::default();
        let controller = |position: usize| {
            let setup = controller_setup(seed, network, logger.cloned());
            let setup = setup.numbered_from(position * NUMBERS);
            let rules = Rc::clone(&rules);
            let watch: Watch<Controller> =
                Rc::new(move |entry, state| rules.borrow_mut().controller_applied(entry, state));
            // Groups follow the first one.
            if position == 0 { setup.watched(&watch) } else { setup }
        };
        let group = |group| {
            let first_peer = (controllers + group) * NUMBERS;
            let (group, rules) = (group_id(group), Rc::clone(&rules));
            let initial = ShardedStore::new(group);
            let setup = GroupSetup::new(&initial, seed, SERVERS, network, limit, logger.cloned());
            let watch: Watch<ShardedStore> =
                Rc::new(move |entry, state| rules.borrow_mut().group_applied(group, entry, state));
            setup.numbered_from(first_peer).watched(&watch)
        };
        ((0..controllers).map(controller).collect(), (0..groups).map(group).collect())
    }
}

impl Scenario {
    /// The run of a seed as a case, if it is drawn.
    fn drawn(&self, seed: u64) -> Option<(Case, DrawnBody)> {
        match self.deployment {
            Deployment::Drawn(draw, body) => Some((Case::of(seed, draw(seed)), body)),
            Deployment::KeyValue(..) | Deployment::Controller(_) | Deployment::Sharded(..) => None,
        }
    }

    fn run_drawn(
        &self,
        body: DrawnBody,
        Case { seed, plan, .. }: &Case,
        happened: &Happened,
        logger: Option<&Logger>,
    ) -> Outcome {
        let drawn = (plan.clone(), Rc::clone(happened));
        self.run_sharded(Sharded::of(plan), |lab| body(lab, drawn), *seed, logger)
    }

    fn run_sharded(
        &self,
        service: Sharded,
        body: impl FnOnce(ShardedLab) -> Body,
        seed: u64,
        logger: Option<&Logger>,
    ) -> Outcome {
        let (controllers, groups) = service.setups(seed, logger);
        let worlds = controllers.iter().map(GroupSetup::world);
        let worlds = worlds.chain(groups.iter().map(GroupSetup::world)).collect();
        let (calls, history) = (Calls::default(), Rc::new(RefCell::new(History::default())));
        let shared = (calls.clone(), Rc::clone(&history));
        let start = |clusters: Vec<_>| {
            let (calls, history) = shared;
            let mut clusters = clusters.into_iter();
            let controllers = controllers.into_iter().zip(clusters.by_ref());
            let controller = |(setup, cluster): (GroupSetup<_>, _)| {
                ControllerLab::new(setup.into_group(cluster), calls.clone())
            };
            let controllers = controllers.map(controller).collect();
            let groups = groups.into_iter().zip(clusters);
            let groups = groups.map(|(setup, cluster)| setup.into_group(cluster)).collect();
            body(ShardedLab::new(controllers, groups, service.limit, calls, history))
        };
        let mut summary = simulate_groups(self.name, self.part, seed, worlds, start)?;
        summary.traffic.rpcs += calls.made();
        summary.commands = calls.operations() + history.borrow().calls();
        Ok(summary)
    }
}

/// Peers of the first controller have numbers from 0 on, those of the next group from this one on, and so
/// forth.
const NUMBERS: usize = 10;

/// Servers of a controller.
const CONTROLLERS: usize = 3;
