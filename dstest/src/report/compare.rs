//! Two campaigns side by side: the differences of failure rates and times that chance and the load of
//! the machine do not explain.
//!
//! Pure: two tallies in, rows out. Failures are compared by Fisher's exact test, times by Mann and
//! Whitney's test of ranks; all probabilities of a comparison are corrected together (Holm), so that
//! a suite compared with itself shows any difference in one comparison of twenty at most.
//!
//! Runs of one campaign are not independent: they share the load of the machine, which stretches the
//! time of each test by another factor, and changes from one campaign to the next. No test of ranks
//! knows that, but the other tests do. Their common ratio is taken out of each and said once, and a
//! single test has changed only if its ratio is far outside of theirs (`Shift`). Time on the
//! processor depends on the load much less than time on the clock, and is compared beside it.

mod load;
mod pair;

use serde::Serialize;

pub use self::load::{Clock, SMALL_RATIO};

pub(super) use self::load::Shifts;
pub(super) use self::pair::{median, ratio};

use self::load::Shift;
use self::pair::{Pair, pairs};
use super::stats;
use super::tally::{Tally, TestTally};

/// A comparison of two campaigns.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The median ratio of the times of all tests, which is taken out of each; absent if it is small, or
    /// with few tests.
    pub common_ratio: Option<f64>,
    /// The same of CPU times.
    pub common_cpu_ratio: Option<f64>,
    /// The value of times on the clock for single tests.
    pub clock: Clock,
    /// The tests of both: those of the later campaign, then those that only the earlier one had.
    pub tests: Vec<Row>,
}

/// One test in both campaigns.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Display name.
    pub name: String,
    /// Its results in the earlier campaign; absent if it was not in it.
    pub before: Option<Side>,
    /// Its results in the later campaign; absent if it was not in it.
    pub now: Option<Side>,
    /// The change of its failure rate, with the corrected probability; absent if it never failed, or has
    /// no result on a side.
    pub failures: Option<Change>,
    /// The change of its time beyond that of all tests; absent with few runs that passed.
    pub time: Option<Change>,
    /// The change of its CPU time beyond that of all tests; absent with few runs that passed.
    pub cpu: Option<Change>,
}

/// The results of a test in one campaign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Side {
    /// Runs that failed.
    pub failed: u64,
    /// Runs that passed or failed.
    pub total: u64,
    /// The median wall time of runs that passed, in seconds.
    pub median_s: Option<f64>,
}

/// A change from one campaign to the next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The direction, if the change is significant.
    pub direction: Direction,
    /// The later value divided by the earlier one, beyond the common ratio; absent if that is 0.
    pub ratio: Option<f64>,
    /// The probability of such a difference by chance, corrected for the number of tests.
    pub p: f64,
}

/// The direction of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It fails more often, or takes longer.
    Worse,
    /// It fails less often, or is faster.
    Better,
    /// No significant difference.
    Same,
    /// It takes longer or shorter on the clock, by its own doing or by the machine's load.
    Unclear,
}

impl Comparison {
    /// Compares test by test.
    #[must_use]
    pub fn new(before: &Tally, now: &Tally) -> Self {
        let pairs = pairs(before, now);
        let wall = pairs.iter().filter_map(|pair| pair.ratio(|test| &test.time));
        let cpu = pairs.iter().filter_map(|pair| pair.ratio(|test| &test.cpu));
        let shifts = Shifts::of(wall, cpu);
        let mut rows: Vec<Row> = pairs.iter().map(|pair| pair.row(&shifts)).collect();
        let changes = || rows.iter().flat_map(|row| [row.failures, row.time, row.cpu]).flatten();
        let mut corrected =
            stats::holm(&changes().map(|change| change.p).collect::<Vec<_>>()).into_iter();
        let changes =
            rows.iter_mut().flat_map(|row| [&mut row.failures, &mut row.time, &mut row.cpu]);
        for change in changes.flatten() {
            change.p = corrected.next().unwrap_or(1.0);
            if change.p >= SIGNIFICANT {
                change.direction = Direction::Same;
            }
        }
        let Shifts { clock, wall, cpu } = shifts;
        let (common_ratio, common_cpu_ratio) = (wall.worth_a_word(), cpu.worth_a_word());
        Self { common_ratio, common_cpu_ratio, clock, tests: rows }
    }

    /// `true` if any test fails more often or takes longer than before.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.tests.iter().any(|row| row.is(Direction::Worse))
    }

    /// `true` if any test differs.
    #[must_use]
    pub fn is_different(&self) -> bool {
        self.tests.iter().any(|row| row.is(Direction::Worse) || row.is(Direction::Better))
    }
}

impl Row {
    /// `true` if anything of the test has changed in this direction.
    #[must_use]
    pub fn is(&self, direction: Direction) -> bool {
        let changes = [self.failures, self.time, self.cpu];
        changes.into_iter().flatten().any(|change| change.direction == direction)
    }
}

/// The changes of one test's time and CPU time beyond those of all tests, their probabilities not corrected.
pub(super) fn times(before: &TestTally, now: &TestTally, shifts: &Shifts) -> [Option<Change>; 2] {
    let pair = Pair::of(before, now);
    [pair.time(shifts), pair.cpu(shifts)]
}

/// The ratio that all tests have in common, of those of each; 1 with few tests.
pub(super) fn common_ratio(ratios: impl Iterator<Item = f64>) -> f64 {
    Shift::of(ratios).ratio()
}

/// A corrected probability in words.
#[must_use]
pub fn p_words(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// The usual limit: chance alone falls below it in 1 of 20 comparisons.
pub const SIGNIFICANT: f64 = 0.05;

#[cfg(test)]
mod tests;
