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

mod core;
mod desk;
mod dispatcher;
mod leash;
mod process;
mod schedule;
mod verdict;
mod worker;

use std::path::PathBuf;

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
}

/// The place of a run's log below its campaign's folder.
#[must_use]
pub fn log_path(test: &str, iteration: Iteration) -> String {
    format!("logs/{}/{iteration}.log", crate::names::file_name(test))
}
