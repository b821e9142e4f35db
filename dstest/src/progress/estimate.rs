//! Progress in numbers: runs done, their rate, the time left.

use std::time::Duration;

use crate::record::Verdict;
use crate::report::summary::further;
use crate::report::tally::Tally;
use crate::text::duration::human;

/// The progress of a campaign at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Progress {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) failed: u64,
    /// Runs that passed only when repeated.
    pub(super) flaky: u64,
    /// Runs that tested nothing.
    pub(super) skipped: u64,
    pub(super) elapsed: Duration,
    pub(super) duration: Option<Duration>,
}

impl Progress {
    pub(super) fn of(
        tally: &Tally,
        total: Option<u64>,
        duration: Option<Duration>,
        elapsed: Duration,
    ) -> Self {
        Self {
            done: tally.ended(),
            total,
            failed: tally.failed(),
            flaky: tally.count(Verdict::Flaky),
            skipped: tally.count(Verdict::Skipped),
            elapsed,
            duration,
        }
    }

    /// From 0 to 1, by runs or by time, the larger of both; `None` without a limit.
    pub(super) fn share(&self) -> Option<f64> {
        let by_runs =
            self.total.filter(|total| *total > 0).map(|total| self.done as f64 / total as f64);
        let by_time = self.duration.map(|all| self.elapsed.as_secs_f64() / all.as_secs_f64());
        let nearest = by_runs.into_iter().chain(by_time).reduce(f64::max);
        nearest.map(|share| share.clamp(0.0, 1.0))
    }

    /// The time left at the rate so far; `None` without a limit or a rate.
    pub(super) fn left(&self) -> Option<Duration> {
        let speed = self.done as f64 / self.elapsed.as_secs_f64();
        let runs_left = self.total.map(|total| total.saturating_sub(self.done) as f64);
        let by_runs = runs_left
            .filter(|_| speed > 0.0)
            .and_then(|left| Duration::try_from_secs_f64(left / speed).ok());
        let by_time = self.duration.map(|all| all.saturating_sub(self.elapsed));
        by_runs.into_iter().chain(by_time).min()
    }

    /// `312 of 1400 runs, 3 failed, 2 flaky, 210/s, 5 s left`.
    pub(super) fn words(&self) -> String {
        let done = match self.total {
            Some(total) => format!("{} of {total} runs", self.done),
            None => format!("{} runs", self.done),
        };
        let rate = rate(self.done, self.elapsed.as_secs_f64());
        let rate = rate.map_or_else(String::new, |rate| format!(", {rate}"));
        let left = self.left().map_or_else(
            || human(whole_seconds(self.elapsed)),
            |left| format!("{} left", human(whole_seconds(left))),
        );
        let (flaky, skipped) = (further(self.flaky, "flaky"), further(self.skipped, "skipped"));
        format!("{done}, {} failed{flaky}{skipped}{rate}, {left}", self.failed)
    }
}

/// Runs a second: `0.3/s`, `708/s`; `None` without runs, or within a time too short for a rate.
pub(crate) fn rate(runs: u64, seconds: f64) -> Option<String> {
    let rate = runs as f64 / seconds;
    let is_known = runs > 0 && seconds >= RATE_SECONDS_MIN;
    let decimals = usize::from(rate < 10.0) + usize::from(rate < 0.095);
    is_known.then(|| format!("{rate:.decimals$}/s"))
}

/// In less time than this starting and ending count for more than the runs.
const RATE_SECONDS_MIN: f64 = 0.05;

/// Up to whole seconds: an estimate has no hundredths.
fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs_f64().ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(
        done: u64,
        total: Option<u64>,
        elapsed_s: u64,
        duration_s: Option<u64>,
    ) -> Progress {
        let elapsed = Duration::from_secs(elapsed_s);
        let duration = duration_s.map(Duration::from_secs);
        Progress { done, total, failed: 3, flaky: 0, skipped: 0, elapsed, duration }
    }

    #[test]
    fn progress_in_words() {
        let rows = [
            (
                progress(300, Some(1500), 30, None),
                "300 of 1500 runs, 3 failed, 10/s, 2 min 0 s left",
            ),
            (progress(0, Some(50), 0, None), "0 of 50 runs, 3 failed, 0 s"),
            (progress(60, None, 120, None), "60 runs, 3 failed, 0.5/s, 2 min 0 s"),
            (progress(60, None, 120, Some(600)), "60 runs, 3 failed, 0.5/s, 8 min 0 s left"),
            (progress(60, Some(120), 60, Some(70)), "60 of 120 runs, 3 failed, 1.0/s, 10 s left"),
        ];
        for (progress, want) in rows {
            assert_eq!(progress.words(), want);
        }
        let some = Progress { flaky: 2, skipped: 9, ..progress(60, None, 120, None) };
        assert_eq!(some.words(), "60 runs, 3 failed, 2 flaky, 9 skipped, 0.5/s, 2 min 0 s");
    }

    #[test]
    fn a_rate_needs_runs_and_time() {
        let rows = [
            ((200, 0.0015), None),
            ((0, 3.0), None),
            ((1, 40.0), Some("0.03/s")),
            ((3, 10.0), Some("0.3/s")),
            ((500, 0.7), Some("714/s")),
        ];
        for ((runs, seconds), want) in rows {
            assert_eq!(rate(runs, seconds).as_deref(), want);
        }
    }

    #[test]
    fn the_share_is_that_of_the_nearest_end() {
        assert_eq!(progress(5, Some(10), 9, Some(10)).share(), Some(0.9));
        assert_eq!(progress(5, Some(10), 99, Some(10)).share(), Some(1.0));
        assert_eq!(progress(5, None, 9, None).share(), None);
    }
}
