//! Three processes of the service, and what can be done to them.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;

use crate::gates::Gates;
use crate::load::HANG;
use crate::remote::Remote;
use crate::{Outcome, Reads, Store};

/// How many processes there are.
pub(crate) const PEERS: usize = 3;

/// Three processes, their addresses and a folder with all they leave.
pub(crate) struct Group {
    folder: PathBuf,
    addresses: Vec<Addresses>,
    gates: Option<Gates>,
    settings: Settings,
    processes: [Option<Process>; PEERS],
    remote: Remote,
}

/// What every process is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) election_timeout: Duration,
    pub(crate) reads: Reads,
    pub(crate) store: Store,
    pub(crate) links: Links,
}

/// How the processes reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Direct,
    /// Through [`Gates`].
    Gated,
}

#[derive(Clone, Copy, Debug)]
struct Addresses {
    raft: SocketAddr,
    http: SocketAddr,
}

struct Process {
    child: Child,
    /// Writes what the process says into its file. A pipe lies between, so that a process that may
    /// write no more files can still speak.
    output: JoinHandle<io::Result<u64>>,
}

/// Starts the program that follows. A write beyond the limit on file sizes fails in it, as on a full
/// disk; without this the signal that comes with it would end the process.
const IGNORING_FILE_LIMITS: &str = r#"trap '' XFSZ; exec "$0" "$@""#;

/// So many entries make a snapshot: some in each round.
const SNAPSHOT_AFTER: u64 = 500;

impl Group {
    /// Starts three processes that have not stored anything yet.
    pub(crate) fn start(folder: &Path, settings: Settings) -> Outcome<Self> {
        let addresses = free_addresses()?;
        let gates = match settings.links {
            Links::Direct => None,
            Links::Gated => Some(Gates::before(addresses.iter().map(|peer| peer.raft))?),
        };
        let http = addresses.iter().map(|peer| peer.http).collect();
        let remote = Remote::new(http, Duration::from_millis(500));
        let folder = folder.to_path_buf();
        let processes = [const { None }; PEERS];
        let mut group = Self { folder, addresses, gates, settings, processes, remote };
        for peer in 0..PEERS {
            group.restart(peer)?;
        }
        Ok(group)
    }

    /// Where clients ask.
    pub(crate) fn http(&self) -> Vec<SocketAddr> {
        self.addresses.iter().map(|peer| peer.http).collect()
    }

    /// Where `by` reaches the peer `of`; itself it must know without a gate, to listen there.
    fn raft_address(&self, of: usize, by: usize) -> SocketAddr {
        match &self.gates {
            Some(gates) if of != by => gates.address(of),
            Some(_) | None => self.addresses[of].raft,
        }
    }

    /// The gates between the processes, which the scenario asked for.
    pub(crate) fn gates(&self) -> Outcome<&Gates> {
        Ok(self.gates.as_ref().ok_or("the links of this scenario have no gates")?)
    }

    /// Where a peer keeps its log.
    pub(crate) fn data(&self, peer: usize) -> PathBuf {
        self.folder.join(format!("data-{}", peer + 1))
    }

