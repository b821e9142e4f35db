//! A limit on the rate of log lines that others can cause: strangers on the port, broken peers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The pause after a burst; it doubles with every line after it.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause, and the quiet time after which there may be another burst.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Quiet time after which the lines left out are counted without waiting for the next one.
#[cfg(any(test, feature = "tcp"))]
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// Admits a burst of lines, then one at a time at growing intervals, and counts the rest: a flood
/// leaves its beginning and its size, however long it lasts.
#[derive(Debug)]
pub(crate) struct LogLimit {
    burst: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Lines left of the burst.
    left: u32,
    /// The pause before the next line, once the burst is used up.
    pause: Duration,
    last_admitted: Option<Instant>,
    last: Option<Instant>,
    suppressed: u64,
}

impl LogLimit {
    pub(crate) const fn new(burst: u32) -> Self {
        let (left, pause) = (burst, PAUSE_MIN);
        let state = State { left, pause, last_admitted: None, last: None, suppressed: 0 };
        Self { burst, state: Mutex::new(state) }
    }

    /// Admits a line, with the number of those suppressed before it; `None` suppresses it.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.lock();
        if state.is_quiet_for(PAUSE_MAX, now) {
            (state.left, state.pause) = (self.burst, PAUSE_MIN);
        }
        state.last = Some(now);
        if state.left > 0 {
            state.left -= 1;
        } else if state
            .last_admitted
            .is_some_and(|last| now.saturating_duration_since(last) < state.pause)
        {
            state.suppressed += 1;
            return None;
        } else {
            state.pause = PAUSE_MAX.min(2 * state.pause);
        }
        state.last_admitted = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }

    /// Counts lines that another limit suppresses.
    #[cfg(feature = "tcp")]
    pub(crate) fn suppress(&self, lines: u64, now: Instant) {
        if lines > 0 {
            let mut state = self.lock();
            state.last = Some(now);
            state.suppressed += lines;
        }
    }

    /// Returns whether its next line would be the first of a burst.
    #[cfg(feature = "tcp")]
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        self.lock().is_quiet_for(PAUSE_MAX, now)
    }

    /// The number of lines suppressed since the last one that was admitted, once no more come.
    #[cfg(any(test, feature = "tcp"))]
    pub(crate) fn take_settled(&self, now: Instant) -> u64 {
        let mut state = self.lock();
        if state.is_quiet_for(SETTLED_AFTER, now) {
            std::mem::take(&mut state.suppressed)
        } else {
            0
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns whether no line was admitted or suppressed for as long as this.
    fn is_quiet_for(&self, duration: Duration, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of the lines of a flood of 1 000 a second, in seconds, and the sum of their counts.
    fn flood(limit: &LogLimit, start: Instant, seconds: u64) -> (Vec<u64>, u64) {
        let at = |millis| start + Duration::from_millis(millis);
        let lines = (0..seconds * 1000)
            .filter_map(|millis| Some((millis / 1000, limit.admit(at(millis))?)));
        let (times, counts): (Vec<_>, Vec<_>) = lines.unzip();
        (times, counts.into_iter().sum())
    }

    #[test]
    fn a_flood_leaves_a_burst_and_lines_at_growing_intervals_that_count_the_rest() {
        let (limit, start) = (LogLimit::new(3), Instant::now());
        let (times, counted) = flood(&limit, start, 60);
        assert_eq!(times, [0, 0, 0, 1, 3, 7, 15, 31]);
        let all = counted + times.len() as u64;
        assert_eq!(all + limit.take_settled(start + Duration::from_secs(70)), 60_000);
        assert_eq!(limit.take_settled(start + Duration::from_secs(80)), 0, "once");
    }

    #[test]
    fn a_long_flood_leaves_a_line_a_minute() {
        let (times, _) = flood(&LogLimit::new(3), Instant::now(), 3600);
        assert!(times.len() < 3 + 6 + 60, "{times:?}");
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 61), "{times:?}");
    }

    #[test]
    fn after_a_quiet_minute_there_may_be_another_burst() {
        let (limit, start) = (LogLimit::new(3), Instant::now());
        flood(&limit, start, 10);
        let at = |seconds| limit.admit(start + Duration::from_secs(seconds)).is_some();
        assert_eq!([at(11), at(12)], [false; 2]);
        assert_eq!(limit.take_settled(start + Duration::from_secs(21)), 0, "they may go on");
        assert_eq!([at(72), at(72), at(72), at(72)], [true, true, true, false]);
    }
}
