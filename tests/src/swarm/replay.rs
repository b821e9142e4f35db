//! Replays the steps of a case, each at its time.

use std::collections::BTreeMap;
use std::time::Duration;

use raft::Instant;

use super::client::Client;
use super::clients::{SharedClients, verify};
use super::liveness;
use crate::case::{Case, Decision, PeerSet, Step};
use crate::cluster::{Cluster, Command};
use crate::failure::Failure;
use crate::kv::Operation;
use crate::sim::disk::{Damage, Latency};
use crate::sim::network::{Connection, LinkProfile, NetworkProfile};
use crate::world::LogSource;

/// A step and its time.
pub(crate) type Timed = (Instant, Step);

/// The steps of a case, in order.
#[must_use]
pub(crate) fn steps(case: &Case) -> Vec<Timed> {
    let step = |decision: &Decision| match decision {
        Decision::Step { at, step } => Some((*at, step.clone())),
        Decision::Lost(_)
        | Decision::Late(..)
        | Decision::Twice(..)
        | Decision::Flipped(..)
        | Decision::Flush { .. } => None,
    };
    case.decisions.iter().filter_map(step).collect()
}

/// Replays steps. A liveness phase ends the run when a majority has made progress; otherwise it
/// ends at `end`.
///
/// # Errors
/// A step fails, there is no progress, or the clients' history is wrong.
pub(crate) async fn replay(
    cluster: Cluster,
    steps: Vec<Timed>,
    end: Instant,
) -> Result<(), Failure> {
    let clients = SharedClients::default();
    for (number, requests) in requests(&steps) {
        let client = Client::new(&cluster, number, &clients);
        let clock = cluster.clone();
        cluster.spawn(format!("client {number}"), async move {
            for (at, serial, operation) in requests {
                wait_until(&clock, at).await;
                client.request(serial, operation).await;
            }
        });
    }
    let mut proposed_at = None;
    for (at, step) in steps {
        wait_until(&cluster, at).await;
        let is_proposal = matches!(step, Step::Offer { .. });
        // A command that is proposed to a peer just before its crash is processed first: the labs
        // wait in between, and everything else they do comes after a wait.
        if proposed_at == Some(at) && !is_proposal {
            cluster.sleep(Duration::ZERO).await;
        }
        proposed_at = is_proposal.then_some(at);
        if let Step::Calm { core } = step {
            let done = liveness::run(&cluster, core, &clients).await?;
            return verify(&cluster, &clients, done);
        }
        apply_step(&cluster, step)?;
    }
    // What happens in the last instant belongs to the run.
    wait_until(&cluster, end.after(Duration::from_nanos(1))).await;
    verify(&cluster, &clients, PeerSet::NONE)
}

async fn wait_until(cluster: &Cluster, at: Instant) {
    let now = cluster.now();
    if at > now {
        cluster.sleep(at.since(now)).await;
    }
}

/// Requests of each client, with their times.
fn requests(steps: &[Timed]) -> BTreeMap<u16, Vec<(Instant, u32, Operation)>> {
    let mut requests: BTreeMap<u16, Vec<_>> = BTreeMap::new();
    for (at, step) in steps {
        if let Step::Ask { client, serial, operation } = step {
            requests.entry(*client).or_default().push((*at, *serial, *operation));
        }
    }
    requests
}

fn apply_step(cluster: &Cluster, step: Step) -> Result<(), Failure> {
    match step {
        Step::Crash { peer, keep, torn } => cluster.stop(peer, Damage::Given { keep, torn }),
        Step::Start { peer } => cluster.start_if_down(peer)?,
        Step::Pause { peer, length } => cluster.pause(peer, length),
        Step::Cut(links) => cluster.set_links(links, Connection::Cut),
        Step::Heal(links) => cluster.set_links(links, Connection::Up),
        Step::Disconnect { peer } => cluster.disconnect(peer),
        Step::Connect { peer } => cluster.connect(peer),
        Step::Disk { peer, min, max } => cluster.set_disk_latency(peer, Latency { min, max }),
        Step::Network { request, reply } => {
            let profile = |delay_max| LinkProfile { delay_max, ..LinkProfile::PERFECT };
            cluster
                .set_network(NetworkProfile { request: profile(request), reply: profile(reply) });
        }
        Step::Snapshot { peer } => cluster.snapshot(peer)?,
        Step::Change { peer, change } => {
            // The peer may reject it.
            let _ = cluster.change_members(peer, change);
        }
        Step::Transfer { peer, to } => cluster.transfer(peer, to),
        Step::Resign { peer } => cluster.resign(peer),
        Step::Wipe { peer } => cluster.wipe(peer),
        Step::Forge { peer, message } => cluster.forge(peer, &message)?,
        Step::Offer { peer, command } => {
            // The peer may no longer lead.
            let _ = cluster.propose_as(peer, &Command::from(command), LogSource::Tester);
        }
        // Clients send requests by themselves, and the liveness phase ends the run.
        Step::Ask { .. } | Step::Calm { .. } => {}
    }
    Ok(())
}
