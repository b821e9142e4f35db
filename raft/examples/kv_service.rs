//! A replicated key-value store over HTTP: what a service looks like that is built on this library.
//!
//! ```text
//! GET    /keys/KEY     its value: the newest one, whoever wrote it
//! PUT    /keys/KEY     the body becomes its value
//! DELETE /keys/KEY     it has no value any more
//! GET    /status       who leads, and how far everybody is
//! ```
//!
//! A write answers with the value before it; with `?if=VALUE` it happens only if that is the value
//! (`?if=`: only if there is none). A peer that does not lead answers a write with 307 and the
//! leader's address, and reads itself. The number of an error tells what it means: after 504 the
//! write may have happened or may still happen, after 413 and 503 it never does.
//!
//! **A write that gets no answer may have happened, too.** Whoever cannot bear that adds
//! `?client=NUMBER&serial=NUMBER`, a number of its own and one that rises with every write, and asks
//! again with the same ones until there is an answer: then the write happens once (Ongaro's
//! dissertation, §6.3).

#![expect(clippy::print_stderr, reason = "a program says on standard error why it cannot go on")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use raft::driver::{
    MachineError, Outcome, RunState, Settings, SnapshotPolicy, StateMachine, WriteError,
    from_bytes, to_bytes,
};
use raft::storage::{DiskStorage, RedbStorage, Storage, StorageError};
use raft::{PeerId, Raft, Reads};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// What is replicated.
#[derive(Default, Serialize, Deserialize)]
struct Store {
    values: BTreeMap<String, String>,
    /// The newest write of each client, and its answer.
    sessions: BTreeMap<u64, (u64, Answer)>,
}

#[derive(Serialize, Deserialize)]
struct Write {
    key: String,
    value: Option<String>,
    only_if: Option<String>,
    /// The client's own number, and its number for this write.
    session: Option<(u64, u64)>,
}

#[derive(Clone, Serialize, Deserialize)]
enum Answer {
    Done {
        before: Option<String>,
    },
    /// The condition did not hold.
    Kept {
        before: Option<String>,
    },
    /// The client has written something newer since: nobody waits for this.
    Outdated,
}

impl StateMachine for Store {
    type Command = Write;
    type Answer = Answer;

    fn apply(&mut self, write: Write) -> Answer {
        let Some((client, serial)) = write.session else { return self.carry_out(write) };
        match self.sessions.get(&client) {
            Some((newest, answer)) if *newest == serial => return answer.clone(),
            Some((newest, _)) if *newest > serial => return Answer::Outdated,
            Some(_) | None => {}
        }
        let answer = self.carry_out(write);
        self.sessions.insert(client, (serial, answer.clone()));
        answer
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(self)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        *self = from_bytes(snapshot)?;
        Ok(())
    }
}

impl Store {
    fn carry_out(&mut self, Write { key, value, only_if, .. }: Write) -> Answer {
        let before = self.values.get(&key).cloned();
        if only_if.is_some_and(|expected| expected != *before.as_deref().unwrap_or_default()) {
            return Answer::Kept { before };
        }
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
        Answer::Done { before }
    }
}

/// What every request needs.
#[derive(Clone)]
struct Service {
    raft: Raft<Store>,
    /// The peers' HTTP addresses.
    http: Arc<BTreeMap<PeerId, String>>,
}

/// The part of a write that is in its address.
#[derive(Deserialize)]
struct Terms {
    #[serde(rename = "if")]
    only_if: Option<String>,
    client: Option<u64>,
    serial: Option<u64>,
}

type Here = (Path<String>, Uri, State<Service>);

