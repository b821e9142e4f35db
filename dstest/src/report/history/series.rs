//! The values of one test over the campaigns that count: failures, and times without the load of machines.

use std::collections::HashMap;

use super::pooled::Pooled;
use super::{Measure, Point, TestHistory};
use crate::report::compare::{self, Change as Compared, Direction, SMALL_RATIO};
use crate::report::stats;

/// Failures and runs up to each campaign.
pub(super) struct FailureSeries {
    campaigns: Vec<usize>,
    /// The sums before each campaign, and of all.
    sums: Vec<(u64, u64)>,
}

impl FailureSeries {
    pub(super) fn of(points: &[&Point]) -> Self {
        let mut sums = vec![(0, 0)];
        let mut sum = (0, 0);
        for point in points {
            sum = (sum.0 + point.failed, sum.1 + point.total);
            sums.push(sum);
        }
        Self { campaigns: points.iter().map(|point| point.campaign).collect(), sums }
    }

    pub(super) fn len(&self) -> usize {
        self.campaigns.len()
    }

    pub(super) fn campaign(&self, at: usize) -> usize {
        self.campaigns[at]
    }

    fn counts(&self, start: usize, end: usize) -> (u64, u64) {
        let (from, to) = (self.sums[start], self.sums[end]);
        (to.0 - from.0, to.1 - from.1)
    }

    pub(super) fn rate(&self, start: usize, end: usize) -> f64 {
        let (failed, total) = self.counts(start, end);
        failed as f64 / total as f64
    }

    /// The logarithm of the likelihood of two rates, divided by that of one.
    pub(super) fn score(&self, start: usize, split: usize, end: usize) -> f64 {
        let likelihood = |(failed, total): (u64, u64)| {
            let term = |count: u64| match count {
                0 => 0.0,
                count => count as f64 * (count as f64 / total as f64).ln(),
            };
            term(failed) + term(total - failed)
        };
        let (before, after) = (self.counts(start, split), self.counts(split, end));
        likelihood(before) + likelihood(after) - likelihood(self.counts(start, end))
    }

    /// The probability of such a difference by chance.
    pub(super) fn p(&self, start: usize, split: usize, end: usize) -> f64 {
        // Fisher's test never finds more than this, and takes long for many failures.
        if self.score(start, split, end) < SCORE_MIN {
            return 1.0;
        }
        stats::fisher(self.counts(start, split), self.counts(split, end))
    }
}

/// Half the square of two deviations: below it nothing is significant, even alone.
const SCORE_MIN: f64 = 1.9;

/// Medians of every test in every campaign, and what all tests of a campaign have in common.
pub(super) struct Measured {
    /// The logarithm of the common ratio of each campaign, wall and CPU.
    common: Vec<[f64; 2]>,
}

impl Measured {
    pub(super) fn of(sources: usize, tests: &[TestHistory]) -> Self {
        let middle: HashMap<&str, [Option<f64>; 2]> =
            tests.iter().map(|test| (&*test.key, middle_of(test))).collect();
        let common = |campaign: usize| {
            [0, 1].map(|measure| {
                let ratios = tests.iter().filter_map(|test| {
                    let point = test.points.iter().find(|point| point.campaign == campaign)?;
                    Some(medians(point)[measure]? / middle[&*test.key][measure]?)
                });
                compare::common_ratio(ratios).ln()
            })
        };
        Self { common: (0..sources).map(common).collect() }
    }
}

/// The medians of wall and CPU time in seconds.
fn medians(point: &Point) -> [Option<f64>; 2] {
    [point.time.map(|time| time.median.value), point.cpu_s].map(|it| it.filter(|s| *s > 0.0))
}

/// The middle of the medians of all campaigns.
fn middle_of(test: &TestHistory) -> [Option<f64>; 2] {
    [0, 1].map(|measure| {
        let values: Vec<f32> =
            test.points.iter().filter_map(|p| medians(p)[measure]).map(|s| s as f32).collect();
        stats::median(&values)
    })
}

/// The times of a test.
pub(super) struct TimeSeries<'a> {
    pooled: &'a Pooled<'a>,
    key: &'a str,
    measure: Measure,
    campaigns: Vec<usize>,
    /// Logarithms of the medians without what is common.
    logs: Vec<f64>,
    /// The variance of one campaign beside the next, which a single change does not disturb.
    noise: f64,
}

