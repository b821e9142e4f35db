//! Plan of a run: its groups, clients and recurring faults, drawn from the seed before anything
//! happens.

use std::collections::BTreeSet;
use std::time::Duration;

use raft_tests::sim::network::{LinkProfile, NetworkProfile};
use raft_tests::sim::random::{Chance, Domain, Stream};

use crate::world::SnapshotLimit;

/// Plan of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Number of groups, which may join and leave.
    pub(crate) groups: usize,
    pub(crate) network: Network,
    pub(crate) limit: SnapshotLimit,
    /// Duration of the fault phase.
    pub(crate) duration: Duration,
    /// Number of clients.
    pub(crate) clients: usize,
    /// Number of keys, each in a shard of its own up to ten.
    pub(crate) keys: usize,
    /// The longest pause of a client between two operations.
    pub(crate) pause: Duration,
    pub(crate) faults: Vec<Fault>,
}

/// A recurring fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The mean time between two of them.
    pub(crate) gap: Duration,
    /// The numbers of those that happen; `None` for all.
    pub(crate) events: Option<BTreeSet<u64>>,
}

/// The network of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Reliable,
    Unreliable,
    Drawn { request: LinkPlan, reply: LinkPlan },
}

/// A link: per cent of losses and copies, and the longest delay in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkPlan {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) delay_max: u64,
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
    /// A plan without faults and clients, to which lines of a case add.
    pub(super) const fn quiet() -> Self {
        Self {
            groups: 1,
            network: Network::Reliable,
            limit: SnapshotLimit::Never,
            duration: Duration::ZERO,
            clients: 0,
            keys: 1,
            pause: Duration::ZERO,
            faults: Vec::new(),
        }
    }

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
            let happens = always || rng.happens(Chance::percent(60));
            happens.then_some(Fault { kind: *kind, gap, events: None })
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

fn network(rng: &mut Stream) -> Network {
    let link = |rng: &mut Stream| LinkPlan {
        loss: rng.below(20),
        duplication: rng.below(10),
        delay_max: rng.below(30),
    };
    match rng.below(3) {
        0 => Network::Reliable,
        1 => Network::Unreliable,
        _ => Network::Drawn { request: link(rng), reply: link(rng) },
    }
}

impl Network {
    pub(crate) const fn profile(self) -> NetworkProfile {
        match self {
            Self::Reliable => NetworkProfile::LAB_RELIABLE,
            Self::Unreliable => NetworkProfile::LAB_UNRELIABLE,
            Self::Drawn { request, reply } => {
                NetworkProfile { request: request.profile(), reply: reply.profile() }
            }
        }
    }
}

impl LinkPlan {
    const fn profile(self) -> LinkProfile {
        LinkProfile {
            loss: Chance::percent(self.loss),
            duplication: Chance::percent(self.duplication),
            delay_max: Duration::from_millis(self.delay_max),
            reordering: Chance::NEVER,
        }
    }
}

/// Streams of plans of services, beyond those of other families.
const SERVICES: u64 = 100;

const GAP_MIN: Duration = Duration::from_millis(60);
const GAP_MAX: Duration = Duration::from_secs(4);
