//! Events between signals, workers, the dispatcher and the rest of the program.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::process::signals::Request;
use crate::record::RunRecord;

/// What reaches the dispatcher.
#[derive(Debug)]
pub(super) enum Message {
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
    WorkerExited,
    /// The user asks for something.
    User(Request),
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
    EscapedProcesses {
        /// How many.
        ended: usize,
    },
}

/// Why a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Everything planned was run.
    Complete,
    /// The time of `--for` was over.
    Time,
    /// As many runs had failed as were to.
    Failures,
    /// So many runs in a row could not be started that none will be.
    CannotStart,
    /// What happens can no longer be recorded.
    StoreFailed,
    /// The user interrupted it.
    Interrupted,
}

impl Stop {
    /// Whether runs that were under way have been ended.
    #[must_use]
    pub const fn is_sudden(self) -> bool {
        match self {
            Self::Complete | Self::Time | Self::Failures | Self::CannotStart => false,
            Self::StoreFailed | Self::Interrupted => true,
        }
    }
}

/// How a campaign went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// How long it took.
    pub wall: Duration,
}

/// Whoever wants to know what happens.
pub trait Observer {
    /// Something happened. With `Break` nothing more is run: what is under way is ended.
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<()>;
}

/// The expected duration of a test in seconds, by its index; 0 if nothing is known.
pub type ExpectedDuration = Arc<dyn Fn(usize) -> f64 + Send + Sync>;
