//! Runs in which everything is drawn from the seed: the cluster, its timeouts and limits, the
//! clients, and which kinds of faults happen how badly.
//!
//! ```text
//! seed ─► draw: Settings, FaultPlan ─► weather (faults) ┐
//!                                   └► client (requests) ┴─► calm (liveness) ─► verdict (answers)
//! Case ─► play: the same steps, from a list ────────────────┘
//! ```
//!
//! Each kind of fault is absent from about half of all runs: a fault that is always there hides
//! what only happens without it (swarm testing, Groce et al. 2012). The storm ends; a majority is
//! healed and must get on while the rest stays broken.

pub(crate) mod client;
mod core;
mod deposed_leader;
mod fault_plan;
mod liveness;
mod nemesis;
mod replay;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

pub use self::liveness::LIMIT_IN_TIMEOUTS;
pub use self::nemesis::FaultKind;
pub(crate) use self::replay::{replay, steps};

use self::deposed_leader::ReadMode;
use self::fault_plan::FaultPlan;
use crate::case::PeerSet;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::lab2::{ClusterSpec, Part, Scenario};
use crate::oracle::history::History;
use crate::sim::random::{Domain, Stream};

/// What the runs of one test have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One to three peers: every event matters, and runs are short.
    Small,
    /// One to seven peers and all kinds of faults.
    Mixed,
    /// Snapshots all the time, in small pieces.
    Snapshots,
    /// Disks that are slow, stuck, failing and torn.
    Disks,
    /// Links that lose, double, delay, reorder and fail in all ways.
    Links,
    /// Crashes, pauses, clocks: leaders do not last.
    Elections,
    /// Members come and go.
    Members,
}

/// The swarm's tests.
#[rustfmt::skip]
pub const SWARMS: [Scenario; 9] = [
    Scenario { name: "swarm_small", part: Part::Swarm, description: "swarm: one to three peers", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Small, seed)), body: |c| Box::pin(swarm(c, Family::Small)) },
    Scenario { name: "swarm_mixed", part: Part::Swarm, description: "swarm: all kinds of faults", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Mixed, seed)), body: |c| Box::pin(swarm(c, Family::Mixed)) },
    Scenario { name: "swarm_snapshots", part: Part::Swarm, description: "swarm: snapshots all the time", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Snapshots, seed)), body: |c| Box::pin(swarm(c, Family::Snapshots)) },
    Scenario { name: "swarm_disks", part: Part::Swarm, description: "swarm: bad disks", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Disks, seed)), body: |c| Box::pin(swarm(c, Family::Disks)) },
    Scenario { name: "swarm_links", part: Part::Swarm, description: "swarm: bad links", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Links, seed)), body: |c| Box::pin(swarm(c, Family::Links)) },
    Scenario { name: "swarm_elections", part: Part::Swarm, description: "swarm: leaders do not last", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Elections, seed)), body: |c| Box::pin(swarm(c, Family::Elections)) },
    Scenario { name: "swarm_members", part: Part::Swarm, description: "swarm: members come and go", spec: ClusterSpec::Drawn(|seed| fault_plan::settings(Family::Members, seed)), body: |c| Box::pin(swarm(c, Family::Members)) },
    Scenario { name: "swarm_reads", part: Part::Swarm, description: "thesis §6.4: reads from deposed leaders", spec: ClusterSpec::Drawn(|seed| deposed_leader::settings(ReadMode::ReadIndex, seed)), body: |c| Box::pin(deposed_leader::depose_leaders(c)) },
    Scenario { name: "swarm_leases", part: Part::Swarm, description: "thesis §6.4.1: leases of deposed leaders", spec: ClusterSpec::Drawn(|seed| deposed_leader::settings(ReadMode::Lease, seed)), body: |c| Box::pin(deposed_leader::depose_leaders(c)) },
];

/// What the clients of a run have together.
#[derive(Default)]
pub(crate) struct Clients {
    pub(crate) history: RefCell<History>,
    /// How many of them wait for an answer.
    waiting: Cell<usize>,
}

pub(crate) type SharedClients = Rc<Clients>;

/// Whether faults go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Faults,
    Liveness,
}

/// A run whose decisions are drawn.
async fn swarm(cluster: Cluster, family: Family) -> Result<(), Failure> {
    let plan = FaultPlan::draw(family, cluster.seed(), cluster.size());
    let phase = Rc::new(Cell::new(Phase::Faults));
    let clients = SharedClients::default();
    nemesis::start(&cluster, &plan, &phase);
    client::start(&cluster, &plan, &phase, &clients);
    cluster.sleep(plan.duration).await;
    phase.set(Phase::Liveness);
    let core = core::quorum_with(&cluster, drawn_majority(&cluster));
    let done = liveness::run(&cluster, core, &clients).await?;
    verify(&cluster, &clients, done)
}

/// A random majority of the peers.
fn drawn_majority(cluster: &Cluster) -> PeerSet {
    let size = cluster.size();
    let mut rng = Stream::new(cluster.seed(), Domain::Settings, [1, 0]);
    let (mut core, wanted) = (PeerSet::first(size), size / 2 + 1);
    let wanted = wanted + rng.index(size - wanted + 1);
    while core.len() > wanted {
        core = core.without(rng.index(size));
    }
    core
}

/// What clients saw, against what the peers that got on say.
pub(crate) fn verify(cluster: &Cluster, clients: &Clients, core: PeerSet) -> Result<(), Failure> {
    let history = clients.history.borrow();
    history.cover(cluster.world_mut().coverage_mut());
    for peer in core.iter() {
        history.check_answers(cluster.world().history(peer))?;
    }
    let undecided = history.check_linearizability()?;
    let mut world = cluster.world_mut();
    world.add_undecided(undecided);
    world.check_hanging_reads(core)
}
