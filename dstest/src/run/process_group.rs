//! The group: how the dispatcher can end a process that a worker owns.
//!
//! Invariant: a signal is only ever sent to a process that has not been reaped, so its id cannot
//! belong to anybody else. The worker takes the group off under the same lock that reaps.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::{self, Pid, Signal};

/// Why the dispatcher ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndReason {
    /// It ran too long.
    Timeout,
    /// It printed too much.
    OutputLimit,
    /// The user interrupted the campaign.
    Cancelled,
}

/// One worker's group; between two runs nobody is on it.
#[derive(Debug, Default)]
pub(super) struct ProcessGroup(Mutex<State>);

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
    pub(super) fn clear(&self) {
        *self.lock() = State::default();
    }

    /// The worker has started a process.
    pub(super) fn attach(&self, process: Pid) {
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
    pub(super) fn pause(&self) {
        let mut state = self.lock();
        state.is_paused = true;
        state.process.iter().for_each(|process| sys::signal_group(*process, Signal::Stop));
    }

    /// Lets the run go on after so long.
    pub(super) fn resume(&self, paused: Duration) {
        let mut state = self.lock();
        state.is_paused = false;
        state.paused += paused;
        state.process.iter().for_each(|process| sys::signal_group(*process, Signal::Continue));
    }

    /// How long the run has stood still.
    pub(super) fn paused(&self) -> Duration {
        self.lock().paused
    }

    /// Ends the run with a signal; the first reason given stays.
    pub(super) fn end(&self, reason: EndReason, signal: Signal) {
        let mut state = self.lock();
        state.reason.get_or_insert(reason);
        match state.process {
            Some(process) => sys::signal_group(process, signal),
            None => state.pending = Some(signal),
        }
    }

    /// Takes the process off the group while reaping it with `reap`, and says why it was ended.
    pub(super) fn detach<T>(&self, reap: impl FnOnce() -> T) -> (T, Option<EndReason>) {
        let mut state = self.lock();
        state.process = None;
        (reap(), state.reason)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
