//! A limit on the rate of warnings that others can cause: strangers on the port, broken peers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Admits a burst of lines, then one at a time, and counts the rest.
#[derive(Debug)]
pub(crate) struct LogLimit {
    burst: u32,
    /// The time in which one more line is admitted.
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Lines that may be logged at `at`.
    left: u32,
    at: Option<Instant>,
    suppressed: u64,
}

impl LogLimit {
    pub(crate) const fn new(burst: u32, interval: Duration) -> Self {
        let state = Mutex::new(State { left: burst, at: None, suppressed: 0 });
        Self { burst, interval, state }
    }

    /// Admits a line, with the number of those suppressed before it; `None` suppresses it.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *state.at.get_or_insert(now);
        let earned = now.saturating_duration_since(since).div_duration_f64(self.interval) as u32;
        if earned > 0 {
            state.left = state.left.saturating_add(earned).min(self.burst);
            state.at = Some(now);
        }
        if state.left == 0 {
            state.suppressed += 1;
            return None;
        }
        state.left -= 1;
        Some(std::mem::take(&mut state.suppressed))
    }

    /// The number of lines suppressed since the last one that was admitted.
    #[cfg(any(test, feature = "tcp"))]
    pub(crate) fn take_suppressed(&self) -> u64 {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).suppressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_a_burst_then_a_line_an_interval_and_a_count() {
        let (limit, start) = (LogLimit::new(3, Duration::from_secs(1)), Instant::now());
        let at = |millis| limit.admit(start + Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(1), at(2), at(999)], [Some(0), Some(0), Some(0), None, None]);
        assert_eq!([at(1000), at(1001)], [Some(2), None]);
        assert_eq!(limit.take_suppressed(), 1);
        let quiet = [at(60_000), at(60_000), at(60_000), at(60_000)];
        assert_eq!(quiet, [Some(0), Some(0), Some(0), None], "no more than the burst is saved up");
    }
}
