//! Running a campaign: one state, workers that own one process each, and a dispatcher.
//!
//! ```text
//! core: schedule, budget, limits → worker: process, log, verdict → dispatcher → store, tally, view
//!   ↑                                                                  |
//!   └──────────────── signals, timeouts, output limits ────────────────┘
//! ```
//!
//! Neither the core nor the dispatcher writes to a terminal or waits for a process, so limits and
//! interrupts are honoured whatever the others are doing.

mod desk;
mod dispatcher;
mod leash;
mod process;
mod schedule;
mod verdict;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::model::{Iteration, RunRecord};
use crate::plan::{Keep, ProcessPlan};
use crate::seed::Seed;
use crate::suite::{Binary, Test};

pub use dispatcher::{Expectation, Observer, Orders, Outcome, Stop, dispatch};
pub use process::{Launch, launch};
pub use schedule::{Schedule, Shard};

/// What every worker knows of a campaign.
#[derive(Debug)]
pub struct Campaign {
    /// The tests that run.
    pub tests: Vec<Test>,
    /// Their programs, at the paths from which they are run.
    pub binaries: Vec<Binary>,
    /// How each run is started and ended.
    pub process: ProcessPlan,
    /// Where seeds come from.
    pub seeds: Seeds,
    /// Which logs stay.
    pub keep: Keep,
    /// Which tests have left the log of a run that passed, to compare others with.
    pub passes: Passes,
    /// The folder of this campaign's results; logs go below it.
    pub folder: PathBuf,
}

/// Where a campaign's seeds come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// Each run's own follows from this one.
    Derived(Seed),
    /// Every run has this one.
    Fixed(Seed),
    /// The first iteration has this one, and each further one the next.
    Following(Seed),
}

/// Which tests have passed before.
#[derive(Debug)]
pub struct Passes(Vec<AtomicBool>);

impl Passes {
    /// None of so many tests has.
    #[must_use]
    pub fn none(tests: usize) -> Self {
        Self((0..tests).map(|_| AtomicBool::new(false)).collect())
    }

    /// Whether a test passes for the first time; it has from now on.
    fn is_first(&self, test: usize) -> bool {
        self.0.get(test).is_some_and(|passed| !passed.swap(true, Ordering::Relaxed))
    }
}

impl Campaign {
    /// The seed of a run.
    #[must_use]
    pub fn seed_of(&self, job: Job) -> Seed {
        match self.seeds {
            Seeds::Derived(seed) => seed.derive(&self.tests[job.test].id, job.iteration),
            Seeds::Fixed(seed) => seed,
            Seeds::Following(first) => first.plus(job.iteration.number() - 1),
        }
    }
}

/// One run that is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Index of the test in the campaign.
    pub test: usize,
    /// Which repetition.
    pub iteration: Iteration,
}

/// What reaches the dispatcher.
#[derive(Debug)]
pub enum Message {
    /// A run has ended.
    Finished {
        /// Which test, as an index.
        test: usize,
        /// What became of its run.
        record: Box<RunRecord>,
    },
    /// A longer round begins.
    Round {
        /// How often each test runs in it.
        iterations: u32,
    },
    /// A worker has nothing more to do.
    Home,
    /// The user wants to stop.
    Interrupt,
    /// The user wants everything to stand still for a while.
    Suspend,
}

/// What the dispatcher tells the rest of the program, in the order in which it happened.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// A run has ended.
    Finished {
        /// Which test, as an index.
        test: usize,
        /// Everything about it.
        record: &'a RunRecord,
    },
    /// With `--loop`: a longer round begins.
    Round {
        /// How often each test runs in it.
        iterations: u32,
    },
    /// The user wants to stop; running processes are being ended.
    Interrupted {
        /// How many are still running.
        running: usize,
    },
    /// Everything is about to stand still.
    Suspended,
    /// Everything goes on.
    Resumed {
        /// After so long.
        paused: Duration,
    },
    /// Processes that had left their runs' groups have been ended after the last run.
    Strays {
        /// How many.
        ended: usize,
    },
}

/// The place of a run's log below its campaign's folder.
#[must_use]
pub fn log_path(test: &str, iteration: Iteration) -> String {
    format!("logs/{}/{iteration}.log", crate::names::file_name(test))
}
