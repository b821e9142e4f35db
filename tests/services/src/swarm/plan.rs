//! Plan of a run: its groups, clients and recurring faults, drawn from the seed before anything
//! happens.

use std::time::Duration;

use raft_tests::sim::network::{LinkProfile, NetworkProfile};
use raft_tests::sim::random::{Chance, Domain, Stream};

use crate::world::SnapshotLimit;

/// Plan of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Number of groups, which may join and leave.
    pub(crate) groups: usize,
    pub(crate) network: NetworkProfile,
    pub(crate) limit: SnapshotLimit,
    /// Duration of the fault phase.
    pub(crate) duration: Duration,
    /// Number of clients.
    pub(crate) clients: usize,
    /// Number of keys, each in a shard of its own up to ten.
    pub(crate) keys: usize,
    /// The longest pause of a client between two operations.
    pub(crate) pause: Duration,
    /// The recurring faults, each with the mean time between two of its kind.
    pub(crate) faults: Vec<(FaultKind, Duration)>,
}

raft_tests::fault_kinds! {
/// Kind of a recurring event.
pub(crate) enum FaultKind {
    /// Groups join.
    Join = 0 "nemesis: join",
    /// Groups leave, perhaps all.
    Leave = 1 "nemesis: leave",
    /// A shard goes to another group.
    Move = 2 "nemesis: move",
    /// A server crashes, and starts after a while.
    CrashServer = 3 "nemesis: crash of a server",
    /// All servers of a group, or of the controller, crash at once.
    CrashGroup = 4 "nemesis: crash of a group",
    /// A server takes a snapshot out of turn, and may crash before it is durable.
    Snapshot = 5 "nemesis: snapshot",
    /// A group, or the controller, falls into two parts.
    Partition = 6 "nemesis: partition",
    /// A group does not reach another one, or the controller.
    CutRoute = 7 "nemesis: cut route",
    /// A server halts for a while.
    Pause = 8 "nemesis: pause",
    /// A leader hands over its leadership, or gives it up.
    Depose = 9 "nemesis: depose",
    /// The disk of a server slows down for a while.
    SlowDisk = 10 "nemesis: slow disk",
}
}

impl Plan {
    /// Draws a plan.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = Stream::new(seed, Domain::Settings, [SERVICES, 0]);
        let limit = rng.pick(&[
            SnapshotLimit::Never,
            SnapshotLimit::LogBytes(1),
            SnapshotLimit::LogBytes(100),
            SnapshotLimit::LogBytes(300),
            SnapshotLimit::LogBytes(1000),
        ]);
        let duration = Duration::from_millis(rng.pick(&[2000, 4000, 8000]));
        let faults = FaultKind::ALL.iter().filter_map(|kind| {
            let mut rng = Stream::new(seed, Domain::Settings, [SERVICES, 1 + *kind as u64]);
            let gap = rng.log_uniform(GAP_MIN, GAP_MAX);
            let always = *kind == FaultKind::Join;
            (always || rng.happens(Chance::percent(60))).then_some((*kind, gap))
        });
        Self {
            groups: rng.pick(&[1, 2, 2, 3, 3, 4]),
            network: network(&mut rng),
            limit,
            duration,
            clients: rng.pick(&[1, 2, 4, 6]),
            keys: rng.pick(&[1, 3, 10, 20]),
            pause: Duration::from_millis(rng.pick(&[0, 20, 100])),
            faults: faults.collect(),
        }
    }
}

fn network(rng: &mut Stream) -> NetworkProfile {
    let link = |rng: &mut Stream| LinkProfile {
        loss: Chance::percent(rng.below(20)),
        duplication: Chance::percent(rng.below(10)),
        delay_max: Duration::from_millis(rng.below(30)),
        reordering: Chance::NEVER,
    };
    match rng.below(3) {
        0 => NetworkProfile::LAB_RELIABLE,
        1 => NetworkProfile::LAB_UNRELIABLE,
        _ => NetworkProfile { request: link(rng), reply: link(rng) },
    }
}

/// Streams of plans of services, beyond those of other families.
const SERVICES: u64 = 100;

const GAP_MIN: Duration = Duration::from_millis(60);
const GAP_MAX: Duration = Duration::from_secs(4);
