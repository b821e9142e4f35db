//! Creates the certificates of a cluster's peers.
//!
//! ```sh
//! cargo run --example make_certificates -- certificates 1 2 3
//! ```
//!
//! writes `ca.pem`, `ca.key`, and for each peer `peer-1.pem` and `peer-1.key` into the directory
//! `certificates`. An existing CA is kept, so that peers can be added or get new certificates. They
//! do not expire. A peer needs `ca.pem` and its own two files; `ca.key` stays with the operator of
//! the cluster.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]

use std::path::Path;
use std::process::ExitCode;

use raft::transport::tcp::certificates::Authority;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result {
    let Some((directory, names)) = arguments.split_first().filter(|(_, names)| !names.is_empty())
    else {
        return Err("usage: make_certificates DIRECTORY PEER...   (peers are numbers)".into());
    };
    let peers = names.iter().map(|name| {
        name.parse().map_err(|_| format!("invalid peer `{name}`: peers are numbers, such as 1 2 3"))
    });
    let peers: Vec<u64> = peers.collect::<std::result::Result<_, _>>()?;
    let authority = Authority::open_or_create(Path::new(directory))?;
    for peer in peers {
        authority.certify(peer)?;
        println!("{directory}/peer-{peer}.pem  {directory}/peer-{peer}.key");
    }
    println!("{directory}/ca.pem goes to every peer; keep {directory}/ca.key secret");
    Ok(())
}
