//! The process group of a run, by which the dispatcher can end a process that a worker owns.
//!
//! Invariants: a signal is only sent to a process that has not been reaped, so its id cannot belong
//! to another one; and no process runs that is not attached, so a signal misses none. The worker
//! starts its process, and reaps it, under the lock under which it attaches and detaches it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::sys::{self, Pid, Signal};

/// The reason for which the dispatcher ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// Its timeout.
    Timeout,
    /// Its output limit.
    OutputLimit,
    /// The user's interrupt.
    Cancelled,
}

/// The process group of a worker's run; empty between two runs.
#[derive(Debug, Default)]
pub(crate) struct ProcessGroup {
    state: Mutex<State>,
    resumed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Pid>,
    reason: Option<EndReason>,
    /// Terminated for before the process existed; sent as soon as it does.
    pending: Option<Signal>,
    /// `true` while the process is stopped.
    is_paused: bool,
    /// The time for which it was stopped.
    paused: Duration,
}

impl ProcessGroup {
    /// Clears the state of the run before; called before a worker gets its job.
    pub(crate) fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Starts the worker's process and attaches it; waits first while runs are stopped.
    ///
    /// # Errors
    /// Those of `start`.
    pub(crate) fn attach<E>(&self, start: impl FnOnce() -> Result<Pid, E>) -> Result<Pid, E> {
        let state = self.resumed.wait_while(self.lock(), |state| state.is_paused);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let process = start()?;
        state.process = Some(process);
        if let Some(signal) = state.pending.take() {
            sys::signal_group(process, signal);
        }
        Ok(process)
    }

    /// Stops the run, or keeps it from starting.
    pub(crate) fn pause(&self) {
        let mut state = self.lock();
        state.is_paused = true;
        state.process.iter().for_each(|process| sys::signal_group(*process, Signal::Stop));
    }

    /// Continues the run after this time.
    pub(crate) fn resume(&self, paused: Duration) {
        let mut state = self.lock();
        state.is_paused = false;
        state.paused += paused;
        state.process.iter().for_each(|process| sys::signal_group(*process, Signal::Continue));
        self.resumed.notify_all();
    }

    /// The time for which the run was stopped.
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

    /// Notes the reason for which the run is about to be ended; returns its process, if it has started.
    pub(crate) fn set_reason(&self, reason: EndReason) -> Option<Pid> {
        let mut state = self.lock();
        state.reason.get_or_insert(reason);
        state.process
    }

    /// The process of the present run.
    pub(crate) fn process(&self) -> Option<Pid> {
        self.lock().process
    }

    /// Detaches the process while reaping it with `reap`; returns the reason for which it was
    /// ended.
    pub(crate) fn detach<T>(&self, reap: impl FnOnce() -> T) -> (T, Option<EndReason>) {
        let mut state = self.lock();
        state.process = None;
        (reap(), state.reason)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn state_of(pid: Pid) -> String {
        let args = ["-o", "stat=", "-p", &pid.to_string()];
        let output = Command::new("ps").args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// dstest stops itself next: a process that is attached later would run alone.
    #[test]
    fn no_process_runs_after_a_pause_whenever_it_came() {
        for starts_first in [true, false] {
            let group = ProcessGroup::default();
            let (starting, is_starting) = mpsc::channel();
            let (mut child, pid) = thread::scope(|scope| {
                let start = || {
                    let child = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
                    let pid = Pid::of_child(child.id()).unwrap();
                    starting.send((child, pid)).unwrap();
                    thread::sleep(Duration::from_millis(20));
                    Ok::<_, Infallible>(pid)
                };
                if !starts_first {
                    group.pause();
                }
                let group = &group;
                scope.spawn(move || group.attach(start));
                if !starts_first {
                    thread::sleep(Duration::from_millis(20));
                    assert!(is_starting.try_recv().is_err(), "a process is started while paused");
                    group.resume(Duration::ZERO);
                }
                let started = is_starting.recv().unwrap();
                group.pause();
                started
            });
            assert_eq!(group.process(), Some(pid));
            let stopped = || state_of(pid).starts_with('T');
            let is_stopped = (0..2000).any(|_| {
                stopped() || {
                    thread::sleep(Duration::from_millis(5));
                    false
                }
            });
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(is_stopped, "{pid:?}");
        }
    }
}
