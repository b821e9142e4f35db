//! How quick a state machine is, and so where it runs.

use std::time::Duration;

/// Where the state machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyOn {
    /// On a thread that may block, until it has shown that it is quick; then on a task; on a thread
    /// again as soon as it is slow. A state machine that is quick for long and then slow holds up
    /// one thread of the runtime, once.
    #[default]
    Adaptive,
    /// Always on a thread that may block. For state machines that use a disk or are slow at times.
    Thread,
    /// Always on a task. For state machines that are always quick: it saves waking a thread.
    Task,
}

/// How quick the state machine has been.
pub(super) struct ApplyMode {
    apply_on: ApplyOn,
    fast_batches: u32,
    /// The last batch was not quick, counting the time that it waited.
    last_was_slow: bool,
}

/// What a time holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    /// The state machine's work alone.
    WorkOnly,
    /// Also the time that the work waited to be done: no more than a bound.
    WithWait,
}

/// What a batch may take to count as quick, and for how long answers may wait for others.
const FAST: Duration = Duration::from_millis(1);

/// A batch that takes so long sends the state machine to a thread. Far below a heartbeat interval,
/// and above what a busy machine adds to a quick batch now and then.
const SLOW: Duration = Duration::from_millis(10);

/// So many quick batches in a row make a quick state machine.
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

    /// Whether the next batch is to be measured alone.
    pub(super) const fn needs_exact_time(&self) -> bool {
        self.last_was_slow
    }

    /// A batch took this long.
    pub(super) fn record(&mut self, time: Duration, timing: Timing) {
        self.last_was_slow = time >= FAST;
        match timing {
            _ if time < FAST => self.fast_batches = self.fast_batches.saturating_add(1),
            Timing::WorkOnly if time >= SLOW || self.needs_thread() => self.fast_batches = 0,
            Timing::WorkOnly | Timing::WithWait => {}
        }
    }

    /// Whether answers have waited long enough for others.
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
        assert!(mode.needs_thread(), "it starts over");
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
