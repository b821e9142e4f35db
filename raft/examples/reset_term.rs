//! Resets the term of a stopped peer. For a cluster in which no term is left for an election, and for
//! a peer whose term all others refuse.
//!
//! ```text
//! reset_term DIRECTORY PEER [TERM]
//! ```

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it is a program for a terminal")]

use std::process::ExitCode;

use raft::storage::{
    DiskStorage, RedbStorage, ResetTermError, Storage, StoredTerm, reset_term, stored_term,
};
use raft::{PeerId, Term};

const USAGE: &str = "\
usage: reset_term DIRECTORY PEER [TERM]
  DIRECTORY  data directory of the stopped peer
  PEER       its id
  TERM       its term from now on; without it, the term is shown
Stop all peers of the cluster. Show the term of each; then reset ALL of them to the same TERM, which is
after the last entry of each. Otherwise writes may be lost. Example:
  for peer in 1 2 3; do reset_term data/$peer $peer; done
  for peer in 1 2 3; do reset_term data/$peer $peer 100; done";

/// Shows or resets the term in a directory of either store.
fn run(directory: &str, peer: PeerId, to: Option<Term>) -> Result<StoredTerm, ResetTermError> {
    if std::path::Path::new(directory).join("raft.redb").exists() {
        run_on(&mut RedbStorage::open(directory, peer)?, to)
    } else {
        run_on(&mut DiskStorage::open(directory, peer)?, to)
    }
}

fn run_on(store: &mut impl Storage, to: Option<Term>) -> Result<StoredTerm, ResetTermError> {
    match to {
        None => Ok(stored_term(store)?),
        Some(to) => reset_term(store, to),
    }
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (directory, peer, to) = match &args[..] {
        [directory, peer] => (directory, peer, None),
        [directory, peer, to] => (directory, peer, Some(to)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let to = to.map(|to| to.parse().map(Term::new)).transpose();
    let (Ok(peer), Ok(to)) = (peer.parse().map(PeerId::new), to) else {
        eprintln!("reset_term: PEER and TERM must be numbers, not {:?}\n{USAGE}", &args[1..]);
        return ExitCode::from(2);
    };
    // Opening would create a store.
    if !std::path::Path::new(directory).join("IDENTITY").exists() {
        eprintln!("reset_term: {directory} is not a data directory: it has no file IDENTITY");
        return ExitCode::from(2);
    }
    match run(directory, peer, to) {
        Ok(StoredTerm { current_term, last }) => {
            println!(
                "peer {peer}: term {current_term}, last entry {} of term {}",
                last.index, last.term
            );
            if let Some(to) = to {
                println!("peer {peer}: term {to} from its next start on");
                println!("reset every other peer to {to} before any of them is started");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("reset_term: {error}");
            ExitCode::FAILURE
        }
    }
}
