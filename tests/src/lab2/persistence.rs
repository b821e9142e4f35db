//! Part 2C: committed commands survive crashes, in any order.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft::Index;

use super::ELECTION_TIMEOUT;
use crate::cluster::{Cluster, Command, Committed, Retry, Testbed, WaitOutcome, expect};
use crate::failure::Failure;
use crate::sim::network::Connection;
use crate::sim::random::Chance;
use crate::world::LogSource;

/// All peers, then single ones, are restarted between commands.
///
/// # Errors
/// Agreement is missing.
pub(crate) async fn persist1(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(11), 3, Retry::Yes).await?;
    (0..3).try_for_each(|server| cluster.start(server))?;
    for server in 0..3 {
        cluster.disconnect(server);
        cluster.connect(server);
    }
    cluster.one(&Command::number(12), 3, Retry::Yes).await?;

    let first = cluster.check_one_leader().await?;
    cluster.disconnect(first);
    cluster.start_and_connect(first)?;
    cluster.one(&Command::number(13), 3, Retry::Yes).await?;

    let second = cluster.check_one_leader().await?;
    cluster.disconnect(second);
    cluster.one(&Command::number(14), 2, Retry::Yes).await?;
    cluster.start_and_connect(second)?;
    cluster.wait(Index::new(4), 3, None).await?;

    let follower = cluster.after(cluster.check_one_leader().await?, 1);
    cluster.disconnect(follower);
    cluster.one(&Command::number(15), 2, Retry::Yes).await?;
    cluster.start_and_connect(follower)?;
    cluster.one(&Command::number(16), 3, Retry::Yes).await?;
    Ok(())
}

/// Majorities of different peers take turns.
///
/// # Errors
/// Agreement is missing.
pub(crate) async fn persist2(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    for round in 0..5 {
        let index = 1 + 3 * round;
        cluster.one(&Command::number(10 + index), 5, Retry::Yes).await?;
        let leader = cluster.check_one_leader().await?;
        let peer = |steps| cluster.after(leader, steps);
        [1, 2].iter().for_each(|steps| cluster.disconnect(peer(*steps)));
        cluster.one(&Command::number(11 + index), 3, Retry::Yes).await?;

        [0, 3, 4].iter().for_each(|steps| cluster.disconnect(peer(*steps)));
        cluster.start(peer(1))?;
        cluster.start(peer(2))?;
        cluster.connect(peer(1));
        cluster.connect(peer(2));
        cluster.sleep(ELECTION_TIMEOUT).await;
        cluster.start_and_connect(peer(3))?;
        cluster.one(&Command::number(12 + index), 3, Retry::Yes).await?;
        cluster.connect(peer(4));
        cluster.connect(peer(0));
    }
    cluster.one(&Command::number(1000), 5, Retry::Yes).await?;
    Ok(())
}

/// A leader and one follower crash while the third peer is cut off.
///
/// # Errors
/// Agreement is missing.
pub(crate) async fn persist3(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(101), 3, Retry::Yes).await?;
    let leader = cluster.check_one_leader().await?;
    let (second, third) = (cluster.after(leader, 1), cluster.after(leader, 2));
    cluster.disconnect(third);
    cluster.one(&Command::number(102), 2, Retry::Yes).await?;
    cluster.crash(leader);
    cluster.crash(second);
    cluster.connect(third);
    cluster.start_and_connect(leader)?;
    cluster.one(&Command::number(103), 2, Retry::Yes).await?;
    cluster.start_and_connect(second)?;
    cluster.one(&Command::number(104), 3, Retry::Yes).await?;
    Ok(())
}

