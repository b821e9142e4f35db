//! How quick a state machine is, and so where it runs.

use std::time::Duration;

/// Where the state machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyOn {
    /// On a thread that may block, until it has shown that it is quick; then on a task; on a thread
    /// again as soon as it is slow. A state machine that is quick for long and then slow holds up
    /// one thread of the runtime, once.
    #[default]
    Measured,
    /// Always on a thread that may block. For state machines that use a disk or are slow at times.
    Thread,
    /// Always on a task. For state machines that are always quick: it saves waking a thread.
    Task,
}

/// How quick the state machine has been.
pub(super) struct Pace {
    apply_on: ApplyOn,
    quick_batches: u32,
    /// The last batch was not quick, counting the time that it waited.
    doubtful: bool,
}

/// What a time holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measured {
    /// The state machine's work alone.
    Alone,
    /// Also the time that the work waited to be done: no more than a bound.
    WithWait,
}

/// What a batch may take to count as quick, and for how long answers may wait for others.
const QUICK: Duration = Duration::from_millis(1);

/// A batch that takes so long sends the state machine to a thread. Far below a heartbeat interval,
/// and above what a busy machine adds to a quick batch now and then.
const SLOW: Duration = Duration::from_millis(10);

/// So many quick batches in a row make a quick state machine.
const QUICK_BATCHES: u32 = 32;

impl Pace {
    pub(super) const fn new(apply_on: ApplyOn) -> Self {
        Self { apply_on, quick_batches: 0, doubtful: true }
    }

    pub(super) const fn needs_thread(&self) -> bool {
        match self.apply_on {
            ApplyOn::Measured => self.quick_batches < QUICK_BATCHES,
            ApplyOn::Thread => true,
            ApplyOn::Task => false,
        }
    }

    /// Whether the next batch is to be measured alone.
    pub(super) const fn wants_exactness(&self) -> bool {
        self.doubtful
    }

    /// A batch took this long.
    pub(super) fn took(&mut self, time: Duration, measured: Measured) {
        self.doubtful = time >= QUICK;
        match measured {
            _ if time < QUICK => self.quick_batches = self.quick_batches.saturating_add(1),
            Measured::Alone if time >= SLOW || self.needs_thread() => self.quick_batches = 0,
            Measured::Alone | Measured::WithWait => {}
        }
    }

    /// Whether answers have waited long enough for others.
    pub(super) fn is_a_while(time: Duration) -> bool {
        time >= QUICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_machine_earns_its_place_on_a_task_and_loses_it() {
        let mut pace = Pace::new(ApplyOn::Measured);
        for _ in 0..QUICK_BATCHES - 1 {
            pace.took(Duration::from_micros(3), Measured::Alone);
        }
        assert!(pace.needs_thread());
        pace.took(QUICK, Measured::Alone);
        assert!(pace.needs_thread(), "it starts over");
        for _ in 0..QUICK_BATCHES {
            pace.took(Duration::from_micros(3), Measured::Alone);
        }
        assert!(!pace.needs_thread() && !pace.wants_exactness());

        pace.took(SLOW * 9, Measured::WithWait);
        assert!(!pace.needs_thread(), "it may have waited");
        assert!(pace.wants_exactness());
        pace.took(QUICK * 2, Measured::Alone);
        assert!(!pace.needs_thread(), "a busy machine");
        pace.took(SLOW, Measured::Alone);
        assert!(pace.needs_thread());
    }

    #[test]
    fn what_the_user_says_is_not_measured() {
        for (apply_on, thread) in [(ApplyOn::Thread, true), (ApplyOn::Task, false)] {
            let mut pace = Pace::new(apply_on);
            pace.took(SLOW, Measured::Alone);
            assert_eq!(pace.needs_thread(), thread);
            for _ in 0..QUICK_BATCHES {
                pace.took(Duration::ZERO, Measured::Alone);
            }
            assert_eq!(pace.needs_thread(), thread);
        }
    }
}
