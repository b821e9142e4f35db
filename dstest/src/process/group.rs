//! The group: how the dispatcher can end a process that a worker owns.
//!
//! Invariant: a signal is only ever sent to a process that has not been reaped, so its id cannot
//! belong to anybody else. The worker takes the group off under the same lock that reaps.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::sys::{self, GroupState, Pid, Signal};

/// Why the dispatcher ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// It ran too long.
    Timeout,
    /// It printed too much.
    OutputLimit,
    /// The user interrupted the campaign.
    Cancelled,
}

/// One worker's group; between two runs nobody is on it.
#[derive(Debug, Default)]
pub(crate) struct ProcessGroup(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    process: Option<Pid>,
    reason: Option<EndReason>,
    /// Terminated for before the process existed; sent as soon as it does.
    pending: Option<Signal>,
    /// Whether the process stands still.
    is_paused: bool,
    /// How long it has stood still.
    paused: Duration,
}

impl ProcessGroup {
    /// Forgets the run before; called before a job is handed to the worker.
    pub(crate) fn clear(&self) {
        *self.lock() = State::default();
    }

    /// The worker has started a process.
    pub(crate) fn attach(&self, process: Pid) {
        let mut state = self.lock();
        state.process = Some(process);
        if let Some(signal) = state.pending.take() {
            sys::signal_group(process, signal);
        }
        if state.is_paused {
            sys::signal_group(process, Signal::Stop);
        }
    }

    /// Makes the run stand still.
    pub(crate) fn pause(&self) {
        let mut state = self.lock();
        state.is_paused = true;
        state.process.iter().for_each(|process| sys::signal_group(*process, Signal::Stop));
    }

    /// Lets the run go on after so long.
    pub(crate) fn resume(&self, paused: Duration) {
        let mut state = self.lock();
        state.is_paused = false;
        state.paused += paused;
        state.process.iter().for_each(|process| sys::signal_group(*process, Signal::Continue));
    }

    /// How long the run has stood still.
    pub(crate) fn paused(&self) -> Duration {
        self.lock().paused
    }

    /// Ends the run with a signal; the first reason given stays.
    pub(crate) fn end(&self, reason: EndReason, signal: Signal) {
        let mut state = self.lock();
        state.reason.get_or_insert(reason);
        match state.process {
            Some(process) => sys::signal_group(process, signal),
            None => state.pending = Some(signal),
        }
    }

    /// Takes the process off the group while reaping it with `reap`, and says why it was ended.
    pub(crate) fn detach<T>(&self, reap: impl FnOnce() -> T) -> (T, Option<EndReason>) {
        let mut state = self.lock();
        state.process = None;
        (reap(), state.reason)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was found in the group of a process that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SurvivingProcesses {
    /// Nobody.
    None,
    /// Processes that have been killed.
    Killed,
}

/// Sees to it that nobody of the group is left. Processes that are just ending are given a moment.
pub(crate) fn clean_up(group: Pid) -> SurvivingProcesses {
    if wait_until_empty(group, LEAK_GRACE) {
        return SurvivingProcesses::None;
    }
    // A process that forks while it is being killed can leave a child behind, so kill again.
    for _ in 0..KILL_ROUNDS_MAX {
        sys::signal_group(group, Signal::Kill);
        if wait_until_empty(group, LEAK_GRACE) {
            break;
        }
    }
    SurvivingProcesses::Killed
}

fn wait_until_empty(group: Pid, limit: Duration) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    while sys::reap_group(group) == GroupState::Alive {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    true
}

/// How long processes may outlive the one that started them before they count as left behind.
const LEAK_GRACE: Duration = Duration::from_millis(100);

/// After so many rounds a process is stuck in the kernel, and waiting longer helps nobody.
const KILL_ROUNDS_MAX: u32 = 10;