/// Leaders crash at any time, with entries on some peers and not on others (paper, Figure 8).
///
/// # Errors
/// A committed entry is lost, or there is no agreement in the end.
pub(crate) async fn figure8(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&cluster.random_command(), 1, Retry::Yes).await?;
    for _ in 0..FIGURE8_ROUNDS {
        let leader = propose_to_all(&cluster);
        figure8_pause(&cluster).await;
        if let Some(leader) = leader {
            cluster.crash(leader);
        }
        if running(&cluster) < MAJORITY {
            let chosen = cluster.fault_rng().index(cluster.size());
            if cluster.status(chosen).is_none() {
                cluster.start_and_connect(chosen)?;
            }
        }
    }
    restart_stopped_peers(&cluster)?;
    cluster.one(&cluster.random_command(), 5, Retry::Yes).await?;
    Ok(())
}

/// As [`figure8`] with cuts instead of crashes, on a network that loses and reorders.
///
/// # Errors
/// A committed entry is lost, or there is no agreement in the end.
pub(crate) async fn figure8_unreliable(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    const REORDERING_FROM_ROUND: usize = 200;
    cluster.one(&cluster.random_command(), 1, Retry::Yes).await?;
    for round in 0..FIGURE8_ROUNDS {
        if round == REORDERING_FROM_ROUND {
            cluster.reorder_replies();
        }
        let leader = propose_to_all(&cluster);
        figure8_pause(&cluster).await;
        let hit = cluster.fault_rng().happens(Chance::of(1, 2));
        if let Some(leader) = leader.filter(|_| hit) {
            cluster.disconnect(leader);
        }
        if connected(&cluster) < MAJORITY {
            let chosen = cluster.fault_rng().index(cluster.size());
            if cluster.connection(chosen) == Connection::Cut {
                cluster.connect(chosen);
            }
        }
    }
    (0..cluster.size()).for_each(|server| cluster.connect(server));
    cluster.one(&cluster.random_command(), 5, Retry::Yes).await?;
    Ok(())
}

const FIGURE8_ROUNDS: usize = 1000;

/// Of five.
const MAJORITY: usize = 3;

/// Proposes a command to every running peer; the last connected one that took it.
fn propose_to_all(cluster: &Cluster<impl Testbed>) -> Option<usize> {
    let mut leader = None;
    for server in 0..cluster.size() {
        let taken = cluster.propose(server, &cluster.random_command()).is_some();
        if taken && cluster.connection(server) == Connection::Up {
            leader = Some(server);
        }
    }
    leader
}

/// Up to half an election timeout in one round of ten, else up to 12 ms, in whole milliseconds.
async fn figure8_pause(cluster: &Cluster<impl Testbed>) {
    let pause = {
        let mut rng = cluster.fault_rng();
        let long = rng.happens(Chance::of(1, 10));
        rng.below(if long { ELECTION_TIMEOUT.as_millis() as u64 / 2 } else { 13 })
    };
    cluster.sleep(Duration::from_millis(pause)).await;
}

fn running(cluster: &Cluster<impl Testbed>) -> usize {
    (0..cluster.size()).filter(|server| cluster.status(*server).is_some()).count()
}

fn connected(cluster: &Cluster<impl Testbed>) -> usize {
    (0..cluster.size()).filter(|server| cluster.connection(*server) == Connection::Up).count()
}

fn restart_stopped_peers(cluster: &Cluster<impl Testbed>) -> Result<(), Failure> {
    for server in 0..cluster.size() {
        if cluster.status(server).is_none() {
            cluster.start_and_connect(server)?;
        }
    }
    Ok(())
}

/// Many concurrent clients on a network that loses messages.
///
/// # Errors
/// Agreement is missing.
pub(crate) async fn unreliable_agree(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    let mut clients = Vec::new();
    for round in 1..50 {
        for number in 0..4 {
            let client = cluster.clone();
            let command = Command::number(100 * round + number);
            let body = async move { client.one(&command, 1, Retry::Yes).await };
            clients.push(cluster.spawn(format!("client {round}.{number}"), body));
        }
        cluster.one(&Command::number(round), 1, Retry::Yes).await?;
    }
    cluster.make_reliable();
    for client in clients {
        client.join().await?;
    }
    cluster.one(&Command::number(100), 5, Retry::Yes).await?;
    Ok(())
}

