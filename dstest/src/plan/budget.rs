//! The number of runs, their order, and the limits that stop a campaign.

use std::num::NonZeroU32;
use std::time::Duration;

use super::error::PlanError;
use crate::cli::BudgetArgs;
use crate::config::Config;

/// The end of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The number of runs of each test.
    pub rounds: Rounds,
    /// No run starts after this time.
    pub duration: Option<Duration>,
    /// No run starts after this many failures.
    pub max_fail: Option<NonZeroU32>,
    /// No run of a test starts after this many of its own.
    pub max_fail_per_test: Option<NonZeroU32>,
}

/// The number of runs of each test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// This many.
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

/// The order of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Every test once, then every test again; within a round the slowest first.
    Interleaved,
    /// Every iteration of one test, then the next test.
    Sequential,
}

impl Budget {
    /// So many runs, with no other limit.
    #[must_use]
    pub const fn of(rounds: Rounds) -> Self {
        Self { rounds, duration: None, max_fail: None, max_fail_per_test: None }
    }

    /// Options where given, the configuration otherwise.
    pub(super) fn resolve(args: &BudgetArgs, config: &Config) -> Result<Self, PlanError> {
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
        let max_fail_per_test = args.max_fail_per_test.and_then(NonZeroU32::new);
        Ok(Self { rounds, duration: args.duration, max_fail, max_fail_per_test })
    }
}

/// The default of `-n`.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(10).expect("10 is not zero");
