//! Writes in memory: three nodes in one process, 16-byte commands, this library and openraft.
//!
//! ```console
//! $ cargo run --release --bin memory -- 5 400000          # rounds, writes a round
//! $ cargo run --release --bin memory -- 5 400000 threads  # on a runtime with two threads
//! $ cargo run --release --bin memory -- 5 400000 alone 1  # for a profiler: only raft, one client
//! ```
//! Every round has a new cluster; the contenders take turns. Clients send one command at a time and
//! wait for its answer. CPU time is that of the whole process.

mod openraft_cluster;
mod raft_cluster;

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// The command of all contenders.
type Command = [u8; 16];

/// Numbers of concurrent clients, and the divisor of a round's writes.
const CLIENTS: [(usize, usize); 5] = [(1, 4), (64, 1), (256, 1), (1024, 1), (4096, 1)];

/// A library with a cluster of three.
trait Contender: Clone + Send + 'static {
    async fn start() -> Fallible<Self>;

    /// Writes and waits for the answer.
    fn write(&self, command: Command) -> impl Future<Output = ()> + Send;

    async fn end(self);
}

/// The cost of a number of writes.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_ns: f64,
    per_second: f64,
}

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = args.first().map_or(Ok(5), |arg| arg.parse::<usize>())?;
    let writes = args.get(1).map_or(Ok(400_000), |arg| arg.parse::<usize>())?;
    let threads = args.get(2).is_some_and(|arg| arg == "threads");
    let alone = args.get(2).is_some_and(|arg| arg == "alone");
    let only = args.get(3).map(|arg| arg.parse::<usize>()).transpose()?;
    println!("| clients | raft, ns CPU a write | openraft | ratio | raft, writes/s | openraft |");
    println!("|---|---|---|---|---|---|");
    for (clients, part) in CLIENTS {
        if only.is_some_and(|only| only != clients) {
            continue;
        }
        let writes = writes / part;
        let (mut raft, mut openraft) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            raft.push(measure::<raft_cluster::Cluster>(clients, writes, threads)?);
            if !alone {
                openraft.push(measure::<openraft_cluster::Cluster>(clients, writes, threads)?);
            }
        }
        let raft = median(raft);
        let openraft = if alone { raft } else { median(openraft) };
        println!(
            "| {clients} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} |",
            raft.cpu_ns,
            openraft.cpu_ns,
            openraft.cpu_ns / raft.cpu_ns,
            raft.per_second,
            openraft.per_second
        );
    }
    Ok(())
}

/// The median round, by CPU time.
fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|a, b| a.cpu_ns.total_cmp(&b.cpu_ns));
    costs[costs.len() / 2]
}

fn runtime(threads: bool) -> std::io::Result<Runtime> {
    if threads {
        Builder::new_multi_thread().worker_threads(2).enable_all().build()
    } else {
        Builder::new_current_thread().enable_all().build()
    }
}

fn measure<C: Contender>(clients: usize, writes: usize, threads: bool) -> Fallible<Cost> {
    let runtime = runtime(threads)?;
    runtime.block_on(async {
        let cluster = C::start().await?;
        load(&cluster, clients, writes / 10).await;
        let (cpu, start) = (cpu(), Instant::now());
        let done = load(&cluster, clients, writes).await as f64;
        let (cpu, wall) = (self::cpu() - cpu, start.elapsed());
        cluster.end().await;
        Ok(Cost { cpu_ns: cpu.as_nanos() as f64 / done, per_second: done / wall.as_secs_f64() })
    })
}

/// Runs the clients' writes; returns their number.
async fn load<C: Contender>(cluster: &C, clients: usize, writes: usize) -> usize {
    let each = writes.div_ceil(clients);
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let cluster = cluster.clone();
        tasks.spawn(async move {
            let mut command = [client as u8; 16];
            for count in 0..each {
                command[..8].copy_from_slice(&count.to_le_bytes());
                cluster.write(command).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no client fails");
    }
    each * clients
}

/// The CPU time of the process so far, user and system.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