/// Clients offer commands while peers are cut off, crash and come back; what a client saw
/// committed is in the log in the end.
///
/// # Errors
/// It is not, or there is no agreement in the end.
pub(crate) async fn churn(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    let stop = Rc::new(Cell::new(Churning::On));
    let clients: Vec<_> = (0..CHURN_CLIENTS)
        .map(|number| {
            let body = churn_client(cluster.clone(), number, Rc::clone(&stop));
            cluster.spawn(format!("client {number}"), body)
        })
        .collect();
    for _ in 0..20 {
        churn_faults(&cluster)?;
        cluster.sleep(ELECTION_TIMEOUT * 7 / 10).await;
    }
    cluster.sleep(ELECTION_TIMEOUT).await;
    for server in 0..cluster.size() {
        if cluster.status(server).is_none() {
            cluster.start(server)?;
        }
        cluster.connect(server);
    }
    stop.set(Churning::Over);
    let mut seen = Vec::new();
    for client in clients {
        seen.extend(client.join().await);
    }
    cluster.sleep(ELECTION_TIMEOUT).await;
    let last = cluster.one(&cluster.random_command(), 5, Retry::Yes).await?;
    expect_all_in_log(&cluster, seen, last).await
}

async fn expect_all_in_log(
    cluster: &Cluster<impl Testbed>,
    seen: Vec<Command>,
    last: Index,
) -> Result<(), Failure> {
    let mut log = Vec::new();
    for number in 1..=last.number() {
        match cluster.wait(Index::new(number), cluster.size(), None).await? {
            WaitOutcome::Command(command) => log.push(command),
            WaitOutcome::TermPassed => {
                return Err(Failure::expected(format_args!("the wait for {number} to end")));
            }
        }
    }
    log.sort_unstable();
    for command in seen {
        expect(
            log.binary_search(&command).is_ok(),
            format_args!("command {command} in the final log: a client saw it committed"),
        )?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Churning {
    On,
    Over,
}

const CHURN_CLIENTS: u64 = 3;

/// One round's faults: one peer is cut off, one comes back, one crashes, each perhaps.
fn churn_faults(cluster: &Cluster<impl Testbed>) -> Result<(), Failure> {
    let size = cluster.size();
    let victim_of = |percent| {
        let mut rng = cluster.fault_rng();
        let hit = rng.happens(Chance::percent(percent));
        let victim = rng.index(size);
        hit.then_some(victim)
    };
    if let Some(server) = victim_of(20) {
        cluster.disconnect(server);
    }
    if let Some(server) = victim_of(50) {
        if cluster.status(server).is_none() {
            cluster.start(server)?;
        }
        cluster.connect(server);
    }
    if let Some(server) = victim_of(20) {
        cluster.crash(server);
    }
    Ok(())
}

/// Proposes random commands as fast as it can, and remembers those it saw committed.
async fn churn_client(
    cluster: Cluster<impl Testbed>,
    number: u64,
    stop: Rc<Cell<Churning>>,
) -> Vec<Command> {
    let mut commands = cluster.client_rng(number);
    let mut seen = Vec::new();
    while stop.get() == Churning::On {
        let command = Command::number(commands.draw());
        let propose = |server| cluster.propose_as(server, &command, LogSource::Client(number));
        // Every peer is asked: the last one that takes it is believed.
        let mut taken = None;
        for server in 0..cluster.size() {
            taken = propose(server).or(taken);
        }
        let Some(id) = taken else {
            cluster.sleep(Duration::from_millis(79 + 17 * number)).await;
            continue;
        };
        for pause in [10, 20, 50, 100, 200] {
            let Committed { command: found, .. } = cluster.n_committed(id.index);
            if let Some(found) = found {
                seen.extend((found == command).then_some(found));
                break;
            }
            cluster.sleep(Duration::from_millis(pause)).await;
        }
    }
    seen
}
