//! A sharded service of real processes: a controller and groups, each of three.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use services::controller::{GroupId, SHARDS};
use ureq::Agent;

use crate::Outcome;
use crate::http_client::text;
use crate::process::{Process, exit_text, free_addresses, wait};

/// Servers of the controller, and of each group.
pub(super) const SERVERS: usize = 3;

/// Number of groups.
pub(super) const GROUPS: usize = 3;

/// The place of the controller among the clusters: the groups come before.
pub(super) const CONTROLLER: usize = GROUPS;

/// The processes, their addresses, and a directory for their stores and logs.
pub(super) struct Deployment {
    directory: PathBuf,
    /// Addresses for Raft and HTTP, by cluster and server.
    addresses: BTreeMap<(usize, usize), (SocketAddr, SocketAddr)>,
    processes: BTreeMap<(usize, usize), Process>,
    agent: Agent,
}

/// The number of a group.
pub(super) const fn group_id(group: usize) -> GroupId {
    100 + group as GroupId
}

impl Deployment {
    /// Starts all processes with empty stores.
    pub(super) fn start(directory: &Path) -> Outcome<Self> {
        let clusters = GROUPS + 1;
        let ports = free_addresses(2 * SERVERS * clusters)?;
        let places = (0..clusters).flat_map(|of| (0..SERVERS).map(move |server| (of, server)));
        let pairs = ports.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        let mut deployment = Self {
            directory: directory.to_path_buf(),
            addresses: places.clone().zip(pairs).collect(),
            processes: BTreeMap::new(),
            agent: agent(Duration::from_secs(5)),
        };
        places.into_iter().try_for_each(|(cluster, server)| deployment.restart(cluster, server))?;
        Ok(deployment)
    }

    /// HTTP addresses of the servers of all groups.
    pub(super) fn groups(&self) -> Vec<SocketAddr> {
        (0..GROUPS).flat_map(|group| self.http(group)).collect()
    }

    fn http(&self, cluster: usize) -> Vec<SocketAddr> {
        (0..SERVERS).map(|server| self.addresses[&(cluster, server)].1).collect()
    }

    /// Starts a server's process.
    pub(super) fn restart(&mut self, cluster: usize, server: usize) -> Outcome {
        let name = if cluster == CONTROLLER {
            format!("controller-{}", server + 1)
        } else {
            format!("{}-{}", group_id(cluster), server + 1)
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_sharded_kv"));
        if cluster == CONTROLLER {
            command.arg("controller");
        } else {
            command.args(["group", &group_id(cluster).to_string()]);
            command.args(["--controllers", &joined(&self.http(CONTROLLER))]);
        }
        command.args(["--election-timeout", ELECTION_TIMEOUT_MS]);
        command.args(["--snapshot-after", SNAPSHOT_AFTER]);
        command.arg((server + 1).to_string()).arg(self.directory.join(&name));
        command.args((0..SERVERS).map(|server| {
            let (raft, http) = self.addresses[&(cluster, server)];
            format!("{raft}/{http}")
        }));
        let log = self.directory.join(format!("{name}.log"));
        self.processes.insert((cluster, server), Process::start(command, &log)?);
        Ok(())
    }

    /// `kill -9`, and waits for the end of the process.
    pub(super) fn kill(&mut self, cluster: usize, server: usize) -> Outcome {
        self.processes.remove(&(cluster, server)).map_or(Ok(()), Process::kill)
    }

    /// Fails if a process has exited by itself.
    pub(super) fn check_all_run(&mut self) -> Outcome {
        for ((cluster, server), process) in &mut self.processes {
            if let Some(status) = process.child.try_wait()? {
                let how = exit_text(status);
                return Err(format!("server {server} of cluster {cluster} exited, {how}").into());
            }
        }
        Ok(())
    }

    /// Lets a group join.
    pub(super) fn join(&self, group: usize) -> Outcome {
        let servers = joined(&self.http(group));
        self.change(&format!("groups/{}", group_id(group)), Some(&servers))
    }

    /// Lets a group leave; it may have left already.
    pub(super) fn leave(&self, group: usize) -> Outcome {
        self.change(&format!("groups/{}", group_id(group)), None)
    }

    /// Moves a shard to a group, which must have joined.
    pub(super) fn move_shard(&self, shard: usize, group: usize) -> Outcome {
        self.change(&format!("shards/{shard}"), Some(&group_id(group).to_string()))
    }

    /// Asks the controller until it has made a change: PUT with this body, or DELETE.
    fn change(&self, path: &str, body: Option<&str>) -> Outcome {
        let servers = self.http(CONTROLLER);
        let mut turn = 0;
        wait(&format!("the controller to change {path}"), || {
            turn += 1;
            let url = format!("http://{}/{path}", servers[turn % SERVERS]);
            let answer = match body {
                Some(body) => self.agent.put(url).send(body),
                None => self.agent.delete(url).call(),
            };
            match answer.ok()?.status().as_u16() {
                200 => Some(Ok(())),
                // A repetition of a Leave that was done.
                404 if body.is_none() && turn > 1 => Some(Ok(())),
                307 | 503 | 504 => None,
                other => Some(Err(format!("the controller answered {other} to {path}").into())),
            }
        })?
    }

    /// Waits until the owner of each shard serves it, and no other group keeps it.
    pub(super) fn wait_until_settled(&self) -> Outcome {
        let servers = self.http(CONTROLLER);
        let mut last = Value::Null;
        let settled = wait("all shards to have come, and to be deleted where they were", || {
            for server in &servers {
                let url = format!("http://{server}/map");
                let Ok(answer) = self.agent.get(url).call() else { continue };
                let Ok(map) = serde_json::from_str::<Value>(&text(answer).ok()?) else { continue };
                let is_settled = |shard: &Value| {
                    shard["owner"].is_u64()
                        && shard["owner"] == shard["served_by"]
                        && shard["kept_by"].is_null()
                };
                let shards = map["shards"].as_array()?;
                if shards.len() == SHARDS && shards.iter().all(is_settled) {
                    return Some(());
                }
                last = map;
            }
            // The controller asks all servers for each map.
            thread::sleep(MAP_INTERVAL);
            None
        });
        settled.map_err(|error| format!("{error}: {last}").into())
    }
}

/// An HTTP client that takes every answer as one.
pub(super) fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .http_status_as_error(false);
    config.build().into()
}

fn joined(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Pause between two looks at the map.
const MAP_INTERVAL: Duration = Duration::from_millis(50);

/// Twelve processes share the machine with the clients.
const ELECTION_TIMEOUT_MS: &str = "300";

/// Entries until a snapshot: a few snapshots in a run.
const SNAPSHOT_AFTER: &str = "300";
