//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use raft::storage::{DiskStorage, RedbStorage, Storage, StorageError};
use raft::{LostStore, PeerId, Reads};

pub(crate) const USAGE: &str = "\
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
  --reseed               when this peer leads, make a member that lost its data a learner, and a
                         voter once it has caught up [default: warn, and leave it without a vote]
  --join                 take the members from the cluster or the store, not from the PEERs: for a
                         peer that is added, and one that was recovered or restored
  --admin SOCKET         serve the program raftctl on this Unix socket
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
pub(crate) struct Arguments {
    pub(crate) id: u64,
    pub(crate) directory: String,
    pub(crate) peers: Vec<(String, String)>,
    pub(crate) election_timeout: Duration,
    pub(crate) reads: Reads,
    pub(crate) lost_store: LostStore,
    pub(crate) snapshot_after: u64,
    pub(crate) open: OpenStore,
    pub(crate) security: Security,
    pub(crate) audience: Audience,
    pub(crate) members: Members,
    pub(crate) admin: Option<PathBuf>,
}

/// The source of the members at the first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    /// The list of peers.
    Listed,
    /// The cluster that the peer joins, or its store.
    Joined,
}

/// Protection of messages between peers.
pub(crate) enum Security {
    /// None, on this machine only.
    Loopback,
    /// None, by explicit request.
    Plain,
    /// Mutual TLS with the certificates of this directory.
    Tls(PathBuf),
}

/// Clients that are answered.
#[derive(PartialEq, Eq)]
pub(crate) enum Audience {
    ThisMachine,
    Everyone,
}

/// Opens the store of a peer in a directory.
pub(crate) type OpenStore = fn(&str, PeerId) -> Result<Box<dyn Storage>, StorageError>;

fn open_store(name: &str) -> Option<OpenStore> {
    match name {
        "disk" => Some(|directory, id| Ok(Box::new(DiskStorage::open(directory, id)?))),
        "redb" => Some(|directory, id| Ok(Box::new(RedbStorage::open(directory, id)?))),
        _ => None,
    }
}

impl Arguments {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut election_timeout, mut snapshot_after, mut rest) = (500, 100_000, Vec::new());
        let (mut reads, mut store) = (Reads::ReadIndex, "disk".to_owned());
        let (mut security, mut audience) = (Security::Loopback, Audience::ThisMachine);
        let mut lost_store = LostStore::Report;
        let (mut members, mut admin) = (Members::Listed, None);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--election-timeout" => election_timeout = number(&arg, args.next())?,
                "--lease-drift" => {
                    let clock_drift_max = Duration::from_millis(number(&arg, args.next())?);
                    reads = Reads::Lease { clock_drift_max };
                }
                "--snapshot-after" => snapshot_after = number(&arg, args.next())?,
                "--store" => store = args.next().ok_or("--store needs a name")?,
                "--reseed" => lost_store = LostStore::Reseed,
                "--join" => members = Members::Joined,
                "--admin" => admin = Some(args.next().ok_or("--admin needs a path")?.into()),
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
            lost_store,
            snapshot_after,
            open,
            security,
            audience,
            members,
            admin,
        })
    }
}

fn number(name: &str, value: Option<String>) -> Result<u64, String> {
    let value = value.ok_or_else(|| format!("{name} is missing"))?;
    value.parse().map_err(|_| format!("{name} must be a number, not `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_their_mistakes_are_named() {
        let parse = |args: &[&str]| {
            let peer = "127.0.0.1:1/127.0.0.1:2";
            let args = args.iter().copied().chain(["1", "data", peer]).map(str::to_owned);
            Arguments::parse(args)
        };
        let tls = parse(&["--tls", "certificates"]).expect("a directory");
        assert!(matches!(tls.security, Security::Tls(_)) && tls.audience == Audience::ThisMachine);
        assert_eq!(tls.lost_store, LostStore::Report);
        let reseed = parse(&["--reseed"]).expect("no values");
        assert_eq!(reseed.lost_store, LostStore::Reseed);
        let joining = parse(&["--join", "--admin", "1.sock"]).expect("a path");
        assert_eq!(joining.members, Members::Joined);
        assert_eq!(joining.admin.as_deref(), Some(std::path::Path::new("1.sock")));
        let open = parse(&["--plain", "--public"]).expect("no values");
        assert!(matches!(open.security, Security::Plain) && open.audience == Audience::Everyone);
        assert_eq!(parse(&["--tsl", "x"]).err().as_deref(), Some("unknown option --tsl"));
    }
}
