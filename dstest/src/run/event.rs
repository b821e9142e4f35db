//! Events between signals, workers, the dispatcher and the rest of the program.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::process::signals::Request;
use crate::record::RunRecord;
use crate::schedule::Job;

/// A message to the dispatcher.
#[derive(Debug)]
pub(super) enum Message {
    /// A run has ended.
    Finished {
        /// The index of the test.
        test: usize,
        /// The record of the run.
        record: Box<RunRecord>,
    },
    /// A longer round begins.
    Round {
        /// Runs of each test in it.
        iterations: u32,
    },
    /// A worker has exited.
    WorkerExited,
    /// The user, or a change of the sources, asks for something.
    User(Request),
}

/// An event for the rest of the program, in the order of occurrence.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// A run has ended.
    Finished {
        /// The index of the test.
        test: usize,
        /// Its record.
        record: &'a RunRecord,
    },
    /// With `--loop`: a longer round begins.
    Round {
        /// Runs of each test in it.
        iterations: u32,
    },
    /// The runs that are running, now and then.
    Running {
        /// The longest first.
        runs: &'a [RunningRun],
        /// Runs that were not started, as their tests had failed often enough.
        left_out: u64,
    },
    /// The user has interrupted the campaign; running processes are being ended.
    Interrupted {
        /// The number of running processes.
        running: usize,
    },
    /// The campaign is about to be suspended.
    Suspended,
    /// The campaign continues.
    Resumed {
        /// The time of the suspension.
        paused: Duration,
    },
    /// Processes outside of their runs' groups have been killed after the last run.
    EscapedProcesses {
        /// Their number.
        ended: usize,
    },
}

/// A running run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRun {
    /// The run.
    pub job: Job,
    /// The time since its start.
    pub elapsed: Duration,
    /// The id of its process, if it has started.
    pub process: Option<String>,
    /// The file with its output.
    pub log: PathBuf,
}

/// The reason for the end of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Everything planned was run.
    Complete,
    /// The time of `--for` is over.
    Time,
    /// The failure limit is reached.
    Failures,
    /// Too many runs in a row could not be started.
    CannotStart,
    /// The command was edited.
    Edited,
    /// The store can no longer be written.
    StoreFailed,
    /// Its runs are enough for what is measured.
    Decided,
    /// The user interrupted it.
    Interrupted,
    /// The sources have changed.
    OutOfDate,
}

impl Stop {
    /// `true` if running runs have been ended.
    #[must_use]
    pub const fn is_sudden(self) -> bool {
        match self {
            Self::Complete | Self::Time | Self::Failures | Self::CannotStart | Self::Edited => {
                false
            }
            Self::StoreFailed | Self::Decided | Self::Interrupted | Self::OutOfDate => true,
        }
    }
}

/// The outcome of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The reason for its end.
    pub stop: Stop,
    /// Its duration.
    pub wall: Duration,
    /// Runs that were not started, as their tests had failed often enough.
    pub left_out: u64,
}

/// A receiver of events.
pub trait Observer {
    /// Handles an event. After `Break` no run is started, and running ones are ended, for that reason.
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<Stop>;
}

/// The expected duration of a test in seconds, by its index; 0 if unknown.
pub type ExpectedDuration = Arc<dyn Fn(usize) -> f64 + Send + Sync>;
