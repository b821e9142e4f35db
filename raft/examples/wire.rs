//! Speed of messages between two peers on this machine, plain and with TLS, without nodes.
//!
//! ```sh
//! cargo run --release -p raft --example wire
//! ```
//!
//! *Stream*: AppendEntries in one direction, a pipeline of them in flight; CPU time is that of the
//! whole process, both ends and the kernel's share. *Round trip*: a small message there and another
//! back, one at a time.
#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::path::Path;
use std::time::Duration;

use raft::message::{AppendEntries, Vote};
use raft::transport::tcp::certificates::Authority;
use raft::transport::tcp::{TcpTransport, TlsFiles};
use raft::transport::{Inbox, Transport};
use raft::{
    Entry, EntryId, Envelope, Index, LogSlice, Message, MessageId, Payload, PeerId, Round, Term,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const NAMES: [PeerId; 2] = [PeerId::new(1), PeerId::new(2)];
/// Messages of a stream in flight.
const UNDER_WAY: u64 = 64;
const STREAM: Duration = Duration::from_secs(3);
const ROUND_TRIPS: usize = 20_000;

/// A peer with its network, in place of its driver.
struct End {
    transport: TcpTransport,
    received: mpsc::Receiver<Envelope>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let directory = tempfile::TempDir::new()?;
    let authority = Authority::open_or_create(directory.path())?;
    for name in NAMES {
        authority.certify(name.number())?;
    }
    println!("| | stream | messages/s | MB/s | CPU µs a message |");
    println!("|---|---|---|---|---|");
    for commands in [(1, 16), (64, 16), (64, 1024)] {
        for tls in [None, Some(directory.path())] {
            stream(&mut connect(tls).await?, commands, title(tls)).await?;
        }
    }
    println!("\n| round trip | p50 | p99 | p99.9 |\n|---|---|---|---|");
    for tls in [None, Some(directory.path())] {
        round_trips(&mut connect(tls).await?, title(tls)).await?;
    }
    Ok(())
}

fn title(tls: Option<&Path>) -> &'static str {
    tls.map_or("plain", |_| "TLS 1.3")
}

/// Two peers, connected in both directions.
async fn connect(tls: Option<&Path>) -> Result<[End; 2]> {
    let [mut one, mut two] = [start(NAMES[0], tls)?, start(NAMES[1], tls)?];
    let addresses = [&one, &two].map(|end| end.transport.local_address().to_string());
    one.transport.set_address(NAMES[1], &addresses[1]);
    two.transport.set_address(NAMES[0], &addresses[0]);
    let mut ends = [one, two];
    reach(&mut ends, 0, 1).await;
    reach(&mut ends, 1, 0).await;
    Ok(ends)
}

fn start(name: PeerId, tls: Option<&Path>) -> Result<End> {
    let mut transport = match tls {
        None => TcpTransport::plain(name, "127.0.0.1:0")?,
        Some(directory) => {
            let file = |end| directory.join(format!("peer-{name}.{end}"));
            let ca = directory.join("ca.pem");
            let files = TlsFiles { ca, certificate: file("pem"), key: file("key"), revoked: None };
            TcpTransport::tls(name, "127.0.0.1:0", files)?
        }
    };
    let (inbox, received) = Inbox::new(1024);
    transport.start(inbox)?;
    Ok(End { transport, received })
}

/// Sends until a message arrives: messages to a disconnected peer are dropped.
async fn reach(ends: &mut [End; 2], from: usize, to: usize) {
    let wait = Duration::from_millis(20);
    loop {
        ends[from].transport.send(vote(from, to));
        if tokio::time::timeout(wait, ends[to].received.recv()).await.is_ok() {
            // Drains the rest.
            while tokio::time::timeout(wait, ends[to].received.recv()).await.is_ok() {}
            return;
        }
    }
}

fn envelope(from: usize, to: usize, message: Message) -> Envelope {
    let id = MessageId::new(1);
    Envelope { id, from: NAMES[from], to: NAMES[to], term: Term::new(1), store: None, message }
}

fn vote(from: usize, to: usize) -> Envelope {
    envelope(from, to, Message::RequestVoteReply(Vote::Granted))
}

/// An AppendEntries with a number of commands of a size in bytes.
fn append((count, bytes): (u64, usize)) -> Result<Envelope> {
    let command = vec![7; bytes].into();
    let entry = |index| Entry {
        id: EntryId::new(Term::new(1), Index::new(index)),
        payload: Payload::Command(std::sync::Arc::clone(&command)),
    };
    let slice = LogSlice::new(EntryId::ZERO, (1..=count).map(entry).collect())?;
    let append = AppendEntries { slice, leader_commit: Index::ZERO, round: Round::ZERO };
    Ok(envelope(0, 1, Message::AppendEntries(append)))
}

async fn stream(ends: &mut [End; 2], commands: (u64, usize), title: &str) -> Result<()> {
    let [one, two] = ends;
    let message = append(commands)?;
    let bytes = raft::codec::encode(&message).len();
    let (start, cpu, mut sent, mut received) = (Instant::now(), cpu_seconds()?, 0_u64, 0_u64);
    while start.elapsed() < STREAM {
        while sent - received < UNDER_WAY {
            one.transport.send(message.clone());
            sent += 1;
        }
        two.received.recv().await.ok_or("the transport has ended")?;
        received += 1;
        while two.received.try_recv().is_ok() {
            received += 1;
        }
    }
    let (count, seconds) = (received as f64, start.elapsed().as_secs_f64());
    let megabytes = count * bytes as f64 / 1e6 / seconds;
    let cpu = (cpu_seconds()? - cpu) * 1e6 / count;
    let (number, size) = commands;
    println!(
        "| {title} | {number} × {size} bytes | {:.0} | {megabytes:.0} | {cpu:.2} |",
        count / seconds
    );
    Ok(())
}

async fn round_trips(ends: &mut [End; 2], title: &str) -> Result<()> {
    let [one, two] = ends;
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let start = Instant::now();
        one.transport.send(vote(0, 1));
        two.received.recv().await.ok_or("the transport has ended")?;
        two.transport.send(vote(1, 0));
        one.received.recv().await.ok_or("the transport has ended")?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
    println!("| {title} | {:.0} µs | {:.0} µs | {:.0} µs |", at(0.5), at(0.99), at(0.999));
    Ok(())
}

/// CPU time of this process, in seconds, to a hundredth.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("an unknown /proc/self/stat")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<std::result::Result<f64, _>>()? / 100.0)
}
