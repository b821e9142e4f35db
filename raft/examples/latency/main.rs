//! Latency of writes over real disks and sockets: three nodes in one process, each with a store in
//! a directory of its own and TCP to the others, with and without TLS. 16-byte commands, and
//! closed-loop clients; every answered write is durable on a majority (fdatasync).
//!
//! ```text
//! cargo run --release -p raft --example latency -- [seconds a row: 5] [directory: target/latency]
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows its result")]
#![expect(clippy::disallowed_methods, reason = "the measurement needs a clock, the core does not")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use raft::driver::MachineError;
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
    let mut args = std::env::args().skip(1);
    let seconds = args.next().unwrap_or_else(|| "5".to_owned());
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
    for (wire, name) in [(Wire::Plain, "plain"), (Wire::Tls, "TLS")] {
        for clients in CLIENTS {
            let mut waits = runtime.block_on(measure(
                wire,
                clients,
                Duration::from_secs(seconds),
                &directory,
            ))?;
            waits.sort_unstable();
            let rate = waits.len() as u64 / seconds;
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| percentile(&waits, part));
            println!("| {name} | {clients} | {rate} | {p50:.2} | {p99:.2} | {p999:.2} |");
        }
    }
    Ok(())
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
    let rafts = start(wire, directory).await?;
    let known = rafts[0].wait(|status| status.leader.is_some(), HANG).await?;
    let leader = rafts.iter().find(|raft| Some(raft.id()) == known.leader).ok_or("no leader")?;
    leader.wait(|status| status.leader == Some(status.id), HANG).await?;
    let (from, until) = (Instant::now() + WARM_UP, Instant::now() + WARM_UP + time);
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn(client(leader.clone(), from, until));
    }
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done??);
    }
    for raft in rafts {
        raft.shutdown().await;
    }
    Ok(waits)
}

async fn client(raft: Raft<Counter>, from: Instant, until: Instant) -> Outcome<Vec<Duration>> {
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
async fn start(wire: Wire, directory: &Path) -> Outcome<Vec<Raft<Counter>>> {
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
    let at = |transport: &TcpTransport| transport.local_address().to_string();
    let addresses: Vec<_> = PEERS.into_iter().zip(transports.iter().map(at)).collect();
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
            .state_machine(Counter::default())
            .start()
            .await?;
        rafts.push(raft);
    }
    Ok(rafts)
}
