//! A cluster of three processes of the service: start, kill, signals, limits and status.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;

use crate::http_client::HttpClient;
use crate::process::{Process, free_addresses, wait};
use crate::proxies::Proxies;
use crate::{Outcome, ReadMode, Store};

/// The number of processes.
pub(crate) const PEERS: usize = 3;

/// Three processes, their addresses, and a directory for their stores and logs.
pub(crate) struct Cluster {
    directory: PathBuf,
    addresses: Vec<Addresses>,
    proxies: Option<Proxies>,
    settings: Settings,
    processes: [Option<Process>; PEERS],
    http: HttpClient,
}

/// The settings of every process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) election_timeout: Duration,
    pub(crate) reads: ReadMode,
    pub(crate) store: Store,
    pub(crate) links: Links,
}

/// The connections between the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Direct,
    /// Through [`Proxies`].
    Proxied,
}

#[derive(Clone, Copy, Debug)]
struct Addresses {
    raft: SocketAddr,
    http: SocketAddr,
}

/// The initial members in the arguments of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Members {
    All,
    Itself,
}

/// Starts the program that follows, without the signal that comes with a write beyond the limit on
/// file sizes: the write fails, as on a full disk, and the process goes on.
const IGNORE_FILE_SIZE_SIGNAL: &str = r#"trap '' XFSZ; exec "$0" "$@""#;

/// Entries until a snapshot: a few snapshots in each round.
const SNAPSHOT_AFTER: u64 = 500;

impl Cluster {
    /// Starts three processes with empty stores.
    pub(crate) fn start(directory: &Path, settings: Settings) -> Outcome<Self> {
        let ports = free_addresses(2 * PEERS)?;
        let pairs = ports.chunks_exact(2);
        let addresses: Vec<_> =
            pairs.map(|pair| Addresses { raft: pair[0], http: pair[1] }).collect();
        let proxies = match settings.links {
            Links::Direct => None,
            Links::Proxied => Some(Proxies::start(addresses.iter().map(|peer| peer.raft))?),
        };
        let http = addresses.iter().map(|peer| peer.http).collect();
        let http = HttpClient::new(http, Duration::from_millis(500));
        let directory = directory.to_path_buf();
        let processes = [const { None }; PEERS];
        let mut cluster = Self { directory, addresses, proxies, settings, processes, http };
        for peer in 0..PEERS {
            cluster.restart(peer)?;
        }
        Ok(cluster)
    }

    /// The HTTP addresses.
    pub(crate) fn http(&self) -> Vec<SocketAddr> {
        self.addresses.iter().map(|peer| peer.http).collect()
    }

    /// The address under which `by` reaches the peer `of`; its own is direct, as it listens there.
    fn raft_address(&self, of: usize, by: usize) -> SocketAddr {
        match &self.proxies {
            Some(proxies) if of != by => proxies.address(of),
            Some(_) | None => self.addresses[of].raft,
        }
    }

    /// The proxies between the processes, if the scenario has them.
    pub(crate) fn proxies(&self) -> Outcome<&Proxies> {
        Ok(self.proxies.as_ref().ok_or("this scenario has no proxies")?)
    }

    /// The directory of a peer's store.
    pub(crate) fn data(&self, peer: usize) -> PathBuf {
        self.directory.join(format!("data-{}", peer + 1))
    }

