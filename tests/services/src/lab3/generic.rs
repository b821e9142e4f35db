//! Clients in closed loops, in three rounds, under the faults of a scenario.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft_tests::case::PeerSet;
use raft_tests::failure::Failure;
use raft_tests::sim::executor::Join;

use super::{Client, ELECTION, Lab};

/// Clients and faults of a scenario.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    clients: usize,
    keys: Keys,
    partitions: Fault,
    restarts: Fault,
}

/// Keys of the clients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Each has one of its own, and knows its value.
    Own,
    /// All share as many as there are clients.
    Shared,
}

/// Use of a fault by a scenario.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Absent,
    Injected,
}

impl Load {
    /// So many clients, each with a key of its own, and no faults.
    pub(crate) const fn of(clients: usize) -> Self {
        Self { clients, keys: Keys::Own, partitions: Fault::Absent, restarts: Fault::Absent }
    }

    pub(crate) const fn shared_keys(self) -> Self {
        Self { keys: Keys::Shared, ..self }
    }

    pub(crate) const fn partitions(self) -> Self {
        Self { partitions: Fault::Injected, ..self }
    }

    pub(crate) const fn restarts(self) -> Self {
        Self { restarts: Fault::Injected, ..self }
    }
}

pub(crate) async fn rounds(lab: Lab, load: Load) -> Result<(), Failure> {
    for _ in 0..ROUNDS {
        round(&lab, load).await?;
        lab.check_log_size()?;
    }
    lab.check_history()
}

async fn round(lab: &Lab, load: Load) -> Result<(), Failure> {
    let cluster = lab.group.cluster();
    let stop = Rc::new(Cell::new(false));
    let clients: Vec<_> = (0..load.clients)
        .map(|number| {
            let body = run_client(lab.clone(), load, number, Rc::clone(&stop));
            cluster.spawn(format!("client {number}"), body)
        })
        .collect();
    let partitioner = match load.partitions {
        Fault::Absent => None,
        Fault::Injected => {
            lab.sleep(ELECTION).await;
            let body = inject_partitions(lab.clone(), Rc::clone(&stop));
            Some(cluster.spawn("partitions", body))
        }
    };
    lab.sleep(ROUND).await;
    stop.set(true);
    if let Some(partitioner) = partitioner {
        partitioner.join().await;
        lab.group.connect_all();
        lab.sleep(ELECTION).await;
    }
    if load.restarts == Fault::Injected {
        lab.group.crash_all();
        lab.sleep(ELECTION).await;
        lab.group.start_all()?;
    }
    let ends = join_all(clients).await?;
    check_ends(lab, load, &ends).await
}

/// Every value once, in the order of its client's appends.
async fn check_ends(lab: &Lab, load: Load, ends: &[String]) -> Result<(), Failure> {
    let reader = lab.client();
    for (number, end) in ends.iter().enumerate() {
        let key = number.to_string();
        match load.keys {
            Keys::Own => reader.check(&key, end).await?,
            Keys::Shared => drop(reader.get(&key).await?),
        }
    }
    Ok(())
}

/// Calls without a pause until it is told to stop; the value under its own key at the end.
async fn run_client(
    lab: Lab,
    load: Load,
    number: usize,
    stop: Rc<Cell<bool>>,
) -> Result<String, Failure> {
    let client = lab.client();
    let mut rng = lab.group.cluster().client_rng(CHOICES | lab.history.borrow().calls());
    let mut written = 0;
    let mut value = move || {
        written += 1;
        format!("x {number} {} y", written - 1)
    };
    let mut own = String::new();
    if load.keys == Keys::Own {
        client.put(&number.to_string(), "").await?;
    }
    while !stop.get() {
        let key = match load.keys {
            Keys::Own => number.to_string(),
            Keys::Shared => rng.index(load.clients).to_string(),
        };
        match (rng.below(100), load.keys) {
            (0..50, _) => {
                let more = value();
                client.append(&key, &more).await?;
                own.push_str(&more);
            }
            (50..55, Keys::Shared) => client.put(&key, &value()).await?,
            (_, Keys::Shared) => drop(client.get(&key).await?),
            (_, Keys::Own) => client.check(&key, &own).await?,
        }
    }
    Ok(own)
}

/// Every server goes to one of two sides, again and again. The last sleep is not cut short.
async fn inject_partitions(lab: Lab, stop: Rc<Cell<bool>>) {
    let cluster = lab.group.cluster().clone();
    while !stop.get() {
        let side: PeerSet = {
            let mut rng = cluster.fault_rng();
            (0..cluster.size()).filter(|_| rng.below(2) == 0).collect()
        };
        lab.group.partition(side);
        let pause = cluster.fault_rng().between(ELECTION, ELECTION + PARTITION_SPREAD);
        lab.sleep(pause).await;
    }
}

pub(super) async fn join_all<T: 'static>(
    tasks: Vec<Join<Result<T, Failure>>>,
) -> Result<Vec<T>, Failure> {
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.join().await?);
    }
    Ok(results)
}

/// A client appends to its key, one after the other, as fast as it can.
pub(crate) async fn speed(lab: Lab) -> Result<(), Failure> {
    let client: Client = lab.client();
    client.get("x").await?;
    let cluster = lab.group.cluster();
    let (begun, mut value) = (cluster.now(), String::new());
    for number in 0..SPEED_OPERATIONS {
        let more = format!("x 0 {number} y");
        client.append("x", &more).await?;
        value.push_str(&more);
    }
    let taken = cluster.now().since(begun);
    client.check("x", &value).await?;
    cluster.expect_exact_timing(
        taken <= SPEED_LIMIT,
        format_args!("{SPEED_OPERATIONS} appends in {SPEED_LIMIT:?}, they took {taken:?}"),
    )?;
    lab.check_history()
}

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(5);
const PARTITION_SPREAD: Duration = Duration::from_millis(200);
const SPEED_OPERATIONS: u32 = 1000;

/// Three operations in a heartbeat interval of 100 ms.
const SPEED_LIMIT: Duration = Duration::from_millis(SPEED_OPERATIONS as u64 * 100 / 3);

/// Streams of clients' choices, beyond those of their links.
const CHOICES: u64 = 1 << 40;
