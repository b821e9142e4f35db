//! Fault storms: networks that duplicate, delay and reorder all messages, links that fail in one
//! direction, slow disks, crashes and snapshots, all at once. In the labs' own networks no request
//! is ever reordered or duplicated.
//!
//! The seed decides the rate of each kind of fault, from none to most messages. After the storm all
//! faults are healed, and every command that a client saw committed must be applied.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft::Index;

use crate::cluster::{Cluster, Command, Retry, WaitOutcome, expect};
use crate::failure::Failure;
use crate::sim::disk::Latency;
use crate::sim::network::{LinkProfile, NetworkProfile};
use crate::sim::random::{Chance, Stream};
use crate::world::LogSource;

pub(crate) async fn storm(cluster: Cluster) -> Result<(), Failure> {
    let network = drawn_profile(&mut cluster.fault_rng());
    cluster.set_network(network);
    for server in 0..cluster.size() {
        let max = Duration::from_millis([5, 40, 150][cluster.fault_rng().index(3)]);
        cluster.set_disk_latency(server, Latency { max, ..Latency::DEFAULT });
    }
    let phase = Rc::new(Cell::new(Phase::Faults));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let body = client(cluster.clone(), number, Rc::clone(&phase));
            cluster.spawn(format!("client {number}"), body)
        })
        .collect();
    for _ in 0..ROUNDS {
        inject(&cluster)?;
        let pause = cluster.fault_rng().between(ROUND_MIN, ROUND_MAX);
        cluster.sleep(pause).await;
    }
    heal(&cluster)?;
    phase.set(Phase::Recovered);
    let mut seen = Vec::new();
    for client in clients {
        seen.extend(client.join().await);
    }
    verify_applied(&cluster, seen, "where a client saw it").await
}

/// Checks that all peers have applied these commands, and that new ones commit.
pub(crate) async fn verify_applied(
    cluster: &Cluster,
    seen: Vec<(Index, Command)>,
    why: &str,
) -> Result<(), Failure> {
    let size = cluster.size();
    let last = cluster.one(&cluster.random_command(), size, Retry::Yes).await?;
    for (index, command) in seen {
        expect(index < last, format_args!("an index after {index}, found {last}"))?;
        let found = cluster.wait(index, size, None).await?;
        expect(
            found == WaitOutcome::Command(command.clone()),
            format_args!("{command} at {index}, {why}; found {found:?}"),
        )?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Faults,
    Recovered,
}

/// Network faults of a run; each kind is absent in a third of all runs.
fn drawn_profile(rng: &mut Stream) -> NetworkProfile {
    let profile = |rng: &mut Stream| LinkProfile {
        loss: Chance::percent([0, 3, 15][rng.index(3)]),
        duplication: Chance::percent([0, 10, 40][rng.index(3)]),
        delay_max: Duration::from_millis([0, 15, 60][rng.index(3)]),
        reordering: Chance::percent([0, 3, 15][rng.index(3)]),
    };
    NetworkProfile { request: profile(rng), reply: profile(rng) }
}

/// One fault, or the end of all so far.
fn inject(cluster: &Cluster) -> Result<(), Failure> {
    let size = cluster.size();
    let (fault, server, other) = {
        let mut rng = cluster.fault_rng();
        (rng.below(10), rng.index(size), rng.index(size))
    };
    match fault {
        0 | 1 => cluster.disconnect(server),
        2 | 3 => cluster.cut_link(server, other),
        4 | 5 => cluster.crash(server),
        6 => cluster.start_and_connect(server)?,
        _ => heal(cluster)?,
    }
    Ok(())
}

fn heal(cluster: &Cluster) -> Result<(), Failure> {
    for server in 0..cluster.size() {
        if cluster.status(server).is_none() {
            cluster.start(server)?;
        }
        cluster.connect(server);
    }
    Ok(())
}

/// Proposes bursts of commands to random peers, and remembers those it saw agreed on.
async fn client(cluster: Cluster, number: u64, phase: Rc<Cell<Phase>>) -> Vec<(Index, Command)> {
    let mut rng = cluster.client_rng(number);
    let mut seen = Vec::new();
    while phase.get() == Phase::Faults {
        let mut taken = Vec::new();
        for _ in 0..=rng.below(BURST_MAX) {
            let command = Command::number(rng.draw());
            let server = rng.index(cluster.size());
            let id = cluster.propose_as(server, &command, LogSource::Client(number));
            taken.extend(id.map(|id| (id.index, command)));
        }
        cluster.sleep(rng.between(Duration::ZERO, CLIENT_PAUSE_MAX)).await;
        let agreed = |(index, command): &(Index, Command)| {
            cluster.n_committed(*index).command.as_ref() == Some(command)
        };
        seen.extend(taken.into_iter().filter(agreed));
    }
    seen
}

const CLIENTS: u64 = 3;
const BURST_MAX: u64 = 8;
const CLIENT_PAUSE_MAX: Duration = Duration::from_millis(120);
const ROUNDS: usize = 60;
const ROUND_MIN: Duration = Duration::from_millis(20);
const ROUND_MAX: Duration = Duration::from_millis(500);
