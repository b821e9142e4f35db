//! The options of commands on stored campaigns.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::results::{ColumnArgs, ExportArgs, ExportFormat, StoreArgs};
use super::values::{Words, parse_size, parse_words};
use crate::seed::Seed;
use crate::text::duration;

/// The options of `dstest replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A campaign [default: the newest] and a run of it [default: its first failure]
    #[arg(value_name = "CAMPAIGN | TEST#ITER", num_args = 0..=2)]
    pub target: Vec<String>,

    /// Run TEST with this seed instead of a stored run's: TEST --seed SEED
    #[arg(long, value_name = "SEED")]
    pub seed: Option<Seed>,

    /// Run it by this command instead of the campaign's --wrap ('rr record -o {run_dir}/rr'; '': none)
    #[arg(long, value_name = "COMMAND", value_parser = parse_words)]
    pub wrap: Option<Words>,

    /// Set VERBOSE for the run; repeat for 2 and 3 [default: 1]
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Run the test with the run's seed and the N - 1 seeds after it, as a new campaign
    #[arg(long, alias = "neighbours", value_name = "N", conflicts_with_all = ["seed", "print"], value_parser = clap::value_parser!(u32).range(1..))]
    pub seeds: Option<u32>,

    /// Print the shell command instead of running it
    #[arg(long)]
    pub print: bool,

    /// Run programs that a store of another user names
    #[arg(long)]
    pub trust: bool,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest shrink`.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// A campaign [default: the newest] and a run of it [default: its first failure]
    #[arg(value_name = "CAMPAIGN | TEST#ITER", num_args = 0..=2)]
    pub target: Vec<String>,

    /// Write the case to FILE [default: in the campaign's directory]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,

    /// Run programs that a store of another user names
    #[arg(long)]
    pub trust: bool,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest browse`.
#[derive(Debug, Args)]
pub struct BrowseArgs {
    /// The campaign: its directory, its id or a unique beginning of it [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: Option<String>,

    /// Run programs that a store of another user names
    #[arg(long)]
    pub trust: bool,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest show`.
#[derive(Debug, Args)]
pub struct ShowRunArgs {
    /// A campaign [default: the newest] and a run of it [default: its first failure]
    #[arg(value_name = "CAMPAIGN | TEST#ITER", num_args = 0..=2)]
    pub target: Vec<String>,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The campaign: its directory, its id or a unique beginning of it [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: Option<String>,

    /// Write the results in FORMAT to standard output or, if that is a terminal, to the file dstest-ID.FORMAT here
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub export: Option<ExportFormat>,

    /// The report and the exports
    #[command(flatten)]
    pub show: StoredShowArgs,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The campaigns: directories, ids, or stores (of which the newest campaign is meant)
    #[arg(required = true, num_args = 1.., value_name = "CAMPAIGN")]
    pub campaigns: Vec<String>,

    /// Accept missing, double, unfinished and foreign shards
    #[arg(long)]
    pub partial: bool,

    /// Accept tests that were run by different programs, and name them: two builds of one commit
    #[arg(long)]
    pub allow_different_builds: bool,

    /// The report and the exports
    #[command(flatten)]
    pub show: StoredShowArgs,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The report of a stored campaign, and its exports.
#[derive(Debug, Args)]
pub struct StoredShowArgs {
    /// Optional columns of the table
    #[command(flatten)]
    pub columns: ColumnArgs,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,
}

/// The options of `dstest resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The campaign: its directory, its id or a unique beginning of it [default: the newest]
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: Option<String>,

    /// Run each test N times in all [default: as planned for the campaign]
    #[arg(short = 'n', long = "iter", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,

    /// Go on if the command, or a script among its arguments, was edited
    #[arg(long)]
    pub allow_edits: bool,

    /// Run up to N processes at once [default: as in the campaign]
    #[arg(short = 'p', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub workers: Option<u32>,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,

    /// Run programs that a store of another user names
    #[arg(long)]
    pub trust: bool,

    /// The store
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

    /// Exit with 1 if a test fails more often or takes longer
    #[arg(long)]
    pub fail_on_worse: bool,

    /// Write the comparison as JSON to FILE (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,

    /// Write the comparison as Markdown to FILE (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Option<PathBuf>,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Tests by name or pattern: of one test every campaign is shown [default: all tests, a line for each]
    #[arg(value_name = "TEST")]
    pub tests: Vec<String>,

    /// Write the history as JSON to FILE (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,

    /// Write the table as Markdown to FILE (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Option<PathBuf>,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The options of `dstest prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Keep at most the N newest campaigns
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub keep: usize,

    /// Keep only campaigns younger than this (30d, 12h)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30d")]
    pub max_age: Duration,

    /// Keep only the newest campaigns up to this size together (1G, 500M)
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "1G")]
    pub max_size: u64,

    /// Only list what would be removed
    #[arg(long)]
    pub dry_run: bool,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}

/// The store of commands on stored campaigns.
#[derive(Debug, Args)]
pub struct LocationArgs {
    /// The project's directory [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// The store
    #[command(flatten)]
    pub store: StoreArgs,
}
