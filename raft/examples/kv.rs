//! A replicated key-value store over HTTP, as short as it gets: begin here. What a service adds that
//! means it (conditional writes, retries that count once, a farewell) is in `kv_service.rs`.
//!
//! ```text
//! kv ID ADDRESS...     the peers' addresses for each other, and which of them this is, from 1
//! ```
//! Each peer answers HTTP on the port that is 1000 higher, and keeps its log in `data/ID`:
//! `PUT /KEY` writes the body, `GET /KEY` reads the newest value on any peer, `GET /` tells who leads.

#![expect(clippy::print_stderr, reason = "a program says on standard error why it ends")]

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use raft::Raft;
use raft::driver::{MachineError, StateMachine, WriteError, from_bytes, to_bytes};

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

async fn write(raft: State<Raft<Store>>, Path(key): Path<String>, value: String) -> Response {
    match raft.propose((key.clone(), value)).await {
        Ok(before) => format!("{before:?}\n").into_response(),
        Err(WriteError::NotLeader { address: Some(leader), .. }) => match http(&leader) {
            Ok(leader) => Redirect::temporary(&format!("http://{leader}/{key}")).into_response(),
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

/// Where the peer of this address answers HTTP.
fn http(address: &str) -> Result<SocketAddr, Box<dyn Error>> {
    let address: SocketAddr = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let port = address.port().checked_add(1000).ok_or("the port must be below 64536")?;
    Ok(SocketAddr::new(address.ip(), port))
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let (id, peers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| !a.contains(':'));
    let place = id.first().and_then(|id| id.parse::<usize>().ok()?.checked_sub(1));
    let place = place.ok_or("usage: kv ID ADDRESS...")?;
    let own = peers.get(place).ok_or("ID must be the place of one of the ADDRESSes, from 1")?;
    let listener = tokio::net::TcpListener::bind(http(own)?).await?;
    let raft = Raft::builder(place as u64 + 1)
        .peers((1..).zip(peers.clone()))
        .listen(own)
        .data_dir(format!("data/{}", place + 1))
        .state_machine(Store::default())
        .start()
        .await?;
    let routes = axum::Router::new().route("/", get(status)).route("/{key}", get(read).put(write));
    Ok(axum::serve(listener, routes.with_state(raft)).await?)
}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = serve().await else { return ExitCode::SUCCESS };
    eprintln!("kv: {error}");
    ExitCode::FAILURE
}
