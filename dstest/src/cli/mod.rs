//! The command line as typed. Doc comments here are the help text.
//!
//! Nothing is checked beyond the form of each value: relations between options, defaults and the
//! configuration file are the business of [`crate::plan`].

mod examples;
mod stored;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::stored::{
    BrowseArgs, CompareArgs, LocationArgs, MergeArgs, PruneArgs, ReplayArgs, ReportArgs,
    ResumeArgs, ShowRunArgs, ShrinkArgs, StoredShowArgs,
};
use self::values::{parse_shard, parse_size, parse_variable};

use crate::duration;
use crate::run::Shard;
use crate::seed::Seed;

/// Find rare failures: run tests in parallel, many times, each with its own seed.
#[derive(Debug, Parser)]
#[command(
    name = "dstest",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = examples::RUN,
    after_long_help = examples::RUN_LONG,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do instead of running tests.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Everything but the plain `dstest PATTERN...`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run tests (the same as without a command; for a pattern that is a command's name)
    #[command(after_help = examples::RUN, after_long_help = examples::RUN_LONG)]
    Run(Box<RunArgs>),
    /// List the tests that would run, without running them
    #[command(after_help = examples::LIST)]
    List(Box<ListArgs>),
    /// Look through a stored campaign: from its tests to the wrong step of one run
    #[command(after_help = examples::BROWSE)]
    Browse(BrowseArgs),
    /// Print what there is to say of one run: its report, or why it failed and how its log ends
    #[command(after_help = examples::SHOW)]
    Show(ShowRunArgs),
    /// Repeat one run with VERBOSE on, and say whether it went the same way
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Have a failing run made small: a case that a person can read, from tests that can
    #[command(after_help = examples::SHRINK)]
    Shrink(ShrinkArgs),
    /// Show a stored campaign's table again, and export it
    #[command(after_help = examples::REPORT)]
    Report(ReportArgs),
    /// Run what an interrupted campaign has left undone
    #[command(after_help = examples::RESUME)]
    Resume(ResumeArgs),
    /// Say whether failure rates or times differ between two campaigns
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Put several campaigns, or the shards of one, together into a new one
    #[command(after_help = examples::MERGE)]
    Merge(MergeArgs),
    /// Remove old campaigns from the store
    #[command(after_help = examples::PRUNE)]
    Prune(PruneArgs),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write all of them
    #[command(after_help = examples::MAN)]
    Man(ManArgs),
}

/// Files to write at the end.
#[derive(Debug, Default, Args)]
pub struct ExportArgs {
    /// Write the results as JSON to FILE
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,

    /// Write the results as JUnit XML to FILE
    #[arg(long, value_name = "FILE")]
    pub export_junit: Option<PathBuf>,

    /// Write the table as Markdown to FILE
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Option<PathBuf>,

    /// Write the table as CSV to FILE
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,
}

/// The options of a campaign.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Tests whose name matches any PATTERN (a regular expression, case ignored); all without one
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// Run this command instead; {seed}, {iter} and {test} are filled in
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,

    /// How often, how long
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// How each run is started and ended
    #[command(flatten)]
    pub process: ProcessArgs,

    /// What is built and where
    #[command(flatten)]
    pub target: TargetArgs,

    /// What is shown and kept
    #[command(flatten)]
    pub show: ShowArgs,
}

/// How often, how long, in which order.
#[derive(Debug, Args)]
#[command(next_help_heading = "How much")]
pub struct BudgetArgs {
    /// Run each test N times [default: 10]
    #[arg(short = 'n', long = "iter", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,

    /// Run up to N processes at once [default: the number of cores]
    #[arg(short = 'p', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub workers: Option<u32>,

    /// Run all iterations of one test before the next test
    #[arg(short, long)]
    pub sequential: bool,

    /// Repeat without end, in growing rounds, until a test fails
    #[arg(short = 'l', long = "loop")]
    pub repeat: bool,

    /// With --loop: each round is N times longer than the one before
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub growth: u32,

    /// Start no further run after this time (90, 10m, 1h30m)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// Repeat without end until K runs have failed
    #[arg(long, value_name = "K", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub until_fail: Option<u32>,

    /// Start no further run after K failures
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fail: Option<u32>,

    /// Afterwards run a share of the passed runs again, and compare their traces
    #[arg(long)]
    pub verify: bool,

    /// Run only the I-th of M shares of the iterations (2/4)
    #[arg(long, value_name = "I/M", value_parser = parse_shard)]
    pub shard: Option<Shard>,

    /// The campaign's seed, from which every run's own follows [default: a fresh one]
    #[arg(long, value_name = "SEED")]
    pub seed: Option<Seed>,

    /// Leave out tests whose name matches PATTERN (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub skip: Vec<String>,
}

