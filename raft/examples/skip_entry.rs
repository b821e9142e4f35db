//! Excludes a command from the state machine of a stopped peer. For a command that panics at every
//! start; the peer's log names its index.
//!
//! ```text
//! skip_entry DIRECTORY PEER INDEX
//! ```

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it is a program for a terminal")]

use std::process::ExitCode;

use raft::storage::{DiskStorage, RedbStorage, StorageError};
use raft::{EntryId, Index, PeerId};

const USAGE: &str = "\
usage: skip_entry DIRECTORY PEER INDEX
  DIRECTORY  data directory of the stopped peer
  PEER       its id
  INDEX      index of the command, as in the reason of the peer's end
Do it on every peer of the cluster, or their states differ. Example: skip_entry data/1 1 42";

/// Excludes the command, in a directory of either store.
fn skip(directory: &str, peer: PeerId, index: Index) -> Result<EntryId, StorageError> {
    if std::path::Path::new(directory).join("raft.redb").exists() {
        RedbStorage::open(directory, peer)?.skip_entry(index)
    } else {
        DiskStorage::open(directory, peer)?.skip_entry(index)
    }
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [directory, peer, index] = &args[..] else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (Ok(peer), Ok(index)) = (peer.parse().map(PeerId::new), index.parse().map(Index::new))
    else {
        eprintln!(
            "skip_entry: PEER and INDEX must be numbers, not `{peer}` and `{index}`\n{USAGE}"
        );
        return ExitCode::from(2);
    };
    // Opening would create a store.
    if !std::path::Path::new(directory).join("IDENTITY").exists() {
        eprintln!("skip_entry: {directory} is not a data directory: it has no file IDENTITY");
        return ExitCode::from(2);
    }
    match skip(directory, peer, index) {
        Ok(id) => {
            println!("entry {id} is skipped by peer {peer} from its next start on");
            println!("do the same for every other peer, or their states differ");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("skip_entry: {error}");
            ExitCode::FAILURE
        }
    }
}