async fn read(Path(key): Path<String>, State(service): State<Service>) -> Response {
    match service.raft.read(move |store| store.values.get(&key).cloned()).await {
        Ok(Some(value)) => value.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no such key\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn put(here: Here, Query(terms): Query<Terms>, value: String) -> Response {
    write(here, terms, Some(value)).await
}

async fn delete(here: Here, Query(terms): Query<Terms>) -> Response {
    write(here, terms, None).await
}

async fn write(
    (Path(key), uri, State(service)): Here,
    Terms { only_if, client, serial }: Terms,
    value: Option<String>,
) -> Response {
    let session = client.zip(serial);
    if session.is_none() && (client.is_some() || serial.is_some()) {
        return (StatusCode::BAD_REQUEST, "client and serial go together\n").into_response();
    }
    match service.raft.propose(Write { key, value, only_if, session }).await {
        Ok(Answer::Done { before }) => Json(json!({ "before": before })).into_response(),
        Ok(Answer::Kept { before }) => {
            (StatusCode::PRECONDITION_FAILED, Json(json!({ "before": before }))).into_response()
        }
        Ok(Answer::Outdated) => (StatusCode::CONFLICT, "the serial is old\n").into_response(),
        Err(WriteError::NotLeader { leader: Some(leader), .. }) => service.redirect(leader, &uri),
        Err(error) => {
            let code = match (&error, error.outcome()) {
                (WriteError::TooLarge { .. }, _) => StatusCode::PAYLOAD_TOO_LARGE,
                (_, Outcome::Never) => StatusCode::SERVICE_UNAVAILABLE,
                (_, Outcome::Unknown) => StatusCode::GATEWAY_TIMEOUT,
            };
            (code, format!("{error}\n")).into_response()
        }
    }
}

async fn status(State(service): State<Service>) -> Json<Value> {
    let status = service.raft.status();
    let peers = status.peers.iter().map(|peer| {
        let known = json!({ "match": peer.match_index.number(), "next": peer.next_index.number() });
        (peer.id.to_string(), known)
    });
    Json(json!({
        "id": status.id.number(),
        "role": status.role.as_str(),
        "term": status.current_term.number(),
        "leader": status.leader.map(PeerId::number),
        "commit": status.commit_index.number(),
        "applied": status.last_applied.number(),
        "peers": peers.collect::<serde_json::Map<_, _>>(),
    }))
}

impl Service {
    fn redirect(&self, leader: PeerId, uri: &Uri) -> Response {
        match self.http.get(&leader) {
            Some(address) => Redirect::temporary(&format!("http://{address}{uri}")).into_response(),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }

    /// Answers requests until the process is told to end or the node ends by itself.
    async fn serve(self, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        let app = Router::new()
            .route("/keys/{key}", get(read).put(put).delete(delete))
            .route("/status", get(status))
            .with_state(self.clone());
        let mut asked = signal(SignalKind::terminate())?;
        let raft = self.raft.clone();
        let end = async move {
            tokio::select! {
                _ = asked.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
                () = ended(&raft) => return,
            }
            // Only a leader knows the others' progress. Clients wait less for a leader that is
            // called than for one that is missed; one that does not come is no reason to stay.
            let best = raft.status().peers.into_iter().max_by_key(|peer| peer.match_index);
            if let Some(best) = best {
                let _ = raft.transfer_leadership(best.id).await;
            }
        };
        axum::serve(listener, app).with_graceful_shutdown(end).await?;
        let reason = self.raft.status().run;
        self.raft.shutdown().await;
        match reason {
            RunState::Running => Ok(()),
            RunState::Stopped(reason) => Err(format!("the node has ended: {reason}").into()),
        }
    }
}

/// Waits for the node's end.
async fn ended(raft: &Raft<Store>) {
    // The sender of what is watched lives as long as the handle.
    let _ = raft.watch().wait_for(|status| matches!(status.run, RunState::Stopped(_))).await;
}

const USAGE: &str = "\
usage: kv [OPTIONS] ID DIRECTORY PEER...
  ID      which of the peers this is, from 1
  DIRECTORY  where it keeps its log; made if it is not there
  PEER    RAFT_ADDRESS/HTTP_ADDRESS of each peer, such as 127.0.0.1:7001/127.0.0.1:8001
options:
  --election-timeout MS  from so many milliseconds without a leader on, at most twice as many,
                         a peer stands for election (500)
  --lease-drift MS       reads ask no majority while the leader has a lease; clocks differ by at
                         most so many milliseconds after an election timeout (no leases)
  --snapshot-after N     so many entries make a snapshot (100000)
  --store disk|redb      what it keeps its log in: files of its own, or a redb database (disk)";

/// What the command line says.
struct Arguments {
    id: u64,
    directory: String,
    peers: Vec<(String, String)>,
    election_timeout: Duration,
    reads: Reads,
    snapshot_after: u64,
    open: OpenStore,
}

/// Opens the store of a peer in a directory.
type OpenStore = fn(&str, PeerId) -> Result<Box<dyn Storage>, StorageError>;

fn open_store(name: &str) -> Option<OpenStore> {
    match name {
        "disk" => Some(|directory, id| Ok(Box::new(DiskStorage::open(directory, id)?))),
        "redb" => Some(|directory, id| Ok(Box::new(RedbStorage::open(directory, id)?))),
        _ => None,
    }
}

impl Arguments {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut election_timeout, mut snapshot_after, mut rest) = (500, 100_000, Vec::new());
        let (mut reads, mut store) = (Reads::ReadIndex, "disk".to_owned());
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--election-timeout" => election_timeout = number(&arg, args.next())?,
                "--lease-drift" => {
                    let clock_drift_max = Duration::from_millis(number(&arg, args.next())?);
                    reads = Reads::Lease { clock_drift_max };
                }
                "--snapshot-after" => snapshot_after = number(&arg, args.next())?,
                "--store" => store = args.next().ok_or("--store needs a name")?,
                option if option.starts_with('-') => return Err(format!("unknown option {arg}")),
                _ => rest.push(arg),
            }
        }
        let open = open_store(&store);
        let open = open.ok_or_else(|| format!("--store must be disk or redb, and is `{store}`"))?;
        let mut rest = rest.into_iter();
        let id = number("ID", rest.next())?;
        let directory = rest.next().ok_or("DIRECTORY is missing")?;
        let peers = rest.map(|peer| match peer.split_once('/') {
            Some((raft, http)) => Ok((raft.to_owned(), http.to_owned())),
            None => Err(format!("PEER `{peer}` must be RAFT_ADDRESS/HTTP_ADDRESS")),
        });
        let peers = peers.collect::<Result<Vec<_>, _>>()?;
        if id == 0 || id > peers.len() as u64 {
            return Err(format!("ID {id} must be from 1 to {}, the number of PEERs", peers.len()));
        }
        let election_timeout = Duration::from_millis(election_timeout);
        if matches!(reads, Reads::Lease { clock_drift_max } if clock_drift_max >= election_timeout)
        {
            return Err("--lease-drift must be shorter than --election-timeout".into());
        }
        Ok(Self { id, directory, peers, election_timeout, reads, snapshot_after, open })
    }
}

