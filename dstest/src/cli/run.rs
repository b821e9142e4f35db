//! The options of a campaign: repetition, limits and environment, build, results.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::results::{ShowArgs, StoreArgs};
use super::values::{
    ShardArg, Words, parse_shard, parse_size, parse_variable, parse_variable_name, parse_words,
};
use crate::seed::Seed;
use crate::text::duration;

/// The options of a campaign.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Tests whose name matches any PATTERN (a regular expression, case ignored) [default: all]
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// Run this command instead of tests; {seed}, {iter} and {test} are filled in
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,

    /// Repetition
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Limits and environment
    #[command(flatten)]
    pub process: ProcessArgs,

    /// Build
    #[command(flatten)]
    pub target: TargetArgs,

    /// Results
    #[command(flatten)]
    pub show: ShowArgs,

    /// Run the tests of an archive (`dstest archive`) instead of building any
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", help_heading = "Build")]
    pub archive: Option<OsString>,

    /// With --archive: unpack it into the store DIR, for several campaigns [default: their store]
    #[arg(long, value_name = "DIR", requires = "archive", help_heading = "Build")]
    pub extract_to: Option<PathBuf>,
}

/// Repetition: number of runs, limits of the campaign, order.
#[derive(Debug, Args)]
#[command(next_help_heading = "Repetition")]
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

    /// Repeat in growing rounds until a test fails
    #[arg(short = 'l', long = "loop")]
    pub repeat: bool,

    /// With --loop: the factor from one round to the next
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub growth: u32,

    /// Start no run after this time (90, 10m, 1h30m)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// Repeat until K runs have failed
    #[arg(long, value_name = "K", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub until_fail: Option<u32>,

    /// Repeat a test no more after K of its runs have failed; others go on
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fail_per_test: Option<u32>,

    /// Start no run after K failures
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fail: Option<u32>,

    /// Afterwards repeat a share of the passed runs, and compare their traces
    #[arg(long)]
    pub verify: bool,

    /// Run only the I-th of M shares of the iterations (2/4), with the same --seed in all; auto: as Slurm,
    /// Kubernetes, GitLab, GitHub, Buildkite or CircleCI numbers its jobs
    #[arg(long, value_name = "I/M|auto", value_parser = parse_shard)]
    pub shard: Option<ShardArg>,

    /// The campaign's seed, from which the seeds of runs are derived [default: random]
    #[arg(long, value_name = "SEED")]
    pub seed: Option<Seed>,

    /// Leave out tests whose name matches PATTERN (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub skip: Vec<String>,

    /// With a COMMAND: go on if it, or a script among its arguments, is edited meanwhile
    #[arg(long)]
    pub allow_edits: bool,
}

/// Limits and environment of each run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits and environment")]
pub struct ProcessArgs {
    /// Set VERBOSE=1 for every run; repeat for 2 and 3
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// End a run after this time [default: 120]
    #[arg(short = 'T', long, value_name = "SECS", value_parser = duration::parse)]
    pub timeout: Option<Duration>,

    /// Time between SIGTERM and SIGKILL when a run is ended [default: 2]
    #[arg(long, value_name = "SECS", value_parser = duration::parse)]
    pub grace: Option<Duration>,

    /// End a run that has printed more than this (64MiB, 500k) [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_output: Option<u64>,

    /// Set this variable for every run (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub env: Vec<(String, String)>,

    /// Hand the seed to runs in this variable too (MADSIM_TEST_SEED)
    #[arg(long, value_name = "NAME", value_parser = parse_variable_name)]
    pub seed_env: Option<String>,

    /// Pass this argument on to test programs, {seed} filled in (repeatable)
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub test_arg: Vec<String>,

    /// Run each run by this command; {run_dir} and {seed} are filled in ('rr record -o {run_dir}/rr')
    #[arg(long, value_name = "COMMAND", value_parser = parse_words)]
    pub wrap: Option<Words>,

    /// Run this shell command before the first run; NAME=VALUE lines in $DSTEST_ENV reach all runs
    #[arg(long, value_name = "COMMAND")]
    pub setup: Option<String>,

    /// Run this shell command after the last run, whatever its result
    #[arg(long, value_name = "COMMAND")]
    pub teardown: Option<String>,

    /// With a COMMAND: output that matches REGEX means failure, whatever the exit code
    #[arg(long, value_name = "REGEX")]
    pub fail_regex: Option<String>,

    /// Output that matches REGEX means that a run was skipped, unless it failed
    #[arg(long, value_name = "REGEX")]
    pub skip_regex: Option<String>,
}

/// Build of the tests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build")]
pub struct TargetArgs {
    /// Build only this package's tests (repeatable; for Go a path or pattern)
    #[arg(short = 'P', long, value_name = "PACKAGE")]
    pub package: Vec<String>,

    /// Build only this integration test (repeatable, as in cargo)
    #[arg(long, value_name = "NAME")]
    pub test: Vec<String>,

    /// Build only the unit tests of libraries; with --test, both
    #[arg(long)]
    pub lib: bool,

    /// Build with this cargo profile
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,

    /// Build with cargo's release profile (the same as --profile release)
    #[arg(long, conflicts_with = "profile")]
    pub release: bool,

    /// Build with these features (repeatable)
    #[arg(long, value_name = "FEATURES")]
    pub features: Vec<String>,

    /// Treat the directory as a Go package; =PACKAGE as for `go test`
    #[arg(long, value_name = "PACKAGE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub go: Vec<String>,

    /// Build with Go's race detector
    #[arg(short, long)]
    pub race: bool,

    /// Pass this argument on to cargo or go when building (repeatable)
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub build_arg: Vec<OsString>,

    /// Also run tests marked as ignored
    #[arg(long)]
    pub include_ignored: bool,

    /// Use the defaults of [preset.NAME] in dstest.toml
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,

    /// Use a dstest.toml that belongs to another user
    #[arg(long)]
    pub trust: bool,

    /// The project's directory [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// The options of `dstest ci`.
#[derive(Debug, Args)]
pub struct CiArgs {
    /// The campaign
    #[command(flatten)]
    pub run: RunArgs,

    /// Write the results into DIR, and the campaign into the store DIR/store (-o: into another one)
    #[arg(long, value_name = "DIR", default_value = "dstest-results", help_heading = "Results")]
    pub artifacts: PathBuf,
}

impl CiArgs {
    /// The campaign, with its results where the service collects them.
    pub(crate) fn into_run(self) -> RunArgs {
        let Self { mut run, artifacts } = self;
        run.show.store.output.get_or_insert_with(|| artifacts.join("store"));
        run.show.exports.export_ci.get_or_insert(artifacts);
        run
    }
}

/// The options of `dstest list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Tests whose name matches any PATTERN (a regular expression, case ignored) [default: all]
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// Leave out tests whose name matches PATTERN (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub skip: Vec<String>,

    /// Build
    #[command(flatten)]
    pub target: TargetArgs,

    /// The store
    #[command(flatten)]
    pub store: StoreArgs,
}
