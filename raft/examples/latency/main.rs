//! Latency of writes over real disks and sockets: three nodes in one process, each with a store in
//! a directory of its own and TCP to the others, with and without TLS. 16-byte commands, and
//! closed-loop clients; every answered write is durable on a majority (fdatasync).
//!
//! ```text
//! cargo run --release -p raft --example latency -- [seconds a row: 5] [directory: target/latency]
//! cargo run --release -p raft --example latency -- flood [seconds: 60] [directory: target/latency]
//! cargo run --release -p raft --example latency -- snapshots MEBIBYTES [seconds: 20] [directory: target/latency]
//! ```
//! The second one compares a quiet cluster with one under a flood of strangers, the third with one that
//! makes snapshots of a state of so many mebibytes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows its result")]
#![expect(clippy::disallowed_methods, reason = "the measurement needs a clock, the core does not")]

mod flood;
mod snapshots;

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use raft::driver::{MachineError, Settings};
use raft::storage::DiskStorage;
use raft::transport::tcp::certificates::Authority;
use raft::transport::tcp::{TcpTransport, TlsFiles};
use raft::{PeerId, Raft, StateMachine};
use tokio::task::JoinSet;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const PEERS: [u64; 3] = [1, 2, 3];
const CLIENTS: [usize; 5] = [1, 64, 256, 1024, 4096];
/// Time before the measurement of a row.
const WARM_UP: Duration = Duration::from_secs(1);
/// Clients of the cluster that is flooded: the machine is not busy without the flood.
const FLOODED_CLIENTS: usize = 4;
const HANG: Duration = Duration::from_secs(60);

/// Counts commands.
#[derive(Default)]
struct Counter(u64);

impl StateMachine for Counter {
    type Command = [u8; 16];
    type Answer = u64;

    fn apply(&mut self, _: [u8; 16]) -> u64 {
        self.0 += 1;
        self.0
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        Ok(self.0.to_le_bytes().to_vec())
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0 = u64::from_le_bytes(snapshot.try_into()?);
        Ok(())
    }
}

/// A state machine that answers with the number of its commands.
trait Counting: StateMachine<Command = [u8; 16], Answer = u64> + Default {}

impl<M: StateMachine<Command = [u8; 16], Answer = u64> + Default> Counting for M {}

#[derive(Clone, Copy)]
enum Wire {
    Plain,
    Tls,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let mut args = std::env::args().skip(1).peekable();
    let is_flood = args.next_if(|word| word == "flood").is_some();
    let mebibytes = match args.next_if(|word| word == "snapshots") {
        Some(_) => Some(args.next().and_then(|it| it.parse().ok()).ok_or("snapshots MEBIBYTES")?),
        None => None,
    };
    let default = if is_flood {
        "60"
    } else if mebibytes.is_some() {
        "20"
    } else {
        "5"
    };
    let seconds = args.next().unwrap_or_else(|| default.to_owned());
    let seconds = seconds.parse().map_err(|_| format!("SECONDS must be a number: `{seconds}`"))?;
    let directory = PathBuf::from(args.next().unwrap_or_else(|| "target/latency".to_owned()));
    fs::create_dir_all(&directory)?;
    let authority = Authority::open_or_create(&directory)?;
    for peer in PEERS {
        authority.certify(peer)?;
    }
    println!("a write of 64 bytes and fdatasync alone: {} µs (median)", flush_alone(&directory)?);
    println!(
        "| TCP | clients | writes/s | p50 ms | p99 ms | p99.9 ms |\n|---|---|---|---|---|---|"
    );
    let runtime = tokio::runtime::Runtime::new()?;
    if is_flood {
        return runtime.block_on(quiet_and_flooded(Duration::from_secs(seconds), &directory));
    }
    if let Some(mebibytes) = mebibytes {
        let time = Duration::from_secs(seconds);
        let rows = snapshots::quiet_and_with_snapshots(mebibytes, time, &directory);
        return runtime.block_on(rows);
    }
    for (wire, name) in [(Wire::Plain, "plain"), (Wire::Tls, "TLS")] {
        for clients in CLIENTS {
            let time = Duration::from_secs(seconds);
            let waits = runtime.block_on(measure(wire, clients, time, &directory))?;
            print_row(name, clients, waits, time);
        }
    }
    Ok(())
}

fn print_row(name: &str, clients: usize, mut waits: Vec<Duration>, time: Duration) {
    waits.sort_unstable();
    let rate = waits.len() as u64 / time.as_secs();
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| percentile(&waits, part));
    println!("| {name} | {clients} | {rate} | {p50:.2} | {p99:.2} | {p999:.2} |");
}

/// Latency of the disk alone, for comparison.
fn flush_alone(directory: &Path) -> Outcome<u128> {
    let mut file = File::create(directory.join("raw"))?;
    let mut waits = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&[7; 64])?;
        file.sync_data()?;
        waits.push(start.elapsed().as_micros());
    }
    waits.sort_unstable();
    Ok(waits[waits.len() / 2])
}