fn number(name: &str, value: Option<String>) -> Result<u64, String> {
    let value = value.ok_or_else(|| format!("{name} is missing"))?;
    value.parse().map_err(|_| format!("{name} must be a number, and is `{value}`"))
}

/// The program. Its arguments are those of the process.
#[tokio::main]
pub(crate) async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("kv: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kv: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { id, directory, peers, election_timeout, reads, snapshot_after, open } =
        arguments;
    let (raft_addresses, http): (Vec<_>, Vec<_>) = peers.into_iter().unzip();
    let at = usize::try_from(id - 1)?;
    let listener = TcpListener::bind(&http[at])
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", http[at]))?;
    let every = SnapshotPolicy { entries: Some(snapshot_after), ..SnapshotPolicy::DEFAULT };
    // It reads the whole log, which may take a while.
    let store = tokio::task::spawn_blocking(move || open(&directory, PeerId::new(id))).await??;
    let raft = Raft::builder(id)
        .listen(&raft_addresses[at])
        .plain_tcp()
        .peers((1..).zip(raft_addresses))
        .storage(store)
        .election_timeout(election_timeout, 2 * election_timeout)
        .heartbeat_interval(election_timeout / 5)
        .configure(|config| config.reads = reads)
        .settings(Settings { snapshots: every, ..Settings::default() })
        .state_machine(Store::default())
        .start()
        .await?;
    let http = (1..).map(PeerId::new).zip(http).collect();
    Service { raft, http: Arc::new(http) }.serve(listener).await
}
