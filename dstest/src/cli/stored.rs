//! The options of commands on stored campaigns.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::results::{ColumnArgs, ExportArgs, StoreArgs};
use super::values::parse_size;
use crate::seed::Seed;
use crate::text::duration;

/// The options of `dstest replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Which campaign (the newest without one) and which run (its first failure without one)
    #[arg(value_name = "CAMPAIGN | TEST#ITER", num_args = 0..=2)]
    pub target: Vec<String>,

    /// Run TEST with this seed instead of a stored run's: TEST --seed SEED
    #[arg(long, value_name = "SEED")]
    pub seed: Option<Seed>,

    /// VERBOSE for the run: 1 by default, repeat for 2 and 3
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Run the test with the run's seed and the N - 1 seeds after it, as a campaign of its own
    #[arg(long, alias = "neighbours", value_name = "N", conflicts_with_all = ["seed", "print"], value_parser = clap::value_parser!(u32).range(1..))]
    pub seeds: Option<u32>,

    /// Print the shell command instead of running it
    #[arg(long)]
    pub print: bool,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest shrink`.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// Which campaign (the newest without one) and which run (its first failure without one)
    #[arg(value_name = "CAMPAIGN | TEST#ITER", num_args = 0..=2)]
    pub target: Vec<String>,

    /// Write the case to FILE [default: into the campaign's directory]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest browse`.
#[derive(Debug, Args)]
pub struct BrowseArgs {
    /// Which campaign: its directory, its id or a unique beginning of it [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: Option<String>,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest show`.
#[derive(Debug, Args)]
pub struct ShowRunArgs {
    /// Which campaign (the newest without one) and which run (its first failure without one)
    #[arg(value_name = "CAMPAIGN | TEST#ITER", num_args = 0..=2)]
    pub target: Vec<String>,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Which campaign: its directory, its id or a unique beginning of it [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: Option<String>,

    /// What is shown and written
    #[command(flatten)]
    pub show: StoredShowArgs,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The campaigns: their directories, ids, or stores (each meaning its newest campaign)
    #[arg(required = true, num_args = 2.., value_name = "CAMPAIGN")]
    pub campaigns: Vec<String>,

    /// What is shown and written
    #[command(flatten)]
    pub show: StoredShowArgs,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// What is shown of a stored campaign, and written.
#[derive(Debug, Args)]
pub struct StoredShowArgs {
    /// What the table shows beyond failures and times
    #[command(flatten)]
    pub columns: ColumnArgs,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,
}

/// The options of `dstest resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Which campaign: its directory, its id or a unique beginning of it [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: Option<String>,

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
    pub location: LocationArgs,
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
    pub location: LocationArgs,
}

/// The options of `dstest prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Keep at most the N newest campaigns
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub keep: usize,

    /// Keep only campaigns that began within this time (30d, 12h)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30d")]
    pub max_age: Duration,

    /// Keep only the newest campaigns that take this much together (1G, 500M)
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "1G")]
    pub max_size: u64,

    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,

    /// Where results are stored
    #[command(flatten)]
    pub location: LocationArgs,
}

/// Which store, for commands on stored campaigns.
#[derive(Debug, Args)]
pub struct LocationArgs {
    /// The project [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Where results are stored
    #[command(flatten)]
    pub store: StoreArgs,
}
