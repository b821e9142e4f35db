//! A replicated key-value store over HTTP: a production-style service on this library.
//!
//! ```text
//! GET    /keys/KEY     the newest value
//! PUT    /keys/KEY     sets the value to the body
//! DELETE /keys/KEY     removes the value
//! GET    /status       the leader, and the progress of all peers
//! ```
//!
//! A write answers with the previous value; with `?if=VALUE` it is applied only if that is the
//! value (`?if=`: only if there is none). A follower answers a write with 307 and the leader's
//! address, and serves reads itself. The status of an error says what is known: after 504 the write
//! may have been applied or may be later, after 413 and 503 it never is.
//!
//! **A write without an answer may have been applied, too.** To apply it exactly once, a client
//! adds `?client=NUMBER&serial=NUMBER`, its own number and one that rises with every write, and
//! retries with the same numbers until there is an answer (Ongaro's dissertation, §6.3). Numbers of
//! clients rise, too, such as the time of their start: with more than 10 000 of them, the lowest
//! ones end, and their writes are answered with 410.
//!
//! HTTP is not encrypted and asks no one for a name: it is for this machine, unless `--public` is
//! given, and then for a proxy in front of it.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it is a program for a terminal")]

mod http;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use raft::driver::{
    Builder, MachineError, Outcome, RunState, Settings, SnapshotPolicy, StartError, StateMachine,
    WriteError, from_bytes, to_bytes,
};
use raft::storage::{DiskStorage, RedbStorage, Storage, StorageError};
use raft::transport::tcp::TlsFiles;
use raft::{PeerId, Raft, Reads};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The replicated state.
#[derive(Default, Serialize, Deserialize)]
struct Store {
    values: BTreeMap<String, String>,
    /// The newest serial of each client, and its answer.
    sessions: BTreeMap<u64, (u64, Answer)>,
}

#[derive(Serialize, Deserialize)]
struct Write {
    key: String,
    value: Option<String>,
    only_if: Option<String>,
    /// The client's number, and its serial for this write.
    session: Option<(u64, u64)>,
}

#[derive(Clone, Serialize, Deserialize)]
enum Answer {
    Done {
        before: Option<String>,
    },
    /// The condition was not met.
    ConditionFailed {
        before: Option<String>,
    },
    /// The client has sent a newer write since.
    StaleSerial,
    /// The client's session has ended; nothing was applied.
    SessionEnded,
}

/// Limit on sessions. All peers must have the same.
const SESSIONS_MAX: usize = 10_000;

impl StateMachine for Store {
    type Command = Write;
    type Answer = Answer;

