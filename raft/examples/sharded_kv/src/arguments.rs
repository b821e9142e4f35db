//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use services::controller::GroupId;

use crate::demo::Demo;

/// A sharded key-value store over HTTP: groups of servers, and a controller that moves shards between them
#[derive(Debug, Parser)]
#[command(name = "sharded-kv", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  sharded-kv demo target/sharded                     a controller and three groups, 12 processes
  curl -X PUT localhost:8100/groups/100 -d 127.0.0.1:8110,127.0.0.1:8111,127.0.0.1:8112 -L
  curl -X PUT localhost:8110/keys/color -d blue -L
  sharded-kv controller 1 data/c1 127.0.0.1:9100/127.0.0.1:8100
  sharded-kv group 100 1 data/g1 --controllers 127.0.0.1:8100 127.0.0.1:9110/127.0.0.1:8110";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server of the controller
    Controller(Place),
    /// Run a server of a group
    Group {
        /// The group's number
        group: GroupId,
        /// HTTP addresses of the controller's servers
        #[arg(long, value_delimiter = ',', required = true, value_name = "ADDRESS,…")]
        controllers: Vec<LocalAddress>,
        #[command(flatten)]
        place: Place,
    },
    /// Run a controller and some groups, each of three servers, and start again those that end
    Demo(Demo),
}

/// A server's place among those of its group.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Position of this server among the PEERs, from 1
    pub(crate) id: u64,
    /// Data directory; created if missing
    pub(crate) directory: PathBuf,
    /// RAFT_ADDRESS/HTTP_ADDRESS of each server, such as 127.0.0.1:9110/127.0.0.1:8110
    #[arg(required = true, value_name = "PEER")]
    pub(crate) peers: Vec<Addresses>,
    /// Minimum election timeout in milliseconds; the maximum is twice as long
    #[arg(long, default_value_t = 500, value_name = "MS")]
    pub(crate) election_timeout: u64,
    /// Entries between snapshots
    #[arg(long, default_value_t = 100_000, value_name = "ENTRIES")]
    pub(crate) snapshot_after: u64,
}

/// Addresses of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) raft: LocalAddress,
    pub(crate) http: LocalAddress,
}

/// An address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalAddress(pub(crate) SocketAddr);

impl FromStr for Addresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (raft, http) = text.split_once('/').ok_or("not RAFT_ADDRESS/HTTP_ADDRESS")?;
        Ok(Self { raft: raft.parse()?, http: http.parse()? })
    }
}

impl FromStr for LocalAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address: SocketAddr = text
            .parse()
            .map_err(|_| format!("`{text}` is not an address such as 127.0.0.1:8100"))?;
        let is_local = address.ip().is_loopback();
        is_local.then_some(Self(address)).ok_or_else(|| {
            format!("{address} is not a loopback address: this service is for one machine")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        let parse = |args: &str| {
            let words = ["sharded-kv"].into_iter().chain(args.split(' '));
            Arguments::try_parse_from(words).map_err(|error| error.to_string())
        };
        let group =
            "group 100 1 data --controllers 127.0.0.1:1,127.0.0.1:2 127.0.0.1:3/127.0.0.1:4";
        let Ok(Arguments { command: Command::Group { group: 100, controllers, place } }) =
            parse(group)
        else {
            panic!("{group}");
        };
        assert_eq!((controllers.len(), place.peers.len(), place.election_timeout), (2, 1, 500));
        for (args, part) in [
            ("controller 1 data 0.0.0.0:1/127.0.0.1:4", "0.0.0.0:1 is not a loopback address"),
            ("controller 1 data 127.0.0.1:4", "not RAFT_ADDRESS/HTTP_ADDRESS"),
            ("controller 1 data here/there", "`here` is not an address such as"),
            ("controller 1 data", "<PEER>"),
            ("group 100 1 data 127.0.0.1:3/127.0.0.1:4", "--controllers"),
        ] {
            let error = parse(args).expect_err(args);
            assert!(error.contains(part), "{args}: {error}");
        }
    }
}