    /// A peer's output since the first start.
    pub(crate) fn output(&self, peer: usize) -> Outcome<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log(peer))?).into_owned())
    }

    /// Starts a peer's process.
    pub(crate) fn restart(&mut self, peer: usize) -> Outcome {
        self.start_with(peer, Members::All)
    }

    /// Starts a peer's process with these initial members.
    pub(crate) fn start_with(&mut self, peer: usize, members: Members) -> Outcome {
        let Settings { election_timeout, reads, store, .. } = self.settings;
        let listed = match members {
            Members::All => 0..PEERS,
            Members::Itself => peer..peer + 1,
        };
        let addresses =
            listed.map(|of| format!("{}/{}", self.raft_address(of, peer), self.addresses[of].http));
        let mut command = Command::new("sh");
        command
            .args(["-c", IGNORE_FILE_SIZE_SIGNAL, env!("CARGO_BIN_EXE_kv_service")])
            .args(["--election-timeout", &election_timeout.as_millis().to_string()])
            .args(match reads {
                ReadMode::ReadIndex => &[][..],
                ReadMode::Lease => &["--lease-drift", "0"],
            })
            .arg("--reseed")
            .args(["--snapshot-after", &SNAPSHOT_AFTER.to_string()])
            .args(match store {
                Store::Disk => ["--store", "disk"],
                Store::Redb => ["--store", "redb"],
            })
            .arg((peer + 1).to_string())
            .arg(self.data(peer))
            .args(addresses);
        self.processes[peer] = Some(Process::start(command, &self.log(peer))?);
        Ok(())
    }

    /// `kill -9`, and waits for the end of the process.
    pub(crate) fn kill(&mut self, peer: usize) -> Outcome {
        self.processes[peer].take().map_or(Ok(()), Process::kill)
    }

    /// Removes the store of a peer that does not run.
    pub(crate) fn wipe(&self, peer: usize) -> Outcome {
        Ok(fs::remove_dir_all(self.data(peer))?)
    }

    /// Waits until a peer whose disk was lost votes: its store is recorded, and the change of members
    /// that made it a voter is committed.
    pub(crate) fn wait_for_vote(&self, peer: usize) -> Outcome {
        let all = Value::from((1..=PEERS).collect::<Vec<_>>());
        wait(&format!("peer {} to be a voter with a new store", peer + 1), || {
            let status = self.status(peer)?;
            let confirmed = status["store"] == "confirmed" && status["member"] == "voter";
            (confirmed && status["voters"] == all && status["outgoing"].is_null()).then_some(())
        })
    }

    /// Sends a signal to a running process.
    pub(crate) fn signal(&self, peer: usize, signal: Signal) -> Outcome {
        Ok(kill_process(self.pid(peer)?, signal)?)
    }

    /// Limits file sizes to zero: for the running process, the disk is full.
    pub(crate) fn limit_file_size(&self, peer: usize) -> Outcome {
        let limit = Rlimit { current: Some(0), maximum: None };
        prlimit(Some(self.pid(peer)?), Resource::Fsize, limit)?;
        Ok(())
    }

    /// Waits until a process exits.
    pub(crate) fn wait_for_exit(&mut self, peer: usize) -> Outcome<ExitStatus> {
        let process = self.processes[peer].as_mut().ok_or("the process is not running")?;
        let status = wait("the process to exit", || process.child.try_wait().transpose())??;
        if let Some(process) = self.processes[peer].take() {
            process.finish()?;
        }
        Ok(status)
    }

    /// The exit status of a process that exited unexpectedly.
    pub(crate) fn exit_status(&mut self, peer: usize) -> Outcome<Option<ExitStatus>> {
        Ok(self.processes[peer].as_mut().map_or(Ok(None), |process| process.child.try_wait())?)
    }

    /// Waits for a leader.
    pub(crate) fn leader(&self) -> Outcome<usize> {
        wait("a leader", || {
            let leads = (0..PEERS).filter(|peer| self.leads(*peer));
            leads.max_by_key(|peer| self.number(*peer, "term"))
        })
    }

    /// True if a peer believes that it is the leader.
    pub(crate) fn leads(&self, peer: usize) -> bool {
        self.status(peer).is_some_and(|status| status["role"] == "leader")
    }

    /// Waits until a peer has applied what the leader has committed by now.
    pub(crate) fn wait_for_catch_up(&mut self, peer: usize) -> Outcome {
        let leader = self.leader()?;
        let committed = wait("the leader's commit index", || self.number(leader, "commit"))?;
        wait(&format!("peer {} to apply entry {committed}", peer + 1), || {
            (self.number(peer, "applied")? >= committed).then_some(())
        })
    }

    fn number(&self, peer: usize, field: &str) -> Option<u64> {
        self.status(peer)?[field].as_u64()
    }

    fn status(&self, peer: usize) -> Option<Value> {
        self.processes[peer].as_ref()?;
        self.http.status(peer)
    }

    fn pid(&self, peer: usize) -> Outcome<Pid> {
        let process = self.processes[peer].as_ref().ok_or("the process is not running")?;
        Ok(Pid::from_child(&process.child))
    }

    fn log(&self, peer: usize) -> PathBuf {
        self.directory.join(format!("peer-{}.log", peer + 1))
    }
}
