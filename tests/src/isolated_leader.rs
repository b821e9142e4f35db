//! Isolated leaders: again and again a leader is disconnected, alone or with one more peer, and
//! accepts commands that can never commit, while the others elect another leader and commit. Then
//! it reconnects, with a long uncommitted tail, to peers that may have compacted the entries it
//! lacks. Disks are slow, so that many writes are pending meanwhile.

use std::time::Duration;

use raft::Index;

use crate::cluster::{Cluster, Command};
use crate::failure::Failure;
use crate::sim::disk::Latency;
use crate::sim::network::{LinkProfile, NetworkProfile};
use crate::sim::random::Chance;
use crate::storm::verify_applied;

/// The event.
///
/// # Errors
/// A committed command is lost, or no command can be committed any more.
pub(crate) async fn isolate_leaders(cluster: Cluster) -> Result<(), Failure> {
    let profile = LinkProfile {
        duplication: Chance::percent(10),
        delay_max: DELAY_MAX,
        ..LinkProfile::PERFECT
    };
    cluster.set_network(NetworkProfile { request: profile, reply: profile });
    for server in 0..cluster.size() {
        let max = Duration::from_millis([5, 60, 300][cluster.fault_rng().index(3)]);
        cluster.set_disk_latency(server, Latency { max, ..Latency::DEFAULT });
    }
    let mut seen = Vec::new();
    for _ in 0..ROUNDS {
        let isolated = isolate(&cluster);
        for _ in 0..BURSTS {
            seen.extend(burst(&cluster).await);
        }
        reconnect(&cluster, &isolated)?;
        seen.extend(burst(&cluster).await);
    }
    verify_applied(&cluster, seen, "where it was agreed on").await
}

/// Disconnects a leader, or any peer if there is none, and sometimes a second peer.
fn isolate(cluster: &Cluster) -> Vec<usize> {
    let leader = (0..cluster.size()).find(|server| cluster.is_leader(*server));
    let mut rng = cluster.fault_rng();
    let first = leader.unwrap_or_else(|| rng.index(cluster.size()));
    let second = cluster.after(first, 1 + rng.index(cluster.size() - 1));
    let isolated = if rng.index(3) == 0 { vec![first, second] } else { vec![first] };
    drop(rng);
    for server in &isolated {
        cluster.disconnect(*server);
    }
    isolated
}

/// Reconnects them, some after a crash; at times all peers crash.
fn reconnect(cluster: &Cluster, isolated: &[usize]) -> Result<(), Failure> {
    let crash = cluster.fault_rng().index(8);
    if crash == 0 {
        return cluster.crash_and_restart_all();
    }
    for server in isolated {
        if crash == 1 {
            cluster.start(*server)?;
        }
        cluster.connect(*server);
    }
    Ok(())
}

/// Proposes commands to all peers, more to one than to another, and returns those that were
/// committed soon.
async fn burst(cluster: &Cluster) -> Vec<(Index, Command)> {
    let mut taken = Vec::new();
    for server in 0..cluster.size() {
        let count = cluster.fault_rng().below(COMMANDS_MAX);
        for _ in 0..count {
            let command = cluster.random_command();
            let id = cluster.propose(server, &command);
            taken.extend(id.map(|id| (id.index, command)));
        }
    }
    let pause = cluster.fault_rng().between(PAUSE_MIN, PAUSE_MAX);
    cluster.sleep(pause).await;
    taken.retain(|(index, command)| cluster.n_committed(*index).command.as_ref() == Some(command));
    taken
}

const ROUNDS: usize = 12;
const BURSTS: usize = 3;
const COMMANDS_MAX: u64 = 16;
const DELAY_MAX: Duration = Duration::from_millis(20);
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(700);
