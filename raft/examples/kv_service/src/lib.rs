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
//! With `--admin SOCKET` the program `raftctl` shows the peer and changes members through it.
//!
//! HTTP is not encrypted and asks no one for a name: it is for this machine, unless `--public` is
//! given, and then for a proxy in front of it.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it is a program for a terminal")]

mod arguments;
#[cfg(test)]
mod client;
pub mod http;
mod service;
mod state_machine;

use std::error::Error;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use raft::driver::{Builder, Settings, SnapshotPolicy, StartError};
use raft::transport::tcp::TlsFiles;
use raft::{PeerId, Raft};
use tokio::net::TcpListener;

use self::arguments::{Arguments, Audience, Members, Security, USAGE};
use self::service::Service;
use self::state_machine::Store;

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
    let Arguments { id, directory, peers, election_timeout, reads, snapshot_after, .. } = arguments;
    let (open, lost_store) = (arguments.open, arguments.lost_store);
    let (raft_addresses, http): (Vec<_>, Vec<_>) = peers.into_iter().unzip();
    let at = usize::try_from(id - 1)?;
    let listener = listen(&http[at], &arguments.audience).await?;
    let every = SnapshotPolicy { entries: Some(snapshot_after), ..SnapshotPolicy::DEFAULT };
    // Opening reads the whole log, which may take a while.
    let store = tokio::task::spawn_blocking(move || open(&directory, PeerId::new(id))).await??;
    let builder = secure(Raft::builder(id), id, arguments.security);
    let builder = match arguments.members {
        Members::Listed => builder,
        Members::Joined => builder.join(),
    };
    let raft = builder
        .listen(&raft_addresses[at])
        .peers((1..).zip(raft_addresses))
        .storage(store)
        .election_timeout(election_timeout, 2 * election_timeout)
        .heartbeat_interval(election_timeout / 5)
        .lost_store(lost_store)
        .configure(|config| config.reads = reads)
        .settings(Settings { snapshots: every, ..Settings::default() })
        .state_machine(Store::default())
        .start()
        .await
        .map_err(with_options)?;
    let http = (1..).map(PeerId::new).zip(http).collect();
    let served = arguments.admin.map(|socket| raft::admin::serve(&raft, socket));
    let _served = served.transpose().map_err(|error| format!("--admin: {error}"))?;
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
