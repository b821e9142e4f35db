//! A sharded key-value store over HTTP: groups of processes, each with some of the ten shards, and a
//! controller that says which. State machines, request handlers and the work of moving shards are those
//! of the package `services`, which the simulated world tests; here are processes and HTTP alone.
//!
//! ```text
//! any server of a group                          any server of the controller
//! GET  /keys/KEY   the value                     GET    /               a page with the shard map
//! PUT  /keys/KEY   sets it to the body           GET    /map            the same as JSON
//! POST /keys/KEY   appends the body              GET    /configuration  the newest assignment
//! GET  /status     its shards and its role       PUT    /groups/GID     a group joins; its servers
//!                                                DELETE /groups/GID     it leaves
//!                                                PUT    /shards/SHARD   moves one; the group's number
//! ```
//!
//! A server answers a request that another one must answer with 307 and its address. One for a shard
//! that is on its way to this group waits a moment. After 503 nothing was done, after 504 it may have been
//! or may be later. To write exactly once, a client adds `?client=NUMBER&serial=NUMBER`, its own number and
//! one that rises with each write, and retries with the same numbers until there is an answer.
//!
//! Processes call each other by `POST /call`. HTTP is not encrypted and asks no one for a name: all
//! addresses must be of this machine.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it is a program for a terminal")]

mod answers;
mod arguments;
mod calls;
mod controller;
mod demo;
mod group;
mod map;
mod peer;
mod sessions;
mod state;
mod work;

use std::error::Error;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use self::arguments::{Arguments, Command};

/// Runs the program with the arguments of the process.
#[tokio::main]
pub async fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let ended: Result<(), Box<dyn Error>> = match command {
        Command::Controller(place) => controller::run(place).await,
        Command::Group { group, controllers, place } => group::run(group, controllers, place).await,
        Command::Demo(demo) => demo.run().await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sharded-kv: {error}");
            ExitCode::FAILURE
        }
    }
}
