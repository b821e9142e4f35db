//! Threads, clock and executor of a run, which all its groups share.

use std::sync::Arc;

use raft::verbose::Logger;
use tokio::runtime::Runtime;

use super::calls::RealCalls;
use super::clock::RealClock;
use super::signals::Signals;
use crate::failure::Failure;
use crate::sim::executor::Tasks;

/// The parts of a run that all its groups share.
pub struct RealRun {
    pub(super) seed: u64,
    pub(super) runtime: Arc<Runtime>,
    pub(super) clock: RealClock,
    pub(super) signals: Signals,
    pub(super) logger: Option<Logger>,
    pub(super) tasks: Tasks,
    pub(super) calls: RealCalls,
}

impl RealRun {
    pub(super) fn new(seed: u64, logger: Option<Logger>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build();
        let runtime =
            Arc::new(runtime.map_err(|error| {
                Failure::expected(format_args!("threads for the peers: {error}"))
            })?);
        let (signals, tasks) = (Signals::default(), Tasks::default());
        let calls = RealCalls::new(Arc::clone(&runtime), signals.clone(), tasks.clone());
        Ok(Self { seed, runtime, clock: RealClock::start(), signals, logger, tasks, calls })
    }

    /// The executor of the scenario's tasks.
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The calls of the scenario's tasks.
    #[must_use]
    pub const fn calls(&self) -> &RealCalls {
        &self.calls
    }
}

/// Threads for the tasks of all peers. Their disks have threads of their own.
const WORKERS: usize = 2;
