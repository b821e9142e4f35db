//! The results of one test in one campaign.

use serde::Serialize;

use crate::report::stats::{self, Sample};
use crate::report::summary::percent;
use crate::report::tally::TestTally;
use crate::text::duration;

/// The results of one test in one campaign.
#[derive(Debug, Serialize)]
pub struct Point {
    /// The campaign, by its index.
    pub campaign: usize,
    /// The index of the test in that campaign.
    #[serde(skip)]
    pub(super) test: usize,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that passed or failed.
    pub total: u64,
    /// The lower end of the rate's 95 % interval.
    pub rate_low: f64,
    /// Its upper end.
    pub rate_high: f64,
    /// Times of runs that passed, in seconds; absent if none has.
    pub time: Option<Times>,
    /// The median CPU time of runs that passed, in seconds.
    pub cpu_s: Option<f64>,
    /// The changes that it counts for.
    pub counts: Counts,
    /// The reasons for which it does not count for all, in words.
    pub remarks: Vec<String>,
}

/// The changes that a point counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// None.
    Nothing,
    /// Those of the rate of failures.
    Failures,
    /// All.
    Everything,
}

/// The times of runs that passed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// The median.
    pub median: Quantile,
    /// The 95th percentile.
    pub p95: Quantile,
}

/// A quantile in seconds with its 95 % interval, by ranks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    /// The value in this campaign.
    pub value: f64,
    /// The lower end; absent with too few runs to know one.
    pub low: Option<f64>,
    /// The upper end; absent with too few runs to know one.
    pub high: Option<f64>,
}

impl Point {
    /// The results of a test with this index in a campaign with that one.
    pub(super) fn of(campaign: usize, test: usize, tally: &TestTally) -> Self {
        let (failed, total) = (tally.failed(), tally.total());
        let rate = stats::interval(failed, total);
        Self {
            campaign,
            test,
            failed,
            total,
            rate_low: rate.low,
            rate_high: rate.high,
            time: Times::of(&tally.time),
            cpu_s: stats::median(tally.cpu.values()),
            counts: Counts::Everything,
            remarks: Vec::new(),
        }
    }

    /// The share of failures; 0 without runs.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.failed as f64 / self.total as f64 }
    }

    /// `2.0 % (0.2 to 7.0 %)`, the share of failures with its interval; `–` without runs.
    #[must_use]
    pub fn rate_words(&self) -> String {
        if self.total == 0 {
            return "–".to_owned();
        }
        let (low, high) = (percent(self.rate_low), percent(self.rate_high));
        format!("{} ({} to {high})", percent(self.rate()), low.trim_end_matches(" %"))
    }
}

impl Times {
    fn of(sample: &Sample) -> Option<Self> {
        let mut sorted = sample.values().to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let [median, p95] = [0.5, 0.95].map(|share| Quantile::of(&sorted, share));
        Some(Self { median: median?, p95: p95? })
    }
}

impl Quantile {
    /// `12.1 ms (11.8 ms to 12.6 ms)`; an end that too few runs leave open is `?`.
    #[must_use]
    pub fn words(self) -> String {
        let end = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), duration::short);
        let Self { value, low, high } = self;
        format!("{} ({} to {})", duration::short(value), end(low), end(high))
    }

    fn of(sorted: &[f32], share: f64) -> Option<Self> {
        let value = stats::quantile(sorted, share)?;
        let (low, high) = stats::quantile_ranks(share, sorted.len() as u64);
        let at = |rank: Option<u64>| {
            let index = usize::try_from(rank?).ok()?.checked_sub(1)?;
            sorted.get(index).copied().map(f64::from)
        };
        Some(Self { value, low: at(low), high: at(high) })
    }
}
