//! A replicated key-value store over HTTP, as short as possible: start here. `kv_service` adds what
//! a production-style service needs (conditional writes, exactly-once retries, leadership transfer
//! on shutdown, TLS, an orderly end). This one is for loopback addresses alone.
//!
//! ```text
//! kv [--data DIR] ID ADDRESS...
//! ```
//! ADDRESSes are the peers' addresses for each other, and ID is the position of this peer's, from 1.
//! Each peer answers HTTP on the port 1000 above its own: `PUT /KEY` writes the body, `GET /KEY`
//! reads the newest value on any peer, `GET /` shows the peer's role. Its log is in DIR, by default
//! a directory of the system's temporary directory that is named after the port.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it is a program for a terminal")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use raft::Raft;
use raft::driver::{MachineError, StateMachine, WriteError, from_bytes, to_bytes};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

#[derive(Default)]
struct Store(BTreeMap<String, String>);

impl StateMachine for Store {
    type Command = (String, String);
    type Answer = Option<String>;

    fn apply(&mut self, (key, value): (String, String)) -> Option<String> {
        self.0.insert(key, value)
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&self.0)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0 = from_bytes(snapshot)?;
        Ok(())
    }
}

/// The largest value, in bytes.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Limit on the time in which a client sends the headers, and on that of the rest.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(15);

async fn write(
    raft: State<Raft<Store>>,
    Path(key): Path<String>,
    uri: Uri,
    value: String,
) -> Response {
    match raft.propose((key, value)).await {
        Ok(before) => format!("{before:?}\n").into_response(),
        Err(WriteError::NotLeader { address: Some(leader), .. }) => match http(&leader) {
            // As the client wrote it, for a decoded key may mean another path, but for a host.
            Ok(leader) => {
                let target = uri.path_and_query().map_or("/", |target| target.as_str());
                Redirect::temporary(&format!("http://{leader}{target}")).into_response()
            }
            Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
        },
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn read(raft: State<Raft<Store>>, Path(key): Path<String>) -> Response {
    match raft.read(move |store| store.0.get(&key).cloned()).await {
        Ok(value) => format!("{value:?}\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn status(raft: State<Raft<Store>>) -> String {
    let status = raft.status();
    format!("{} in term {}, applied {}\n", status.role, status.current_term, status.last_applied)
}

/// The HTTP address of the peer at this address.
fn http(address: &str) -> Result<SocketAddr, Box<dyn Error>> {
    let address: SocketAddr = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let port = address.port().checked_add(1000).ok_or("the port must be below 64536")?;
    Ok(SocketAddr::new(address.ip(), port))
}

/// Answers requests; a client that is slow to write one holds up no other.
async fn serve_http(listener: TcpListener, app: Router) -> Infallible {
    let deadline = from_fn(|request: Request, next: Next| async {
        let answered = timeout(CLIENT_TIMEOUT, next.run(request)).await;
        answered.map_err(|_| StatusCode::REQUEST_TIMEOUT)
    });
    let app = app.layer(DefaultBodyLimit::max(VALUE_BYTES_MAX)).layer(deadline);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(CLIENT_TIMEOUT);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = TowerToHyperService::new(app.clone());
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
            // Without a free socket, until clients have gone.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(id: usize, peers: Vec<String>, data: PathBuf) -> Result<(), Box<dyn Error>> {
    let (own, http) = (&peers[id - 1], http(&peers[id - 1])?);
    let listener = TcpListener::bind(http).await?;
    eprintln!("peer {id}: HTTP on {http}, data in {}; stop it with Ctrl-C or kill", data.display());
    let raft = Raft::builder(id as u64)
        .peers((1..).zip(peers.clone()))
        .listen(own)
        .data_dir(data)
        .state_machine(Store::default())
        .start()
        .await?;
    let routes = Router::new().route("/", get(status)).route("/{key}", get(read).put(write));
    let app = routes.with_state(raft.clone());
    tokio::select! {
        never = serve_http(listener, app) => match never {},
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    raft.shutdown().await;
    Ok(())
}

const USAGE: &str = "\
usage: kv [--data DIR] ID ADDRESS...
  ID          position of this peer's address among the ADDRESSes, from 1
  ADDRESS     IP:PORT of each peer; it answers HTTP on the port 1000 above
  --data DIR  data directory, created if missing
              [default: raft-kv-PORT in the system's temporary directory]";

/// ID, addresses and data directory.
fn parse() -> Option<(usize, Vec<String>, PathBuf)> {
    let mut args = std::env::args().skip(1).peekable();
    let data = args.next_if_eq("--data").map(|_| args.next());
    let id: usize = args.next()?.parse().ok()?;
    let peers: Vec<_> = args.collect();
    let (_, port) = peers.get(id.checked_sub(1)?)?.rsplit_once(':')?;
    let data = match data {
        Some(directory) => directory?.into(),
        None => std::env::temp_dir().join(format!("raft-kv-{port}")),
    };
    Some((id, peers, data))
}

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some((id, peers, data)) = parse() else {
        eprintln!("kv: ID must be the position of one of the ADDRESSes\n{USAGE}");
        return ExitCode::from(2);
    };
    let Err(error) = serve(id, peers, data).await else { return ExitCode::SUCCESS };
    eprintln!("kv: {error}");
    ExitCode::FAILURE
}
