//! Two campaigns side by side: the differences of failure rates and times that chance does not explain.
//!
//! Pure: two tallies in, rows out. Failures are compared by Fisher's exact test, times by Mann and
//! Whitney's test of ranks; all probabilities of a comparison are corrected together (Holm), so that
//! a suite compared with itself shows any difference in one comparison of twenty at most.
//!
//! Times of one campaign have something in common that is not a property of a test: the load of the
//! machine. With many tests their common ratio is found, said once, and taken out of each.

use std::collections::HashMap;

use serde::Serialize;

use super::stats;
use super::tally::{Tally, TestTally};

/// A comparison of two campaigns.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The median ratio of the times of all tests, which is taken out of each; absent if it is small, or
    /// with few tests.
    pub common_ratio: Option<f64>,
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
    /// The change of its time; absent with few runs that passed.
    pub time: Option<Change>,
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
    /// The later value divided by the earlier one; absent if that is 0.
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
}

impl Comparison {
    /// Compares test by test.
    #[must_use]
    pub fn new(before: &Tally, now: &Tally) -> Self {
        let pairs = pairs(before, now);
        let common_ratio = common_ratio(&pairs);
        let mut rows: Vec<Row> = pairs.iter().map(|pair| pair.row(common_ratio)).collect();
        let changes = || rows.iter().flat_map(|row| [row.failures, row.time]).flatten();
        let mut corrected =
            stats::holm(&changes().map(|change| change.p).collect::<Vec<_>>()).into_iter();
        let changes = rows.iter_mut().flat_map(|row| [&mut row.failures, &mut row.time]).flatten();
        for change in changes {
            change.p = corrected.next().unwrap_or(1.0);
            if change.p >= SIGNIFICANT {
                change.direction = Direction::Same;
            }
        }
        Self { common_ratio, tests: rows }
    }

    /// `true` if any test fails more often or takes longer than before.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let is_worse =
            |change: Option<Change>| change.is_some_and(|it| it.direction == Direction::Worse);
        self.tests.iter().any(|row| is_worse(row.failures) || is_worse(row.time))
    }

    /// `true` if any test differs.
    #[must_use]
    pub fn is_different(&self) -> bool {
        let differs =
            |change: Option<Change>| change.is_some_and(|it| it.direction != Direction::Same);
        self.tests.iter().any(|row| differs(row.failures) || differs(row.time))
    }
}

/// A test in both campaigns.
struct Pair<'a> {
    before: Option<&'a TestTally>,
    now: Option<&'a TestTally>,
}

fn pairs<'a>(before: &'a Tally, now: &'a Tally) -> Vec<Pair<'a>> {
    let by_key = |tally: &'a Tally| -> HashMap<&'a str, &'a TestTally> {
        tally.tests().iter().map(|test| (test.key.as_str(), test)).collect()
    };
    let (earlier, later) = (by_key(before), by_key(now));
    let current = now.tests().iter();
    let current =
        current.map(|test| Pair { before: earlier.get(&*test.key).copied(), now: Some(test) });
    let vanished = before.tests().iter().filter(|test| !later.contains_key(&*test.key));
    current.chain(vanished.map(|test| Pair { before: Some(test), now: None })).collect()
}

/// The median ratio of times, with enough tests to tell, and if it is worth a word.
fn common_ratio(pairs: &[Pair<'_>]) -> Option<f64> {
    let ratios: Vec<f32> =
        pairs.iter().filter_map(|pair| pair.time_ratio().map(|ratio| ratio as f32)).collect();
    if ratios.len() < COMMON_TESTS_MIN {
        return None;
    }
    // A small one is not worth a word, and may be an error of the estimate.
    stats::median(&ratios).filter(|ratio| !is_small(*ratio))
}

fn is_small(ratio: f64) -> bool {
    ratio.ln().abs() < SMALL_RATIO.ln()
}

impl Pair<'_> {
    fn row(&self, common_ratio: Option<f64>) -> Row {
        let name = self.now.or(self.before).map_or_else(String::new, |test| test.name.clone());
        Row {
            name,
            before: self.before.map(side),
            now: self.now.map(side),
            failures: self.failures(),
            time: self.time(common_ratio.unwrap_or(1.0)),
        }
    }

    /// The change of the failure rate, not corrected yet.
    fn failures(&self) -> Option<Change> {
        let (before, now) = (self.before?, self.now?);
        let is_known = before.total() > 0 && now.total() > 0;
        (is_known && before.failed() + now.failed() > 0).then(|| {
            let rate = |test: &TestTally| test.failed() as f64 / test.total() as f64;
            let counts = |test: &TestTally| (test.failed(), test.total());
            let ratio = (before.failed() > 0).then(|| rate(now) / rate(before));
            let is_worse = rate(now) > rate(before);
            let p = stats::fisher(counts(before), counts(now));
            Change { direction: direction(is_worse), ratio, p }
        })
    }

    /// The change of the time beyond what is common to all tests, not corrected yet. Small changes
    /// are left alone, however sure: they are not worth a word.
    fn time(&self, common: f64) -> Option<Change> {
        let (before, now) = (self.before?, self.now?);
        let scaled: Vec<f32> =
            now.time.values().iter().map(|time| (f64::from(*time) / common) as f32).collect();
        let p = stats::mann_whitney(before.time.values(), &scaled)?;
        let own = self.time_ratio()? / common;
        let p = if is_small(own) { 1.0 } else { p };
        Some(Change { direction: direction(own > 1.0), ratio: self.time_ratio(), p })
    }

    fn time_ratio(&self) -> Option<f64> {
        let median = |test: Option<&TestTally>| {
            let values = test?.time.values();
            (values.len() >= stats::RANKED_VALUES_MIN).then(|| stats::median(values)).flatten()
        };
        let ratio = median(self.now)? / median(self.before)?;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }
}