    fn apply(&mut self, write: Write) -> Answer {
        let Some((client, serial)) = write.session else { return self.execute(write) };
        match self.sessions.get(&client) {
            Some((newest, answer)) if *newest == serial => return answer.clone(),
            Some((newest, _)) if *newest > serial => return Answer::StaleSerial,
            // It may be one that has ended, and this write a retry.
            None if self.sessions.len() >= SESSIONS_MAX && self.is_below_all(client) => {
                return Answer::SessionEnded;
            }
            Some(_) | None => {}
        }
        let answer = self.execute(write);
        self.sessions.insert(client, (serial, answer.clone()));
        if self.sessions.len() > SESSIONS_MAX {
            self.sessions.pop_first();
        }
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
    fn is_below_all(&self, client: u64) -> bool {
        self.sessions.first_key_value().is_some_and(|(lowest, _)| client < *lowest)
    }

    fn execute(&mut self, Write { key, value, only_if, .. }: Write) -> Answer {
        let before = self.values.get(&key).cloned();
        if only_if.is_some_and(|expected| expected != *before.as_deref().unwrap_or_default()) {
            return Answer::ConditionFailed { before };
        }
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
        Answer::Done { before }
    }
}

/// State shared by all requests.
#[derive(Clone)]
struct Service {
    raft: Raft<Store>,
    /// The peers' HTTP addresses.
    http: Arc<BTreeMap<PeerId, String>>,
}

/// The query parameters of a write.
#[derive(Deserialize)]
struct WriteQuery {
    #[serde(rename = "if")]
    only_if: Option<String>,
    client: Option<u64>,
    serial: Option<u64>,
}

type KeyRequest = (Path<String>, Uri, State<Service>);

async fn read(Path(key): Path<String>, State(service): State<Service>) -> Response {
    match service.raft.read(move |store| store.values.get(&key).cloned()).await {
        Ok(Some(value)) => value.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no such key\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn put(request: KeyRequest, Query(query): Query<WriteQuery>, value: String) -> Response {
    write(request, query, Some(value)).await
}

async fn delete(request: KeyRequest, Query(query): Query<WriteQuery>) -> Response {
    write(request, query, None).await
}

async fn write(
    (Path(key), uri, State(service)): KeyRequest,
    WriteQuery { only_if, client, serial }: WriteQuery,
    value: Option<String>,
) -> Response {
    let session = client.zip(serial);
    if session.is_none() && (client.is_some() || serial.is_some()) {
        return (StatusCode::BAD_REQUEST, "client and serial must be given together\n")
            .into_response();
    }
    match service.raft.propose(Write { key, value, only_if, session }).await {
        Ok(Answer::Done { before }) => Json(json!({ "before": before })).into_response(),
        Ok(Answer::ConditionFailed { before }) => {
            (StatusCode::PRECONDITION_FAILED, Json(json!({ "before": before }))).into_response()
        }
        Ok(Answer::StaleSerial) => (StatusCode::CONFLICT, "stale serial\n").into_response(),
        Ok(Answer::SessionEnded) => {
            (StatusCode::GONE, "the session has ended: take a higher client number\n")
                .into_response()
        }
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
        "member": format!("{:?}", status.member).to_lowercase(),
        "state": status.run.to_string(),
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

    /// Serves requests until the process is stopped or the node stops.
    async fn serve(self, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        let app = Router::new()
            .route("/keys/{key}", get(read).put(put).delete(delete))
            .route("/status", get(status))
            .with_state(self.clone());
        let mut terminate = signal(SignalKind::terminate())?;
        let raft = self.raft.clone();
        let end = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
                () = stopped(&raft) => return,
            }
            // Transfers leadership before the shutdown, so that clients need not wait for an
            // election. Only a leader knows the others' progress; a failed transfer does not delay
            // the shutdown further.
            let best = raft.status().peers.into_iter().max_by_key(|peer| peer.match_index);
            if let Some(best) = best {
                let _ = raft.transfer_leadership(best.id).await;
            }
        };
        http::serve(listener, app, end).await;
        let reason = self.raft.status().run;
        self.raft.shutdown().await;
        match reason {
            RunState::Running => Ok(()),
            RunState::Stopped(reason) => Err(format!("the node has stopped: {reason}").into()),
        }
    }
}

/// Waits until the node has stopped.
async fn stopped(raft: &Raft<Store>) {
    // The sender lives as long as the handle.
    let _ = raft.watch().wait_for(|status| matches!(status.run, RunState::Stopped(_))).await;
}

const USAGE: &str = "\
usage: kv_service [OPTIONS] ID DIRECTORY PEER...
  ID         this peer's position among the PEERs, from 1
  DIRECTORY  data directory; created if missing
  PEER       RAFT_ADDRESS/HTTP_ADDRESS of each peer, such as 127.0.0.1:7001/127.0.0.1:8001
options:
  --election-timeout MS  minimum election timeout; the maximum is twice as long [default: 500]
  --lease-drift MS       serve reads under a leader lease, with clocks that drift at most so far
                         within an election timeout [default: no leases]
  --snapshot-after N     entries between snapshots [default: 100000]
  --store disk|redb      log files or a redb database [default: disk]
  --tls DIRECTORY        encrypt and authenticate messages between peers with ca.pem,
                         peer-ID.pem and peer-ID.key of this directory (example
                         make_certificates of raft makes them)
  --plain                send messages between peers unencrypted and unauthenticated,
                         also beyond this machine
  --public               answer HTTP beyond this machine, to anyone who reaches it
  --help                 print this text
example, a single peer:
  kv_service 1 data/1 127.0.0.1:7001/127.0.0.1:8001";

/// The parsed command line.
struct Arguments {
    id: u64,
    directory: String,
    peers: Vec<(String, String)>,
    election_timeout: Duration,
    reads: Reads,
    snapshot_after: u64,
    open: OpenStore,
    security: Security,
    audience: Audience,
}

/// Protection of messages between peers.
enum Security {
    /// None, on this machine only.
    Loopback,
    /// None, by explicit request.
    Plain,
    /// Mutual TLS with the certificates of this directory.
    Tls(PathBuf),
}

/// Clients that are answered.
#[derive(PartialEq, Eq)]
enum Audience {
    ThisMachine,
    Everyone,
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
        let (mut security, mut audience) = (Security::Loopback, Audience::ThisMachine);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--election-timeout" => election_timeout = number(&arg, args.next())?,
                "--lease-drift" => {
                    let clock_drift_max = Duration::from_millis(number(&arg, args.next())?);
                    reads = Reads::Lease { clock_drift_max };
                }
                "--snapshot-after" => snapshot_after = number(&arg, args.next())?,
                "--store" => store = args.next().ok_or("--store needs a name")?,
                "--tls" => {
                    security = Security::Tls(args.next().ok_or("--tls needs a directory")?.into());
                }
                "--plain" => security = Security::Plain,
                "--public" => audience = Audience::Everyone,
                option if option.starts_with('-') => return Err(format!("unknown option {arg}")),
                _ => rest.push(arg),
            }
        }
        let open = open_store(&store);
        let open = open.ok_or_else(|| format!("--store must be disk or redb, not `{store}`"))?;
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
        Ok(Self {
            id,
            directory,
            peers,
            election_timeout,
            reads,
            snapshot_after,
            open,
            security,
            audience,
        })
    }
}

