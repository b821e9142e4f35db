//! The liveness phase: with all servers up and all links whole, each call returns, each group takes
//! the newest configuration and has all its shards and no others, and logs are small again.

use std::time::Duration;

use raft_tests::case::{LinkDirection, Links, PeerSet};
use raft_tests::cluster::Cluster;
use raft_tests::failure::Failure;
use raft_tests::sim::executor::Join;
use raft_tests::sim::network::Connection;

use super::plan::Plan;
use crate::controller::Configuration;
use crate::lab4::lab::ShardedLab;
use crate::world::SnapshotLimit;

/// Heals everything, and waits until everybody has made progress.
///
/// # Errors
/// A server does not start, a client fails, or there is no progress.
pub(super) async fn run(
    lab: &ShardedLab,
    plan: &Plan,
    clients: Vec<Join<Result<(), Failure>>>,
) -> Result<(), Failure> {
    lab.cluster().note(format_args!("the faults are over"));
    lab.routes.borrow_mut().clear();
    lab.simulated().for_each(heal);
    let end = lab.cluster().now().after(LIMIT);
    let mut clients = clients;
    loop {
        for cluster in lab.simulated() {
            (0..cluster.size()).try_for_each(|server| cluster.start_if_down(server))?;
        }
        // Without a group no one serves the shards; a change that was under way may still remove all.
        if newest(lab).is_some_and(|newest| newest.groups.is_empty()) {
            lab.join(&(0..plan.groups).collect::<Vec<_>>()).await?;
        }
        let mut ended = Ok(());
        clients.retain(|client| match client.take() {
            None => true,
            Some(result) => {
                ended = std::mem::replace(&mut ended, Ok(())).and(result);
                false
            }
        });
        ended?;
        let open = match clients.len() {
            0 => unsettled(lab, plan),
            open => Some(format!("{open} of {} clients wait for an answer", plan.clients)),
        };
        match open {
            None => return Ok(()),
            Some(what) if lab.cluster().now() >= end => {
                return Err(Failure::Liveness(format!("{what} {LIMIT:?} after the faults")));
            }
            Some(_) => lab.cluster().sleep(LOOK).await,
        }
    }
}

/// Faults that are under way end with the fault phase by themselves, but for pauses.
fn heal(cluster: &Cluster) {
    let all = PeerSet::first(cluster.size());
    cluster.make_reliable();
    cluster.set_links(Links { from: all, to: all, direction: LinkDirection::Both }, Connection::Up);
    let usual = cluster.world().settings().latency;
    (0..cluster.size()).for_each(|server| cluster.set_disk_latency(server, usual));
}

/// The newest configuration that the controller's leader has applied.
fn newest(lab: &ShardedLab) -> Option<Configuration> {
    let controller = &lab.controllers[0].group;
    Some(controller.look(controller.leader()?, |state| state.configuration(None).clone()))
}

/// The first thing that is still to be done, in words.
fn unsettled(lab: &ShardedLab, plan: &Plan) -> Option<String> {
    let Some(newest) = newest(lab) else { return Some("the controller has no leader".to_owned()) };
    let changes = lab.controllers[0].changes();
    if newest.number != changes {
        return Some(format!("{} of {changes} changes are made", newest.number));
    }
    for (place, group) in lab.groups.iter().enumerate() {
        let Some(leader) = group.leader() else {
            return Some(format!("group {place} has no leader"));
        };
        let state = group.look(leader, |store| {
            let number = store.configuration().number;
            let (work, kept): (Vec<_>, Vec<_>) = (store.work().collect(), store.kept().collect());
            let settled = store.is_settled() && number == newest.number;
            (!settled).then(|| {
                let newest = newest.number;
                format!("{number} of {newest}: {work:?}, and keeps {kept:?}")
            })
        });
        if let Some(state) = state {
            return Some(format!("group {place} has work left in configuration {state}"));
        }
        if matches!(plan.limit, SnapshotLimit::LogBytes(limit) if limit >= LOG_BYTES_MIN)
            && let Err(failure) = group.check_log_size(plan.limit)
        {
            return Some(failure.headline());
        }
    }
    None
}

/// Elections, and the configurations of a whole run, one after the other.
const LIMIT: Duration = Duration::from_secs(30);

const LOOK: Duration = Duration::from_millis(20);

/// Below this, a single entry is more than the bound.
const LOG_BYTES_MIN: usize = 100;
