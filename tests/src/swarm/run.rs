//! A run of a family: faults and clients, then the liveness phase, then the checks.

use std::cell::Cell;
use std::rc::Rc;

use super::clients::{SharedClients, verify};
use super::core::quorum_with;
use super::fault_plan::{FaultPlan, Phase};
use super::settings::Family;
use super::{client, liveness, nemesis};
use crate::case::PeerSet;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::sim::random::{Domain, Stream};

/// A run whose decisions are drawn.
pub(crate) async fn run(cluster: Cluster, family: Family) -> Result<(), Failure> {
    let plan = FaultPlan::draw(family, cluster.seed(), cluster.size());
    let phase = Rc::new(Cell::new(Phase::Faults));
    let clients = SharedClients::default();
    nemesis::start(&cluster, &plan, &phase);
    client::start(&cluster, &plan, &phase, &clients);
    cluster.sleep(plan.duration).await;
    phase.set(Phase::Liveness);
    // Peers that lost their disks are not part of a quorum before the others have re-seeded them.
    let core = if family == Family::LostDisks {
        PeerSet::first(cluster.size())
    } else {
        quorum_with(&cluster, drawn_majority(&cluster))
    };
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
