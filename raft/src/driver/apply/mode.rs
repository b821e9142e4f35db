//! The choice between a thread and a task for the state machine, by its measured speed.

use std::time::Duration;

/// The place where the state machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyOn {
    /// On a blocking thread until it is known to be fast, then on a task; back on a thread as soon
    /// as it is slow. A state machine that turns slow blocks one thread of the runtime, once.
    #[default]
    Adaptive,
    /// Always on a blocking thread. For state machines that use a disk or are slow at times.
    Thread,
    /// Always on a task. For state machines that are always fast: it saves waking a thread.
    Task,
}

/// The measured speed of the state machine.
pub(super) struct ApplyMode {
    apply_on: ApplyOn,
    fast_batches: u32,
    /// True if the last batch was not fast, including its waiting time.
    last_was_slow: bool,
}

/// The extent of a measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    /// The state machine's work only.
    WorkOnly,
    /// The work and the wait before it: an upper bound.
    WithWait,
}

/// Limit of a fast batch, and of the time that replies wait for others.
const FAST: Duration = Duration::from_millis(1);

/// Limit above which the state machine moves to a thread. Far below a heartbeat interval, and above
/// the occasional delay of a busy machine.
const SLOW: Duration = Duration::from_millis(10);

/// Number of consecutive fast batches that make a fast state machine.
const FAST_BATCHES: u32 = 32;

impl ApplyMode {
    pub(super) const fn new(apply_on: ApplyOn) -> Self {
        Self { apply_on, fast_batches: 0, last_was_slow: true }
    }

    pub(super) const fn needs_thread(&self) -> bool {
        match self.apply_on {
            ApplyOn::Adaptive => self.fast_batches < FAST_BATCHES,
            ApplyOn::Thread => true,
            ApplyOn::Task => false,
        }
    }

    /// True if the next batch must be measured without its wait.
    pub(super) const fn needs_exact_time(&self) -> bool {
        self.last_was_slow
    }

    /// Records the time of a batch.
    pub(super) fn record(&mut self, time: Duration, timing: Timing) {
        self.last_was_slow = time >= FAST;
        match timing {
            _ if time < FAST => self.fast_batches = self.fast_batches.saturating_add(1),
            Timing::WorkOnly if time >= SLOW || self.needs_thread() => self.fast_batches = 0,
            Timing::WorkOnly | Timing::WithWait => {}
        }
    }

    /// True if replies have waited long enough for others.
    pub(super) fn replies_due(time: Duration) -> bool {
        time >= FAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_state_machine_moves_to_a_task_and_a_slow_one_back() {
        let mut mode = ApplyMode::new(ApplyOn::Adaptive);
        for _ in 0..FAST_BATCHES - 1 {
            mode.record(Duration::from_micros(3), Timing::WorkOnly);
        }
        assert!(mode.needs_thread());
        mode.record(FAST, Timing::WorkOnly);
        assert!(mode.needs_thread(), "the count restarts");
        for _ in 0..FAST_BATCHES {
            mode.record(Duration::from_micros(3), Timing::WorkOnly);
        }
        assert!(!mode.needs_thread() && !mode.needs_exact_time());

        mode.record(SLOW * 9, Timing::WithWait);
        assert!(!mode.needs_thread(), "it may have waited");
        assert!(mode.needs_exact_time());
        mode.record(FAST * 2, Timing::WorkOnly);
        assert!(!mode.needs_thread(), "a busy machine");
        mode.record(SLOW, Timing::WorkOnly);
        assert!(mode.needs_thread());
    }

    #[test]
    fn a_fixed_setting_is_not_measured() {
        for (apply_on, thread) in [(ApplyOn::Thread, true), (ApplyOn::Task, false)] {
            let mut mode = ApplyMode::new(apply_on);
            mode.record(SLOW, Timing::WorkOnly);
            assert_eq!(mode.needs_thread(), thread);
            for _ in 0..FAST_BATCHES {
                mode.record(Duration::ZERO, Timing::WorkOnly);
            }
            assert_eq!(mode.needs_thread(), thread);
        }
    }
}