/// How each run is started and ended.
#[derive(Debug, Args)]
#[command(next_help_heading = "Each run")]
pub struct ProcessArgs {
    /// Set VERBOSE=1 for every run; repeat for 2 and 3
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// End a run after this time [default: 120]
    #[arg(short = 'T', long, value_name = "SECS", value_parser = duration::parse)]
    pub timeout: Option<Duration>,

    /// Time between asking a run to end (SIGTERM) and ending it (SIGKILL) [default: 2]
    #[arg(long, value_name = "SECS", value_parser = duration::parse)]
    pub grace: Option<Duration>,

    /// End a run that has printed more than this (64MiB, 500k) [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_output: Option<u64>,

    /// Set this variable for every run (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub env: Vec<(String, String)>,

    /// With a COMMAND: a run whose output matches REGEX failed, whatever its exit code
    #[arg(long, value_name = "REGEX", requires = "command")]
    pub fail_regex: Option<String>,
}

/// What is built, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is built")]
pub struct TargetArgs {
    /// Build only this package's tests (repeatable; a path or pattern for Go)
    #[arg(short = 'P', long, value_name = "PACKAGE")]
    pub package: Vec<String>,

    /// Build with this cargo profile
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,

    /// Build with cargo's release profile (the same as --profile release)
    #[arg(long, conflicts_with = "profile")]
    pub release: bool,

    /// Build with these features (repeatable)
    #[arg(long, value_name = "FEATURES")]
    pub features: Vec<String>,

    /// Take the directory as a Go package, whatever else lies in it; =PACKAGE as `go` takes it
    #[arg(long, value_name = "PACKAGE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub go: Vec<String>,

    /// Build with Go's race detector
    #[arg(short, long)]
    pub race: bool,

    /// Pass this on to cargo or go when building (repeatable)
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub build_arg: Vec<OsString>,

    /// Also run tests that are marked as ignored
    #[arg(long)]
    pub include_ignored: bool,

    /// Take the defaults of [preset.NAME] in dstest.toml
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,

    /// The project [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// What the table shows beyond failures and times.
#[derive(Debug, Args)]
pub struct ColumnArgs {
    /// Add columns for percentiles, processor time and memory
    #[arg(short, long)]
    pub timing: bool,

    /// Add columns for the messages, bytes and commands that lab tests report
    #[arg(long)]
    pub metrics: bool,

    /// Show how the times of each test spread
    #[arg(long)]
    pub hist: bool,
}

/// What is shown and kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct ShowArgs {
    /// What the table shows beyond failures and times
    #[command(flatten)]
    pub columns: ColumnArgs,

    /// Keep the logs of passed runs too
    #[arg(short, long)]
    pub archive: bool,

    /// Where results are stored
    #[command(flatten)]
    pub store: StoreArgs,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,
}

/// Where results are stored, and colours: shared by every command.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Store results in DIR [default: .dstest beside the manifest or go.mod]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Colours and live progress
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The options of `dstest list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Tests whose name matches any PATTERN (a regular expression, case ignored); all without one
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// Leave out tests whose name matches PATTERN (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub skip: Vec<String>,

    /// What is built and where
    #[command(flatten)]
    pub target: TargetArgs,

    /// Where results are stored
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The options of `dstest man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Which command's page [default: that of dstest itself]
    pub command: Option<String>,

    /// Write the pages of dstest and all its commands into DIR
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        let mut cli = Cli::command();
        cli.build();
        for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
            let end = command.get_after_long_help().or(command.get_after_help());
            let end = end.map(ToString::to_string).unwrap_or_default();
            let lines = end.lines().filter_map(|line| line.strip_prefix("  dstest "));
            let mut count = 0;
            for line in lines.filter(|line| !line.contains(['\'', '~', '|', '$'])) {
                let words = line.split("   ").next().unwrap_or(line).split_whitespace();
                let typed = std::iter::once("dstest").chain(words);
                let parsed = Cli::try_parse_from(typed).map(drop).map_err(|e| e.to_string());
                assert_eq!(parsed, Ok(()), "{line}");
                count += 1;
            }
            let has_examples = end.starts_with("Examples:\n");
            assert!(has_examples && count + end.matches("~").count() > 0, "{}", command.get_name());
        }
    }

    #[test]
    fn a_pattern_may_come_before_and_after_options() {
        let cli =
            Cli::try_parse_from(["dstest", "2B", "-n", "50", "2C", "-p", "8", "-vv"]).unwrap();
        assert_eq!(cli.run.patterns, ["2B", "2C"]);
        assert_eq!((cli.run.budget.iterations, cli.run.budget.workers), (Some(50), Some(8)));
        assert_eq!(cli.run.process.verbose, 2);
    }

    #[test]
    fn until_fail_takes_a_number_only_with_an_equals_sign() {
        let k = |args: &[&str]| Cli::try_parse_from(args).unwrap().run.budget.until_fail;
        assert_eq!(k(&["dstest", "--until-fail", "2B"]), Some(1));
        assert_eq!(k(&["dstest", "--until-fail=3", "2B"]), Some(3));
    }
}
