//! The plan: the command line and the configuration, put together and checked, without any I/O.
//!
//! `Cli` and `Config` → [`Plan`]. Everything after this module can rely on what it says.

mod build;
mod select;

use std::num::NonZeroU32;
use std::time::Duration;

use regex::{Regex, bytes};
use thiserror::Error;

use self::select::{compile_bytes, compile_one};
use crate::cli::{BudgetArgs, ColumnArgs, ProcessArgs, RunArgs};
use crate::config::{Config, TestConfig};
use crate::run::Shard;
use crate::seed::Seed;

pub use build::{BuildPlan, Race};
pub use select::{Ignored, Selection};

/// What a campaign is to do.
#[derive(Debug)]
pub struct Plan {
    /// Which tests.
    pub selection: Selection,
    /// What to build.
    pub build: BuildPlan,
    /// When to stop.
    pub budget: Budget,
    /// In which order.
    pub order: Order,
    /// How many processes at once.
    pub workers: NonZeroU32,
    /// The campaign's seed.
    pub seed: Seed,
    /// How each run is started and ended.
    pub process: ProcessPlan,
    /// Which logs are kept.
    pub keep: Keep,
    /// What the table shows.
    pub columns: Columns,
    /// Which share of the iterations.
    pub shard: Shard,
}

/// When a campaign stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How often each test runs.
    pub rounds: Rounds,
    /// No run starts after this time.
    pub duration: Option<Duration>,
    /// No run starts after this many failures.
    pub max_fail: Option<NonZeroU32>,
}

/// How often each test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// So many times.
    Fixed(NonZeroU32),
    /// Until something else stops the campaign.
    Endless,
    /// In rounds of `first`, `first × growth`, … iterations, until something else stops it.
    Growing {
        /// Iterations of the first round.
        first: NonZeroU32,
        /// Factor from one round to the next.
        growth: NonZeroU32,
    },
}

/// In which order runs are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Every test once, then every test again; within a round the slowest first.
    Interleaved,
    /// Every iteration of one test, then the next test.
    Sequential,
}

/// How each run is started and ended.
#[derive(Debug, Clone)]
pub struct ProcessPlan {
    /// `VERBOSE` for each run; `None` leaves the environment's own.
    pub verbose: Option<u8>,
    /// A run is asked to end after this time.
    pub timeout: Duration,
    /// Exceptions to the timeout; the first match counts.
    pub timeouts: Vec<(Regex, Duration)>,
    /// A run that was asked to end is killed after this time.
    pub grace: Duration,
    /// A run that printed more bytes is killed.
    pub max_output: u64,
    /// Variables set for every run.
    pub env: Vec<(String, String)>,
    /// A further variable that carries the seed.
    pub seed_env: Option<String>,
    /// Output that means failure whatever the exit code.
    pub fail_regex: Option<bytes::Regex>,
}

/// Which logs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those of runs that did not pass.
    Failures,
    /// All.
    Everything,
}

/// What the table shows beyond name, counts and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// Percentiles, processor time, memory.
    pub timing: Timing,
    /// What lab tests report.
    pub metrics: Reported,
    /// How the times of each test spread.
    pub spread: Spread,
}

/// Whether the spread of times is shown under the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// It is not.
    #[default]
    Hidden,
    /// As a histogram for each test.
    Histogram,
}

/// Whether timing columns are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// Only the mean.
    #[default]
    Mean,
    /// Percentiles, processor time and memory too.
    Full,
}

/// Whether what lab tests report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reported {
    /// Only the cluster time.
    #[default]
    Time,
    /// Messages, bytes and commands too.
    Full,
}

/// Why a command line cannot be used; each message names the option to change.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A pattern is not a regular expression.
    #[error("{origin} `{pattern}` is not a regular expression: {reason}")]
    BadPattern {
        /// Where it was given.
        origin: &'static str,
        /// As typed.
        pattern: String,
        /// What the parser said, in one line.
        reason: String,
    },
    /// Tests were named and a command was given.
    #[error("PATTERN `{0}` has no meaning beside a COMMAND after `--`: leave one of them out")]
    PatternWithCommand(String),
    /// `--loop` with another kind of endless repetition.
    #[error("--loop and --until-fail both repeat without end: leave one of them out")]
    TwoLoops,
    /// `--until-fail` and `--max-fail` contradict each other.
    #[error("--until-fail={0} already says after how many failures to stop: leave out --max-fail")]
    TwoLimits(u32),
}

