//! The options of commands on stored campaigns.

use std::path::PathBuf;

use clap::Args;

use super::{ExportArgs, StoreArgs};
use crate::seed::Seed;

/// The options of `dstest replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Which campaign (the newest without one) and which run (its first failure without one)
    #[arg(value_name = "RUN | TEST#ITER", num_args = 0..=2)]
    pub which: Vec<String>,

    /// Run TEST with this seed instead of a stored run's: TEST --seed SEED
    #[arg(long, value_name = "SEED")]
    pub seed: Option<Seed>,

    /// VERBOSE for the run: 1 by default, repeat for 2 and 3
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Run the test with the run's seed and the N - 1 seeds after it, as a campaign of its own
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "print"], value_parser = clap::value_parser!(u32).range(1..))]
    pub neighbours: Option<u32>,

    /// Print the shell command instead of running it
    #[arg(long)]
    pub print: bool,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The options of `dstest browse`.
#[derive(Debug, Args)]
pub struct BrowseArgs {
    /// Which campaign: its folder, its id or a unique beginning of it [default: the newest]
    pub run: Option<String>,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The options of `dstest show`.
#[derive(Debug, Args)]
pub struct ShowRunArgs {
    /// Which campaign (the newest without one) and which run (its first failure without one)
    #[arg(value_name = "RUN | TEST#ITER", num_args = 0..=2)]
    pub which: Vec<String>,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The options of `dstest report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Which campaign: its folder, its id or a unique beginning of it [default: the newest]
    pub run: Option<String>,

    /// What is shown and written
    #[command(flatten)]
    pub show: StoredShowArgs,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The options of `dstest merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The campaigns: their folders, ids, or stores (each meaning its newest campaign)
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<String>,

    /// What is shown and written
    #[command(flatten)]
    pub show: StoredShowArgs,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// What is shown of a stored campaign, and written.
#[derive(Debug, Args)]
pub struct StoredShowArgs {
    /// Add columns for percentiles, processor time and memory
    #[arg(short, long)]
    pub timing: bool,

    /// Add columns for the messages, bytes and commands that lab tests report
    #[arg(long)]
    pub metrics: bool,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,
}

/// The options of `dstest resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Which campaign: its folder, its id or a unique beginning of it [default: the newest]
    pub run: Option<String>,

    /// Run each test N times in all [default: as often as the campaign was to]
    #[arg(short = 'n', long = "iter", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,

    /// Run up to N processes at once [default: as the campaign did]
    #[arg(short = 'p', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub workers: Option<u32>,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The options of `dstest compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The campaign to compare with
    pub old: String,

    /// The campaign that may differ [default: the newest]
    pub new: Option<String>,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The options of `dstest prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Keep the N newest campaigns
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub keep: usize,

    /// Where results are stored
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Which store, for commands on stored campaigns.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// The project [default: the current folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Where results are stored
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The end of `dstest merge --help`.
pub(super) const MERGE_EXAMPLES: &str = "\
Examples:
  dstest --shard 1/2 --seed 7 -o a    on one machine
  dstest --shard 2/2 --seed 7 -o b    on another
  dstest merge a b                    the whole, as a campaign of its own in the store here

A run that is in several of them counts once. Tests that different programs ran are refused.";

/// The end of `dstest browse --help`.
pub(super) const BROWSE_EXAMPLES: &str = "\
Examples:
  dstest browse            the newest campaign, also while it runs
  dstest browse 4f2a       another one
  dstest browse -o DIR     one of another store

Enter goes in, Esc goes back, ? shows all keys. A log opens where its run failed: W leaves only the
lines that led to the selected one, < goes back to its cause, D opens a run that passed beside it.";

/// The end of `dstest show --help`.
pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  dstest show                       the first failure of the newest campaign
  dstest show backup_2b#17          a run of the newest campaign
  dstest show 4f2a backup_2b#17     a run of the campaign 4f2a";

/// The end of `dstest replay --help`.
pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  dstest replay                          the first failure of the newest campaign
  dstest replay backup_2b#17             a run of the newest campaign
  dstest replay 4f2a backup_2b#17 -vv    a run of the campaign 4f2a, with VERBOSE=2
  dstest replay backup_2b --seed 42      a seed of your own
  dstest replay backup_2b#17 --neighbours 200    its seed and the 199 after it

It runs the very program the campaign ran. Exit codes: 0 it went the same way (or, with --seed, it
passed), 3 it did not, 1 it failed (with --seed).";
