//! The plan: the command line and the configuration, put together and checked, without any I/O.
//!
//! `Cli` and `Config` → [`Plan`], on which everything after this module relies.

mod budget;
mod build;
mod columns;
mod error;
mod process;
mod select;

use std::num::NonZeroU32;

pub use self::budget::{Budget, Order, Rounds};
pub use self::build::BuildPlan;
pub use self::columns::{Columns, Rows};
pub use self::error::PlanError;
pub use self::process::{ProcessPlan, TestRule};
pub use self::select::{patterns, selection};

use crate::cli::{RunArgs, ShardArg};
use crate::config::Config;
use crate::seed::Seed;
use crate::shard::Shard;
use crate::suite::Selection;

/// The plan of a campaign.
#[derive(Debug)]
pub struct Plan {
    /// The tests.
    pub selection: Selection,
    /// The build.
    pub build: BuildPlan,
    /// The end.
    pub budget: Budget,
    /// The order.
    pub order: Order,
    /// Processes at once.
    pub workers: NonZeroU32,
    /// The campaign's seed.
    pub seed: Seed,
    /// The start and the end of each run.
    pub process: ProcessPlan,
    /// The logs to keep.
    pub keep: Keep,
    /// The columns of the table.
    pub columns: Columns,
    /// The share of the iterations.
    pub shard: Shard,
    /// Facts that the surroundings have decided, to be said.
    pub notes: Vec<String>,
    /// The shell command before the first run.
    pub setup: Option<String>,
    /// The shell command after the last run.
    pub teardown: Option<String>,
}

/// The logs to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Logs of runs that did not pass.
    Failures,
    /// All logs.
    Everything,
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
        if args.process.fail_regex.is_some() && args.command.is_empty() && args.archive.is_none() {
            return Err(PlanError::FailRegexWithoutCommand);
        }
        if args.show.columns.by_pattern && args.patterns.is_empty() {
            return Err(PlanError::NoPatterns);
        }
        let (shard, engine) = match &args.budget.shard {
            None => (Shard::WHOLE, None),
            Some(ShardArg::Given(shard)) => (*shard, None),
            Some(ShardArg::OfEngine(found)) => {
                let found = found.clone().map_err(PlanError::NoEngine)?;
                (found.shard, Some(found))
            }
        };
        let given = args.budget.seed;
        let seed = given.or(engine.as_ref().and_then(|found| found.seed));
        let budget = Budget::resolve(&args.budget, config)?;
        match (budget.rounds, seed) {
            (_, None) if shard != Shard::WHOLE => return Err(PlanError::ShardWithoutSeed(shard)),
            (Rounds::Fixed(count), _) if shard.size(count.get()) == 0 => {
                return Err(PlanError::EmptyShard { shard, iterations: count.get() });
            }
            _ => {}
        }
        let configured = || config.run.workers.unwrap_or(cores);
        Ok(Self {
            selection: selection(&args.patterns, &args.budget.skip, &args.target)?,
            build: BuildPlan::resolve(&args.target, &args.patterns, config),
            budget,
            order: if args.budget.sequential { Order::Sequential } else { Order::Interleaved },
            workers: args.budget.workers.and_then(NonZeroU32::new).unwrap_or_else(configured),
            seed: seed.unwrap_or_else(Seed::fresh),
            process: ProcessPlan::resolve(&args.process, config)?,
            keep: if args.show.keep_logs { Keep::Everything } else { Keep::Failures },
            columns: Columns::new(&args.show.columns),
            shard,
            notes: engine.map(|found| found.note(given.is_none())).into_iter().collect(),
            setup: args.process.setup.clone(),
            teardown: args.process.teardown.clone(),
        })
    }
}

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
    fn budgets_of_a_campaign() {
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
        let rows: [(&[&str], &str); 8] = [
            (&["--by-pattern"], "--by-pattern needs a PATTERN"),
            (&["--shard", "2/3"], "--shard 2/3 needs --seed"),
            (&["--shard", "3/3", "--seed", "7", "-n", "2"], "share 3/3 is empty: -n 2"),
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
        let config: Config = toml::from_str("cargo.tests = ['a']").unwrap();
        let targets = |args: &[&str]| plan(args, &config).map(|p| (p.build.tests, p.build.lib));
        assert_eq!(targets(&[]).unwrap(), (vec!["a".to_owned()], false));
        assert_eq!(targets(&["--test", "b"]).unwrap(), (vec!["b".to_owned()], false));
        assert_eq!(targets(&["--lib"]).unwrap(), (vec![], true));
        let release = plan(&["--release"], &config).unwrap();
        assert_eq!(release.build.profile.as_deref(), Some("release"));
    }
}