fn side(test: &TestTally) -> Side {
    let median_s = stats::median(test.time.values());
    Side { failed: test.failed(), total: test.total(), median_s }
}

const fn direction(is_worse: bool) -> Direction {
    if is_worse { Direction::Worse } else { Direction::Better }
}

/// The usual limit: chance alone falls below it in 1 of 20 comparisons.
pub const SIGNIFICANT: f64 = 0.05;

/// Smaller changes of a time than by this factor are not reported.
pub const SMALL_RATIO: f64 = 1.05;

/// With fewer tests, one that is slower looks like a slower machine.
const COMMON_TESTS_MIN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Verdict;
    use crate::report::tally::tests::record;
    use crate::seed::{Iteration, Seed, SeedWidth};

    /// A number from 0 to 1 that follows from these.
    fn random(seed: u64, test: usize, run: u32) -> f64 {
        let iteration = Iteration::new(run).unwrap();
        let campaign = Seed::new(seed * 10_000 + test as u64);
        let number = campaign.derive("", iteration, SeedWidth::Bits53);
        number.value() as f64 / (1_u64 << 53) as f64
    }

    /// A campaign of equal tests: each run takes some time with a long tail, on a machine that is
    /// `load` times as slow, and fails at `rate`.
    fn campaign(seed: u64, tests: usize, runs: u32, load: f64, rate: f64) -> Tally {
        let mut tally = Tally::new((0..tests).map(|test| format!("test_{test}")));
        for test in 0..tests {
            for run in 1..=runs {
                let verdict = if random(seed + 1, test, run) < rate {
                    Verdict::Failed
                } else {
                    Verdict::Passed
                };
                let wall_s = load * 0.002 / (random(seed, test, run) + 0.02).sqrt();
                tally.record(test, &record("test", run, verdict, wall_s));
            }
        }
        tally
    }

    #[test]
    fn a_suite_compared_with_itself_shows_a_difference_in_one_of_twenty_comparisons_at_most() {
        let mut different = 0;
        for seed in 0..200 {
            let load = 1.0 + random(seed, 1000, 1);
            let before = campaign(10 * seed, 100, 40, 1.0, 0.05);
            let now = campaign(10 * seed + 5, 100, 40, load, 0.05);
            different += u32::from(Comparison::new(&before, &now).is_different());
        }
        assert!(different <= 10, "{different} of 200");
    }

    #[test]
    fn real_changes_are_found_and_have_a_direction_and_a_ratio() {
        let before = campaign(1, 20, 40, 1.0, 0.0);
        let now = |test: usize, factor: f64| {
            let mut tally = Tally::new((0..20).map(|test| format!("test_{test}")));
            for other in 0..20 {
                for run in 1..=40 {
                    let own = if other == test { factor } else { 1.0 };
                    let wall_s = own * 0.002 / (random(11, other, run) + 0.02).sqrt();
                    tally.record(other, &record("test", run, Verdict::Passed, wall_s));
                }
            }
            tally
        };
        let comparison = Comparison::new(&before, &now(7, 3.0));
        let time = comparison.tests[7].time.unwrap();
        assert_eq!(time.direction, Direction::Worse);
        assert!((2.2..4.0).contains(&time.ratio.unwrap()), "{time:?}");
        assert!(comparison.is_worse());
        let others = comparison.tests.iter().filter(|row| row.name != "test_7");
        let is_same =
            |change: Option<Change>| change.is_none_or(|it| it.direction == Direction::Same);
        assert!(others.into_iter().all(|row| is_same(row.time) && is_same(row.failures)));
        let faster = Comparison::new(&before, &now(7, 0.3));
        assert_eq!(faster.tests[7].time.unwrap().direction, Direction::Better);
        assert!(!faster.is_worse());
        let slow_machine = Comparison::new(&before, &campaign(5, 20, 40, 2.0, 0.0));
        assert!(!slow_machine.is_different(), "the load is common to all");
        assert!((1.7..2.3).contains(&slow_machine.common_ratio.unwrap()));
    }

    #[test]
    fn new_and_vanished_tests_stay_in_sight() {
        let tally = |names: &[&str], failed: u32| {
            let mut tally = Tally::new(names.iter().copied());
            for run in 1..=20 {
                let verdict = if run <= failed { Verdict::Failed } else { Verdict::Passed };
                tally.record(0, &record(names[0], run, verdict, 0.1));
            }
            tally
        };
        let comparison = Comparison::new(&tally(&["a", "gone"], 0), &tally(&["a", "new"], 12));
        let names: Vec<_> = comparison.tests.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["a", "new", "gone"]);
        assert_eq!(comparison.tests[0].failures.unwrap().direction, Direction::Worse);
        assert!(comparison.tests[1].before.is_none() && comparison.tests[2].now.is_none());
        assert!(comparison.is_worse());
    }
}