impl Plan {
    /// Puts the command line and the configuration together.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn resolve(args: &RunArgs, config: &Config, cores: NonZeroU32) -> Result<Self, PlanError> {
        if let (Some(pattern), false) = (args.patterns.first(), args.command.is_empty()) {
            return Err(PlanError::PatternWithCommand(pattern.clone()));
        }
        let configured = || config.run.workers.unwrap_or(cores);
        Ok(Self {
            selection: Selection::resolve(&args.patterns, &args.budget.skip, &args.target)?,
            build: BuildPlan::resolve(&args.target, config),
            budget: budget(&args.budget, config)?,
            order: if args.budget.sequential { Order::Sequential } else { Order::Interleaved },
            workers: args.budget.workers.and_then(NonZeroU32::new).unwrap_or_else(configured),
            seed: args.budget.seed.unwrap_or_else(Seed::fresh),
            process: process(&args.process, config)?,
            keep: if args.show.archive { Keep::Everything } else { Keep::Failures },
            columns: Columns::new(&args.show.columns),
            shard: args.budget.shard.unwrap_or(Shard::WHOLE),
        })
    }
}

fn budget(args: &BudgetArgs, config: &Config) -> Result<Budget, PlanError> {
    let given = args.iterations.and_then(NonZeroU32::new);
    let count = given.or(config.run.iterations).unwrap_or(ITERATIONS);
    let rounds = match (args.repeat, args.until_fail) {
        (true, Some(_)) => return Err(PlanError::TwoLoops),
        (true, None) => {
            let growth = NonZeroU32::new(args.growth).unwrap_or(NonZeroU32::MIN);
            Rounds::Growing { first: count, growth }
        }
        (false, Some(_)) => Rounds::Endless,
        (false, None) if args.duration.is_some() && given.is_none() => Rounds::Endless,
        (false, None) => Rounds::Fixed(count),
    };
    let max_fail = match (args.until_fail, args.max_fail, args.repeat) {
        (Some(k), Some(_), _) => return Err(PlanError::TwoLimits(k)),
        (Some(k), None, _) | (None, Some(k), _) => NonZeroU32::new(k),
        (None, None, true) => Some(NonZeroU32::MIN),
        (None, None, false) => None,
    };
    Ok(Budget { rounds, duration: args.duration, max_fail })
}

fn process(args: &ProcessArgs, config: &Config) -> Result<ProcessPlan, PlanError> {
    Ok(ProcessPlan {
        verbose: (args.verbose > 0).then_some(args.verbose),
        timeout: args.timeout.or(config.run.timeout).unwrap_or(TIMEOUT),
        timeouts: timeouts(&config.test)?,
        grace: args.grace.or(config.run.grace).unwrap_or(GRACE),
        max_output: args.max_output.unwrap_or(OUTPUT_BYTES_MAX),
        env: config.env.clone().into_iter().chain(args.env.clone()).collect(),
        seed_env: config.run.seed_env.clone(),
        fail_regex: args.fail_regex.as_deref().map(compile_bytes).transpose()?,
    })
}

fn timeouts(tests: &[TestConfig]) -> Result<Vec<(Regex, Duration)>, PlanError> {
    let mut timeouts = Vec::new();
    for test in tests {
        let pattern = compile_one("dstest.toml [[test]] match", &test.pattern)?;
        timeouts.extend(test.timeout.map(|timeout| (pattern, timeout)));
    }
    Ok(timeouts)
}

