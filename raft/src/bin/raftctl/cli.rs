//! The command line. Doc comments here are the help text.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use raft::storage::StoreKind;

/// Look into the data directories of stopped peers, repair and restore clusters, operate running peers.
///
/// A DIRECTORY is that of a stopped peer (`data_dir` of its service): one that a process uses is
/// refused. Only commands that say so change it. A SOCKET is the Unix socket that a running peer serves
/// (`raft::admin::serve`, `--admin` of the example kv_service); on another machine: `ssh HOST raftctl`.
#[derive(Debug, Parser)]
#[command(
    name = "raftctl",
    bin_name = "raftctl",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
#[command(after_help = "Examples:
  raftctl inspect data/1                 members, terms, log and damage of a stopped peer
  raftctl status data/1.sock             what a running peer knows of its cluster
  raftctl backup data/1.sock mon.backup  a backup, while the service works
  raftctl COMMAND --help                 examples of each command

Exit codes: 0 done, 1 failed or damaged or not done, 2 wrong usage.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print JSON: one value, or one line for each entry of a log; errors as {"error": "…"}
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what data directories of stopped peers hold, and check all of it
    #[command(after_help = "Examples:
  raftctl inspect data/1 data/2 data/3
  raftctl inspect --json data/1 | jq .[0].log.last")]
    Inspect {
        /// Data directories
        #[arg(value_name = "DIRECTORY", required = true)]
        directories: Vec<PathBuf>,
    },
    /// Print the log of a stopped peer, an entry a line
    #[command(after_help = "Examples:
  raftctl log data/1 --from 1000
  raftctl log data/1 --from 42 --to 42 --data
  raftctl log data/1 --json | jq 'select(.kind == \"membership\")'")]
    Log {
        /// Data directory
        directory: PathBuf,
        /// The first index to print
        #[arg(long, value_name = "INDEX", default_value_t = 0)]
        from: u64,
        /// The last index to print
        #[arg(long, value_name = "INDEX", default_value_t = u64::MAX, hide_default_value = true)]
        to: u64,
        /// Print the bytes of commands, too
        #[arg(long)]
        data: bool,
    },
    /// Check every byte of data directories or backups
    #[command(after_help = "Examples:
  raftctl verify data/1
  raftctl verify backups/*.backup")]
    Verify {
        /// Data directories and backups
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Make a backup of a running peer's state, while it works
    ///
    /// FILE gets its name once the backup is whole, checked and durable.
    #[command(after_help = "Examples:
  raftctl backup data/1.sock monday.backup
  raftctl backup data/1.sock monday.backup --local   without a leader; may be old")]
    Backup {
        /// The peer's socket; any peer will do
        socket: PathBuf,
        /// The new file
        file: PathBuf,
        /// Take the peer's own state, however old, instead of the newest one
        #[arg(long)]
        local: bool,
    },
    /// Make the data directory of a new cluster of one peer from a backup
    ///
    /// The new cluster has an id of its own: peers of other clusters, also of the one that was backed up,
    /// and its peer refuse each other. Start the peer with `peers` that name it alone, then add others,
    /// with empty directories, as members.
    #[command(after_help = "Examples:
  raftctl restore monday.backup --peer 1 --to data/1
  raftctl restore monday.backup --peer 1 --to data/1 --address 10.0.0.1:7000 --store redb")]
    Restore {
        /// The backup
        backup: PathBuf,
        /// The id of the new cluster's first peer
        #[arg(long, value_name = "ID")]
        peer: u64,
        #[command(flatten)]
        target: TargetArgs,
        /// The kind of store
        #[arg(long, value_enum, default_value_t = StoreArg::Disk)]
        store: StoreArg,
    },
    /// Make a new cluster of one peer from a stopped peer's directory, when the quorum is lost for ever
    ///
    /// What this peer lacks is lost; what was never committed may come true. Without --yes it says what is
    /// known, and makes nothing. DIRECTORY is not changed. Of several directories take the one whose last
    /// entry is of the latest term, and among those the one with the highest index (`raftctl inspect`).
    /// Never start the others again but with empty directories.
    #[command(after_help = "Examples:
  raftctl recover data/1 --to data/1-recovered         what may be lost
  raftctl recover data/1 --to data/1-recovered --yes   do it")]
    Recover {
        /// Data directory of the peer that is left
        directory: PathBuf,
        #[command(flatten)]
        target: TargetArgs,
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Exclude a command from the state machine of a stopped peer. Changes DIRECTORY
    ///
    /// For a command that stops its peer at every start. Do it on every peer, or their states differ for
    /// ever. Without --yes it shows the entry, and changes nothing.
    #[command(after_help = "Example, for each peer:
  raftctl skip data/1 42 --yes")]
    Skip {
        /// Data directory
        directory: PathBuf,
        /// Index of the command, as in the reason of the peer's end
        index: u64,
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Show or reset the term of a stopped peer. Changes DIRECTORY if a TERM is given
    ///
    /// For a cluster without a usable term, and for peers that refuse each other's. Stop all peers, and
    /// reset all of them to the same term, which is after the last entry of each; otherwise writes may be
    /// lost.
    #[command(after_help = "Examples:
  raftctl reset-term data/1
  for peer in 1 2 3; do raftctl reset-term data/$peer 100 --yes; done")]
    ResetTerm {
        /// Data directory
        directory: PathBuf,
        /// The term from the next start on
        term: Option<u64>,
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Show what running peers know of themselves and their cluster
    #[command(after_help = "Examples:
  raftctl status data/1.sock
  raftctl status --json data/*.sock | jq '.[].role'")]
    Status {
        /// Sockets of peers
        #[arg(value_name = "SOCKET", required = true)]
        sockets: Vec<PathBuf>,
    },
    /// Add a peer as a learner: it is sent all entries, and has no vote
    ///
    /// Start the peer itself to join (`Builder::join`, `--join` of the example), before or after.
    #[command(after_help = "Example:
  raftctl add-learner data/1.sock 4 10.0.0.4:7000")]
    AddLearner {
        #[command(flatten)]
        leader: LeaderArgs,
        /// The peer's id
        peer: u64,
        /// Its address for the other peers
        address: Option<String>,
    },
    /// Make a learner a voter, once it has caught up
    #[command(after_help = "Example:
  raftctl promote data/1.sock 4 --deadline 600")]
    Promote {
        #[command(flatten)]
        leader: LeaderArgs,
        /// The learner
        peer: u64,
    },
    /// Remove a member
    #[command(after_help = "Example:
  raftctl remove data/1.sock 3")]
    Remove {
        #[command(flatten)]
        leader: LeaderArgs,
        /// The member
        peer: u64,
    },
    /// Put a new peer in the place of a voter: it catches up first
    #[command(after_help = "Example, peer 4 for the dead peer 3:
  raftctl replace data/1.sock 3 4 10.0.0.4:7000 --deadline 600")]
    Replace {
        #[command(flatten)]
        leader: LeaderArgs,
        /// The voter that leaves
        old: u64,
        /// The new peer's id
        new: u64,
        /// Its address for the other peers
        address: Option<String>,
    },
    /// Change the address of a member
    #[command(after_help = "Example, before peer 3 is started at its new place:
  raftctl update-address data/1.sock 3 10.0.0.9:7000")]
    UpdateAddress {
        #[command(flatten)]
        leader: LeaderArgs,
        /// The member
        peer: u64,
        /// Its new address
        address: String,
    },
    /// Transfer leadership to a voter
    #[command(after_help = "Example:
  raftctl transfer data/1.sock 2")]
    Transfer {
        /// The leader's socket
        socket: PathBuf,
        /// The voter
        peer: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The new data directory: not there yet, or empty
    #[arg(long = "to", value_name = "NEW")]
    pub(crate) path: PathBuf,
    /// The peer's address for others, unless its service states it at each start
    #[arg(long)]
    pub(crate) address: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ConsentArgs {
    /// Do it; without this, only say what would be done
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LeaderArgs {
    /// The leader's socket
    pub(crate) socket: PathBuf,
    /// Seconds to wait for what passes by itself, such as a learner that catches up
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    deadline: u32,
}

impl LeaderArgs {
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline.into())
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StoreArg {
    /// Log files (`DiskStorage`)
    Disk,
    /// A redb database (`RedbStorage`)
    Redb,
}

impl StoreArg {
    pub(crate) const fn kind(self) -> StoreKind {
        match self {
            Self::Disk => StoreKind::Log,
            Self::Redb => StoreKind::Redb,
        }
    }
}