impl<'a> TimeSeries<'a> {
    /// The series of these points; `None` where no campaign has a time.
    pub(super) fn of(
        pooled: &'a Pooled<'a>,
        measured: &Measured,
        key: &'a str,
        points: &[&Point],
        measure: Measure,
    ) -> Option<Self> {
        let which = usize::from(measure == Measure::CpuTime);
        let timed = points.iter().filter_map(|point| Some((point, medians(point)[which]?)));
        let timed: Vec<(&&Point, f64)> = timed.collect();
        let log =
            |(point, median): &(&&Point, f64)| median.ln() - measured.common[point.campaign][which];
        let logs: Vec<f64> = timed.iter().map(log).collect();
        (!timed.is_empty()).then(|| Self {
            pooled,
            key,
            measure,
            campaigns: timed.iter().map(|(point, _)| point.campaign).collect(),
            noise: noise(&logs),
            logs,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.campaigns.len()
    }

    pub(super) const fn measure(&self) -> Measure {
        self.measure
    }

    pub(super) fn campaign(&self, at: usize) -> usize {
        self.campaigns[at]
    }

    /// The mean of the campaigns' medians in seconds, without what is common: geometric, as it is tested.
    pub(super) fn level(&self, start: usize, end: usize) -> f64 {
        mean(&self.logs[start..end]).exp()
    }

    /// The squares that a split explains, in units of those that it does not.
    pub(super) fn score(&self, start: usize, split: usize, end: usize) -> f64 {
        let (before, after) = (&self.logs[start..split], &self.logs[split..end]);
        let between = (mean(after) - mean(before)).powi(2)
            / (1.0 / before.len() as f64 + 1.0 / after.len() as f64);
        between / (2.0 * self.noise)
    }

    /// The probability of such a difference by chance, of campaigns or of their runs: the larger one. 1 if
    /// the load explains it. From `limit` on it is not known further than that.
    pub(super) fn p(&self, start: usize, split: usize, end: usize, limit: f64) -> f64 {
        let change = mean(&self.logs[split..end]) - mean(&self.logs[start..split]);
        let score = self.score(start, split, end);
        if change.abs() < SMALL_RATIO.ln() || score < TIME_SCORE_MIN {
            return 1.0;
        }
        // Runs of a campaign have more in common than any test of ranks knows: the campaigns are the sample.
        let freedom = (FREEDOM_OF_STEP * (self.logs.len() - 1) as f64) as u32;
        let of_campaigns = stats::t_tails((2.0 * score).sqrt(), freedom.max(1));
        if of_campaigns >= limit {
            return of_campaigns;
        }
        let of_runs = self.compared(start, split, end).map_or(1.0, |change| change.p);
        of_runs.max(of_campaigns)
    }

    /// The direction of a change: unclear on the clock, where too few tests tell what the load has done.
    pub(super) fn direction(&self, start: usize, split: usize, end: usize) -> Direction {
        let direction = if self.level(split, end) > self.level(start, split) {
            Direction::Worse
        } else {
            Direction::Better
        };
        let compared = self.compared(start, split, end).map(|change| change.direction);
        if compared == Some(Direction::Unclear) { Direction::Unclear } else { direction }
    }

    fn compared(&self, start: usize, split: usize, end: usize) -> Option<Compared> {
        let (before, now) = (&self.campaigns[start..split], &self.campaigns[split..end]);
        let [time, cpu] = self.pooled.times(self.key, before, now);
        if self.measure == Measure::Time { time } else { cpu }
    }
}

/// The variance of a value, by the differences of neighbours.
fn noise(values: &[f64]) -> f64 {
    let steps: Vec<f32> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs() as f32).collect();
    let deviation = stats::median(&steps).unwrap_or(0.0) / MEDIAN_OF_STEPS;
    deviation.max(NOISE_MIN).powi(2)
}

/// The median of the absolute difference of two normal values, in deviations of one.
const MEDIAN_OF_STEPS: f64 = 0.954;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Medians of one test differ by so much from campaign to campaign on any machine.
const NOISE_MIN: f64 = 0.02;

/// The degrees of freedom of [`noise`] for each difference of neighbours: what the median of absolute
/// values is worth beside the mean of squares.
const FREEDOM_OF_STEP: f64 = 0.4;

/// Four deviations between campaigns, squared and halved: less is never significant.
const TIME_SCORE_MIN: f64 = 8.0;