impl Columns {
    /// What `--timing`, `--metrics` and `--hist` ask for.
    #[must_use]
    pub const fn new(args: &ColumnArgs) -> Self {
        Self {
            spread: if args.hist { Spread::Histogram } else { Spread::Hidden },
            timing: if args.timing { Timing::Full } else { Timing::Mean },
            metrics: if args.metrics { Reported::Full } else { Reported::Time },
        }
    }
}

/// `-n` without a word from anybody.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(10).expect("10 is not zero");

/// `-T` without a word from anybody: the limit the labs set for one test.
const TIMEOUT: Duration = Duration::from_secs(120);

/// `--grace` without a word from anybody: enough to write a core dump or a last log line.
const GRACE: Duration = Duration::from_secs(2);

/// `--max-output` without a word from anybody: a fully verbose run of the longest lab fits.
const OUTPUT_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn plan(args: &[&str], config: &Config) -> Result<Plan, PlanError> {
        let cli = Cli::try_parse_from(std::iter::once(&"dstest").chain(args)).unwrap();
        Plan::resolve(&cli.run, config, NonZeroU32::new(2).unwrap())
    }

    #[track_caller]
    fn budget_of(args: &[&str]) -> Budget {
        plan(args, &Config::default()).unwrap().budget
    }

    fn n(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn when_a_campaign_stops() {
        let rows: [(&[&str], Rounds, Option<u32>); 7] = [
            (&[], Rounds::Fixed(n(10)), None),
            (&["-n", "3", "--max-fail", "2"], Rounds::Fixed(n(3)), Some(2)),
            (&["--for", "10m"], Rounds::Endless, None),
            (&["--for", "10m", "-n", "5"], Rounds::Fixed(n(5)), None),
            (&["--until-fail=4"], Rounds::Endless, Some(4)),
            (&["-l", "-n", "2", "-g", "3"], Rounds::Growing { first: n(2), growth: n(3) }, Some(1)),
            (&["-l", "--max-fail", "9"], Rounds::Growing { first: n(10), growth: n(10) }, Some(9)),
        ];
        for (args, rounds, max_fail) in rows {
            let budget = budget_of(args);
            assert_eq!(
                (budget.rounds, budget.max_fail.map(u32::from)),
                (rounds, max_fail),
                "{args:?}"
            );
        }
    }

    #[test]
    fn contradictions_name_the_option() {
        let rows: [(&[&str], &str); 5] = [
            (&["-l", "--until-fail"], "--loop"),
            (&["--until-fail", "--max-fail", "3"], "--max-fail"),
            (&["2B", "--", "./x"], "PATTERN `2B`"),
            (&["2B("], "PATTERN `2B(` is not a regular expression: unclosed group"),
            (&["--skip", "*"], "--skip `*`"),
        ];
        for (args, want) in rows {
            let message = plan(args, &Config::default()).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
    }

    #[test]
    fn options_win_over_the_configuration_and_that_over_defaults() {
        let config: Config = toml::from_str(
            "cargo.package = ['a']\ncargo.profile = 'sim'\nrun.iterations = 7\nrun.workers = 3",
        )
        .unwrap();
        let configured = plan(&[], &config).unwrap();
        assert_eq!(configured.build.packages, ["a"]);
        assert_eq!(configured.budget.rounds, Rounds::Fixed(n(7)));
        assert_eq!(configured.workers, n(3));
        let given = plan(&["-P", "b", "--profile", "dev", "-n", "1", "-p", "1"], &config).unwrap();
        assert_eq!(
            (given.build.packages, given.build.profile),
            (vec!["b".into()], Some("dev".into()))
        );
        assert_eq!((given.budget.rounds, given.workers), (Rounds::Fixed(n(1)), n(1)));
        let config: Config = toml::from_str("env.A = '1'\nenv.B = '1'").unwrap();
        let env = plan(&["--env", "B=2"], &config).unwrap().process.env;
        let last = |name| env.iter().rev().find(|(n, _)| n == name).map(|(_, value)| &**value);
        assert_eq!((last("A"), last("B")), (Some("1"), Some("2")));
        let release = plan(&["--release"], &config).unwrap();
        assert_eq!(release.build.profile.as_deref(), Some("release"));
    }
}
