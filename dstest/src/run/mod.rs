//! Running a campaign: a dispatcher that owns all state, and workers that own one process each.
//!
//! ```text
//! Schedule → dispatcher → worker: process, log, verdict → Message → dispatcher → RunEvent → store, tally, view
//! ```
//!
//! The dispatcher never writes to a terminal and never waits for a process, so limits and
//! interrupts are honoured whatever the others are doing.

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

pub use dispatcher::{Observer, Outcome, Stop, dispatch};
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
    /// The campaign's seed.
    pub seed: Seed,
    /// Which logs stay.
    pub keep: Keep,
    /// The folder of this campaign's results; logs go below it.
    pub folder: PathBuf,
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
    /// A worker is free again.
    Finished {
        /// Which worker.
        slot: usize,
        /// Which test, as an index.
        test: usize,
        /// What became of its run.
        record: Box<RunRecord>,
    },
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