fn number(name: &str, value: Option<String>) -> Result<u64, String> {
    let value = value.ok_or_else(|| format!("{name} is missing"))?;
    value.parse().map_err(|_| format!("{name} must be a number, not `{value}`"))
}

/// Runs the service with the arguments of the process.
#[tokio::main]
pub async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("kv_service: {error}\n{USAGE}");
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
            eprintln!("kv_service: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { id, directory, peers, election_timeout, reads, snapshot_after, open, .. } =
        arguments;
    let (raft_addresses, http): (Vec<_>, Vec<_>) = peers.into_iter().unzip();
    let at = usize::try_from(id - 1)?;
    let listener = listen(&http[at], &arguments.audience).await?;
    let every = SnapshotPolicy { entries: Some(snapshot_after), ..SnapshotPolicy::DEFAULT };
    // Opening reads the whole log, which may take a while.
    let store = tokio::task::spawn_blocking(move || open(&directory, PeerId::new(id))).await??;
    let builder = secure(Raft::builder(id), id, arguments.security);
    let raft = builder
        .listen(&raft_addresses[at])
        .peers((1..).zip(raft_addresses))
        .storage(store)
        .election_timeout(election_timeout, 2 * election_timeout)
        .heartbeat_interval(election_timeout / 5)
        .configure(|config| config.reads = reads)
        .settings(Settings { snapshots: every, ..Settings::default() })
        .state_machine(Store::default())
        .start()
        .await
        .map_err(with_options)?;
    let http = (1..).map(PeerId::new).zip(http).collect();
    Service { raft, http: Arc::new(http) }.serve(listener).await
}

async fn listen(address: &str, audience: &Audience) -> Result<TcpListener, String> {
    let failed = |error| format!("cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    if *audience == Audience::ThisMachine && !bound.ip().is_loopback() {
        return Err(format!(
            "{address} is not a loopback address: give --public to answer anyone who reaches it"
        ));
    }
    Ok(listener)
}

fn secure(builder: Builder<Store>, id: u64, security: Security) -> Builder<Store> {
    match security {
        Security::Loopback => builder,
        Security::Plain => builder.plain_tcp(),
        Security::Tls(directory) => builder.tls(TlsFiles {
            ca: directory.join("ca.pem"),
            certificate: directory.join(format!("peer-{id}.pem")),
            key: directory.join(format!("peer-{id}.key")),
            revoked: None,
        }),
    }
}

/// The options of this program in place of the builder's methods.
fn with_options(error: StartError) -> Box<dyn Error> {
    let StartError::NoSecurity { address } = error else { return error.into() };
    let remedy =
        "give --tls DIRECTORY, or --plain if anyone on that network may read and write the log";
    format!("{address} is not a loopback address: {remedy}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(client: u64, serial: u64) -> Write {
        let value = Some(serial.to_string());
        Write { key: "k".into(), value, only_if: None, session: Some((client, serial)) }
    }

    #[test]
    fn the_oldest_sessions_end_and_their_retries_are_not_applied() {
        let mut store = Store::default();
        let many = SESSIONS_MAX as u64;
        for client in 1..=many + 5 {
            assert!(matches!(store.apply(write(client, 1)), Answer::Done { .. }));
        }
        assert_eq!(store.sessions.len(), SESSIONS_MAX);
        assert!(matches!(store.apply(write(3, 1)), Answer::SessionEnded), "a retry");
        assert!(matches!(store.apply(write(6, 1)), Answer::Done { .. }), "its answer is kept");
        assert!(matches!(store.apply(write(6, 2)), Answer::Done { .. }));
        assert!(matches!(store.apply(write(6, 1)), Answer::StaleSerial));
        assert!(matches!(store.apply(write(many + 6, 1)), Answer::Done { .. }));
    }

    #[test]
    fn options_and_their_mistakes_are_named() {
        let parse = |args: &[&str]| {
            let peer = "127.0.0.1:1/127.0.0.1:2";
            let args = args.iter().copied().chain(["1", "data", peer]).map(str::to_owned);
            Arguments::parse(args)
        };
        let tls = parse(&["--tls", "certificates"]).expect("a directory");
        assert!(matches!(tls.security, Security::Tls(_)) && tls.audience == Audience::ThisMachine);
        let open = parse(&["--plain", "--public"]).expect("no values");
        assert!(matches!(open.security, Security::Plain) && open.audience == Audience::Everyone);
        assert_eq!(parse(&["--tsl", "x"]).err().as_deref(), Some("unknown option --tsl"));
    }
}