/// A percentile in milliseconds. A row without writes would have failed.
fn percentile(waits: &[Duration], part: f64) -> f64 {
    let index = (waits.len() as f64 * part) as usize;
    waits.get(index).or(waits.last()).map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
}

/// Latencies of the writes that began after the warm-up.
async fn measure(
    wire: Wire,
    clients: usize,
    time: Duration,
    directory: &Path,
) -> Outcome<Vec<Duration>> {
    let (rafts, _) = start::<Counter>(wire, directory, Settings::default()).await?;
    let leader = leader(&rafts).await?;
    let waits = writes(leader, clients, time).await?;
    for raft in rafts {
        raft.shutdown().await;
    }
    Ok(waits)
}

async fn leader<M: Counting>(rafts: &[Raft<M>]) -> Outcome<&Raft<M>> {
    let known = rafts[0].wait(|status| status.leader.is_some(), HANG).await?;
    let leader = rafts.iter().find(|raft| Some(raft.id()) == known.leader).ok_or("no leader")?;
    leader.wait(|status| status.leader == Some(status.id), HANG).await?;
    Ok(leader)
}

/// Quiet writes, and then those under a flood.
async fn quiet_and_flooded(time: Duration, directory: &Path) -> Outcome {
    let lines = LogLines::count();
    let (rafts, addresses) = start::<Counter>(Wire::Plain, directory, Settings::default()).await?;
    let leader = leader(&rafts).await?;
    let terms = || rafts.iter().map(|raft| raft.status().current_term).collect::<Vec<_>>();
    let (before, quiet_lines) = (terms(), lines.load(Ordering::Relaxed));
    print_row("quiet", FLOODED_CLIENTS, writes(leader, FLOODED_CLIENTS, time).await?, time);
    let until = Instant::now() + WARM_UP + time;
    let strangers = tokio::spawn(async move { flood::flood(&addresses, until).await });
    print_row("flooded", FLOODED_CLIENTS, writes(leader, FLOODED_CLIENTS, time).await?, time);
    let (connections, forged) = strangers.await?;
    println!(
        "\n{connections} connections in {} s, {forged} of them with forged terms; {} lines of log; \
         terms {before:?} before, {:?} after, leader {:?} then {:?}",
        (WARM_UP + time).as_secs(),
        lines.load(Ordering::Relaxed) - quiet_lines,
        terms(),
        leader.id(),
        leader.status().leader,
    );
    Ok(())
}

/// The lines of log so far, of all nodes at level INFO.
struct LogLines;

impl LogLines {
    fn count() -> &'static AtomicU64 {
        static LINES: AtomicU64 = AtomicU64::new(0);
        let count = || {
            LINES.fetch_add(1, Ordering::Relaxed);
            std::io::stderr()
        };
        tracing_subscriber::fmt().with_writer(count).with_ansi(false).init();
        &LINES
    }
}

/// Latencies of writes by clients that wait for each answer.
async fn writes<M: Counting>(
    leader: &Raft<M>,
    clients: usize,
    time: Duration,
) -> Outcome<Vec<Duration>> {
    let (from, until) = (Instant::now() + WARM_UP, Instant::now() + WARM_UP + time);
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn(client(leader.clone(), from, until));
    }
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done??);
    }
    Ok(waits)
}

async fn client<M: Counting>(
    raft: Raft<M>,
    from: Instant,
    until: Instant,
) -> Outcome<Vec<Duration>> {
    let mut waits = Vec::new();
    loop {
        let start = Instant::now();
        if start >= until {
            return Ok(waits);
        }
        raft.propose([7; 16]).await?;
        if start >= from {
            waits.push(start.elapsed());
        }
    }
}

/// Three nodes with empty stores.
async fn start<M: Counting>(
    wire: Wire,
    directory: &Path,
    settings: Settings,
) -> Outcome<(Vec<Raft<M>>, Vec<SocketAddr>)> {
    let transports = PEERS.map(|peer| {
        let file = |name: &str| directory.join(format!("peer-{peer}.{name}"));
        let files = TlsFiles {
            ca: directory.join("ca.pem"),
            certificate: file("pem"),
            key: file("key"),
            revoked: None,
        };
        match wire {
            Wire::Plain => TcpTransport::plain(PeerId::new(peer), "127.0.0.1:0"),
            Wire::Tls => TcpTransport::tls(PeerId::new(peer), "127.0.0.1:0", files),
        }
    });
    let transports = transports.into_iter().collect::<Result<Vec<_>, _>>()?;
    let sockets: Vec<_> = transports.iter().map(TcpTransport::local_address).collect();
    let addresses = sockets.iter().map(ToString::to_string);
    let addresses: Vec<_> = PEERS.into_iter().zip(addresses).collect();
    let mut rafts = Vec::new();
    for (peer, transport) in PEERS.into_iter().zip(transports) {
        let data = directory.join(format!("data-{peer}"));
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        let raft = Raft::builder(peer)
            .peers(addresses.clone())
            .storage(DiskStorage::open(&data, PeerId::new(peer))?)
            .transport(transport)
            .state_machine(M::default())
            .settings(settings.clone())
            .start()
            .await?;
        rafts.push(raft);
    }
    Ok((rafts, sockets))
}
