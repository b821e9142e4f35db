//! The options of `dstest bisect`.

use std::path::PathBuf;

use clap::Args;

use super::stored::LocationArgs;
use super::values::parse_rates;
use crate::bisect::Rates;

/// The options of `dstest bisect`.
#[derive(Debug, Args)]
pub struct BisectArgs {
    /// A commit that does not fail, or more rarely, and one that does [default: go on with the last search]
    #[arg(value_name = "GOOD..BAD", conflicts_with_all = ["decide", "abort"])]
    pub range: Option<String>,

    /// The campaign to run at each commit: `dstest` with patterns and options, or with a command after `--`
    #[arg(last = true, value_name = "dstest ...")]
    pub command: Vec<String>,

    /// Let the result be wrong with this probability at most
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.01)]
    pub error: f64,

    /// Count only failures whose reason matches REGEX [default: the most frequent kind at BAD]
    #[arg(long, value_name = "REGEX")]
    pub failure: Option<String>,

    /// Follow only the first parents of merges
    #[arg(long)]
    pub first_parent: bool,

    /// Skip a commit that is not decided after N runs
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_runs: u64,

    /// Decide about what is checked out, for `git bisect run`, by the failure rates of good and bad commits
    /// (0.1%..3%, 0/300..10/330; 3%: good ones fail a tenth as often)
    #[arg(long, value_name = "RATES", value_parser = parse_rates, conflicts_with_all = ["abort", "first_parent"])]
    pub decide: Option<Rates>,

    /// Drop an interrupted search, and remove its worktree
    #[arg(long, conflicts_with = "command")]
    pub abort: bool,

    /// Write the search and all of its steps as JSON to FILE (`-`: standard output)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["decide", "abort"])]
    pub export_json: Option<PathBuf>,

    /// The store
    #[command(flatten)]
    pub location: LocationArgs,
}