    /// All that a peer has said since the first start.
    pub(crate) fn said(&self, peer: usize) -> Outcome<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log(peer))?).into_owned())
    }

    /// Starts a peer's process.
    pub(crate) fn restart(&mut self, peer: usize) -> Outcome {
        let (mut reader, writer) = io::pipe()?;
        let Settings { election_timeout, reads, store, .. } = self.settings;
        let book = (0..PEERS)
            .map(|of| format!("{}/{}", self.raft_address(of, peer), self.addresses[of].http));
        let mut command = Command::new("sh");
        command
            .args(["-c", IGNORING_FILE_LIMITS, env!("CARGO_BIN_EXE_kv_service")])
            .args(["--election-timeout", &election_timeout.as_millis().to_string()])
            .args(match reads {
                Reads::ReadIndex => &[][..],
                Reads::Lease => &["--lease-drift", "0"],
            })
            .args(["--snapshot-after", &SNAPSHOT_AFTER.to_string()])
            .args(match store {
                Store::Disk => ["--store", "disk"],
                Store::Redb => ["--store", "redb"],
            })
            .arg((peer + 1).to_string())
            .arg(self.data(peer))
            .args(book)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let mut log = File::options().create(true).append(true).open(self.log(peer))?;
        let child = command.spawn()?;
        // The command holds the writing end of the pipe, which must close with the process.
        drop(command);
        let output = thread::spawn(move || io::copy(&mut reader, &mut log));
        self.processes[peer] = Some(Process { child, output });
        Ok(())
    }

    /// `kill -9`: the process has no chance to do anything more.
    pub(crate) fn kill(&mut self, peer: usize) -> Outcome {
        if let Some(mut process) = self.processes[peer].take() {
            process.child.kill()?;
            process.child.wait()?;
            process.finish()?;
        }
        Ok(())
    }

    /// Sends a signal to a running process.
    pub(crate) fn signal(&self, peer: usize, signal: Signal) -> Outcome {
        Ok(kill_process(self.pid(peer)?, signal)?)
    }

    /// Lets a running process write nothing more into any file: to the process, a full disk.
    pub(crate) fn fill_disk(&self, peer: usize) -> Outcome {
        let limit = Rlimit { current: Some(0), maximum: None };
        prlimit(Some(self.pid(peer)?), Resource::Fsize, limit)?;
        Ok(())
    }

    /// Waits until a process has ended by itself.
    pub(crate) fn wait_for_end(&mut self, peer: usize) -> Outcome<ExitStatus> {
        let process = self.processes[peer].as_mut().ok_or("the process does not run")?;
        let status = wait("the process ends", || process.child.try_wait().transpose())??;
        if let Some(process) = self.processes[peer].take() {
            process.finish()?;
        }
        Ok(status)
    }

    /// How a process ended that was not told to, if it did.
    pub(crate) fn ended(&mut self, peer: usize) -> Outcome<Option<ExitStatus>> {
        Ok(self.processes[peer].as_mut().map_or(Ok(None), |process| process.child.try_wait())?)
    }

    /// The peer that leads, once there is one.
    pub(crate) fn leader(&self) -> Outcome<usize> {
        wait("a peer leads", || {
            let leads = (0..PEERS).filter(|peer| self.leads(*peer));
            leads.max_by_key(|peer| self.number(*peer, "term"))
        })
    }

    /// Whether a peer takes itself for the leader.
    pub(crate) fn leads(&self, peer: usize) -> bool {
        self.status(peer).is_some_and(|status| status["role"] == "leader")
    }

    /// Waits until a peer has applied all that the leader has committed by now.
    pub(crate) fn wait_for(&mut self, peer: usize) -> Outcome {
        let leader = self.leader()?;
        let committed = wait("the leader tells its commit", || self.number(leader, "commit"))?;
        wait(&format!("peer {} applies {committed}", peer + 1), || {
            (self.number(peer, "applied")? >= committed).then_some(())
        })
    }

    fn number(&self, peer: usize, field: &str) -> Option<u64> {
        self.status(peer)?[field].as_u64()
    }

    fn status(&self, peer: usize) -> Option<Value> {
        self.processes[peer].as_ref()?;
        self.remote.status(peer)
    }

    fn pid(&self, peer: usize) -> Outcome<Pid> {
        let process = self.processes[peer].as_ref().ok_or("the process does not run")?;
        Ok(Pid::from_child(&process.child))
    }

    fn log(&self, peer: usize) -> PathBuf {
        self.folder.join(format!("peer-{}.log", peer + 1))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            // It may have ended already.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Process {
    /// All that the process has said is in its file.
    fn finish(self) -> Outcome {
        self.output.join().map_err(|_| "the copying of a process' output panicked")??;
        Ok(())
    }
}

/// As a shell says how a process ended.
pub(crate) fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit code {code}"),
        (None, signal) => format!("by signal {}", signal.unwrap_or_default()),
    }
}

/// Waits for something that happens sooner or later.
pub(crate) fn wait<T>(what: &str, mut happens: impl FnMut() -> Option<T>) -> Outcome<T> {
    let hangs = Instant::now() + HANG;
    loop {
        if let Some(happened) = happens() {
            return Ok(happened);
        }
        if Instant::now() >= hangs {
            return Err(format!("waited {HANG:?} in vain until {what}").into());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Addresses that nobody listens at. They are outside the ranges from which systems take the ports
/// of outgoing connections, so that they are free again for a process that restarts; several runs
/// at once begin to look at different places.
fn free_addresses() -> Outcome<Vec<Addresses>> {
    let block = 2 * PEERS as u16;
    let blocks = (PORTS.end - PORTS.start) / block;
    let first = std::process::id() % u32::from(blocks);
    for look in 0..blocks {
        let place = (first as u16 + look) % blocks;
        let ports = PORTS.start + place * block..PORTS.start + (place + 1) * block;
        let addresses: Vec<_> =
            ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        if addresses.iter().all(|address| TcpListener::bind(address).is_ok()) {
            let pairs = addresses.chunks_exact(2);
            return Ok(pairs.map(|pair| Addresses { raft: pair[0], http: pair[1] }).collect());
        }
    }
    Err(format!("no six ports in a row are free in {PORTS:?}").into())
}

const PORTS: std::ops::Range<u16> = 12_000..30_000;
