//! The sequential test between two rates of failure: that of good commits, and that of bad ones.
//!
//! Pure. Runs are looked at one after the other. Each multiplies the ratio of two probabilities: that of
//! its result at a bad commit, and at a good one. At `1 / error` the commit is bad, at `error` it is good;
//! by Wald and Ville either answer is wrong with a probability of `error` at most, however long it takes.
//!
//! A rate that was measured is not known. Its place is taken by all rates that the measurement leaves
//! possible, each with its weight (a beta distribution, which every further run narrows). Failures at the
//! bad commit are counted up to a fixed number, for which the weights with a prior of `1 / rate` make the error
//! that of a known rate: exactly for rare failures, and on the safe side for frequent ones. The
//! rate of good commits is taken for known ([`good_rate`]), so that every commit is decided in the end.

use std::fmt;

use crate::seed::Random;

/// A rate of failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rate {
    /// Known, between 0 and 1.
    Known(f64),
    /// Measured: so many of so many runs have failed.
    Measured {
        /// Runs that failed.
        failed: u64,
        /// Runs.
        runs: u64,
    },
}

impl Rate {
    /// The rate itself, or its estimate.
    pub(crate) fn estimate(self) -> f64 {
        match self {
            Self::Known(rate) => rate,
            Self::Measured { failed, runs } => failed as f64 / runs.max(1) as f64,
        }
    }
}

/// The rates of good and of bad commits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The rate of good commits, taken for known.
    pub(crate) good: f64,
    /// The rate of bad commits.
    pub(crate) bad: Rate,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(rate) => write!(f, "{}%", rate * 100.0),
            Self::Measured { failed, runs } => write!(f, "{failed}/{runs}"),
        }
    }
}

/// The probability of the next result, given those before it.
#[derive(Debug, Clone, Copy)]
struct Predictor {
    failures: f64,
    passes: f64,
    /// The weight of a further run: 1, or 0 for a rate that is known.
    weight: f64,
}

impl Predictor {
    fn known(rate: f64) -> Self {
        Self { failures: rate, passes: 1.0 - rate, weight: 0.0 }
    }

    /// Of a rate at which failures were counted up to a fixed number.
    fn of_bad(rate: Rate) -> Self {
        match rate {
            Rate::Known(rate) => Self::known(rate),
            Rate::Measured { failed, runs } => {
                let passes = (runs - failed) as f64 + 1.0;
                Self { failures: failed as f64, passes, weight: 1.0 }
            }
        }
    }

    /// The logarithm of the probability of a result, which is learned from.
    fn observe(&mut self, is_failed: bool) -> f64 {
        let total = self.failures + self.passes;
        let own = if is_failed { &mut self.failures } else { &mut self.passes };
        let probability = *own / total;
        *own += self.weight;
        probability.ln()
    }
}

/// The result of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It fails at the rate of good commits.
    Good,
    /// It fails at the rate of bad ones.
    Bad,
}

/// The sequential test of one commit.
#[derive(Debug, Clone)]
pub(crate) struct SequentialTest {
    good: Predictor,
    bad: Predictor,
    log_ratio: f64,
    log_limit: f64,
}

impl SequentialTest {
    /// A test between these rates, either answer of which is wrong with this probability at most.
    ///
    /// # Panics
    /// If the error is not between 0 and 1.
    pub(crate) fn new(good: f64, bad: Rate, error: f64) -> Self {
        assert!(0.0 < error && error < 1.0, "an error lies between 0 and 1, not at {error}");
        let (good, bad) = (Predictor::known(good), Predictor::of_bad(bad));
        Self { good, bad, log_ratio: 0.0, log_limit: -error.ln() }
    }

    /// Takes the result of a run.
    pub(crate) fn observe(&mut self, is_failed: bool) {
        let (bad, good) = (self.bad.observe(is_failed), self.good.observe(is_failed));
        // What neither can do says nothing.
        if bad.is_finite() || good.is_finite() {
            self.log_ratio += bad - good;
        }
    }

    /// The answer, as soon as there is one.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self.log_ratio {
            ratio if ratio >= self.log_limit => Some(Answer::Bad),
            ratio if ratio <= -self.log_limit => Some(Answer::Good),
            _ => None,
        }
    }
}

/// The rate up to which a commit is good: the measured one, but not less than a share of that of bad ones.
/// It is taken for known. Between two measured rates, both of which learn from the same runs, many commits
/// would never be decided: a good commit that did not fail in some hundred runs may fail as often as that
/// leaves possible.
pub(crate) fn good_rate(good: Rate, bad: Rate) -> f64 {
    good.estimate().max(bad.estimate() / GOOD_SHARE)
}

/// Good commits fail so many times more rarely than bad ones, or as often as measured.
const GOOD_SHARE: f64 = 10.0;

/// The number of runs of a commit until it is decided, if it fails at this rate: the mean, and the number
/// that is enough in 19 of 20 cases. By simulation with fixed seeds.
pub(crate) fn expected_runs(test: &SequentialTest, rate: f64) -> (u64, u64) {
    let mut random = Random(0x5eed);
    let mut counts: Vec<u64> = (0..PATHS)
        .map(|_| {
            let mut test = test.clone();
            let mut runs = 0;
            while test.answer().is_none() && runs < PATH_RUNS_MAX {
                test.observe(random.uniform() < rate);
                runs += 1;
            }
            runs
        })
        .collect();
    counts.sort_unstable();
    let mean = counts.iter().sum::<u64>().div_ceil(counts.len() as u64);
    (mean, counts[counts.len() * 19 / 20])
}

/// Enough for the first digit.
const PATHS: usize = 100;

/// Rarer failures take longer than anybody waits for.
const PATH_RUNS_MAX: u64 = 100_000;

/// The probability that a commit at the bad rate fails in so many runs as seldom as this.
fn chance_of_so_few(bad: Rate, failed: u64, runs: u64) -> f64 {
    let Predictor { failures, passes, weight } = Predictor::of_bad(bad);
    let mut chance = 1.0;
    for run in 0..runs {
        let run = run as f64 * weight;
        chance *= (passes + run) / (failures + passes + run);
    }
    // From the probability of no failure to that of one, two, ….
    let mut sum = chance;
    for k in 0..failed {
        let (k, left) = (k as f64, (runs - k) as f64);
        chance *= left / (k + 1.0) * (failures + k * weight) / (passes + (left - 1.0) * weight);
        sum += chance;
    }
    sum.min(1.0)
}

/// The number of runs without a failure after which a commit at the bad rate is excluded with this error.
fn clean_runs(bad: Rate, error: f64) -> u64 {
    let Predictor { failures, passes, weight } = Predictor::of_bad(bad);
    let (mut chance, mut runs) = (1.0, 0);
    while chance > error && runs < PATH_RUNS_MAX {
        let run = runs as f64 * weight;
        chance *= (passes + run) / (failures + passes + run);
        runs += 1;
    }
    runs
}

/// The test that the good commit fails more rarely than the bad one. It looks at the runs a few times, each after
/// twice as many as before and with half of the error that is left: a look after every run would in the end
/// take any commit for a good one.
#[derive(Debug, Clone)]
pub(crate) struct GoodTest {
    bad: Rate,
    /// The number of runs at which it looks next.
    next: u64,
    /// The error of that look.
    error: f64,
    is_passed: bool,
}

impl GoodTest {
    /// A test that a commit at the bad rate passes with this probability at most.
    pub(crate) fn new(bad: Rate, error: f64) -> Self {
        let error = error / 2.0;
        // With fewer runs than the bad one had, or with a handful, its rate would be too uncertain.
        let of_bad = match bad {
            Rate::Known(_) => 0,
            Rate::Measured { runs, .. } => runs,
        };
        let next = clean_runs(bad, error).max(of_bad).max(GOOD_RUNS_MIN);
        Self { bad, next, error, is_passed: false }
    }

    /// The number of runs that are enough if none fails.
    pub(crate) const fn runs_if_clean(&self) -> u64 {
        self.next
    }

    /// Takes the number of failures in the runs so far, after each run.
    pub(crate) fn observe(&mut self, failed: u64, runs: u64) {
        if self.is_passed || runs < self.next {
            return;
        }
        self.is_passed = chance_of_so_few(self.bad, failed, runs) <= self.error;
        (self.next, self.error) = (self.next.saturating_mul(2), self.error / 2.0);
    }

    /// `true` once the commit is known to fail more rarely.
    pub(crate) const fn is_passed(&self) -> bool {
        self.is_passed
    }
}

/// See [`GoodTest::new`].
const GOOD_RUNS_MIN: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// Failures in runs until the fixed number of them, as a bad commit is measured.
    fn measured(random: &mut Random, rate: f64, failures: u64) -> Rate {
        let (mut failed, mut runs) = (0, 0);
        while failed < failures {
            failed += u64::from(random.uniform() < rate);
            runs += 1;
        }
        Rate::Measured { failed, runs }
    }

    /// The good commit as it is measured; `None` if it is not told apart from the bad one.
    fn good_commit(random: &mut Random, good: f64, bad: Rate, error: f64) -> Option<Rate> {
        let mut test = GoodTest::new(bad, error);
        let (mut failed, mut runs) = (0, 0);
        while !test.is_passed() && runs < 3000 {
            failed += u64::from(random.uniform() < good);
            runs += 1;
            test.observe(failed, runs);
        }
        test.is_passed().then_some(Rate::Measured { failed, runs })
    }

    /// A bisection of `steps` steps from its beginning: `true` if each answer is right. `None` if the rates
    /// of both ends do not differ enough in what was measured.
    fn bisection(random: &mut Random, good: f64, bad: f64, steps: u32, error: f64) -> Option<bool> {
        let each = error / f64::from(steps + 1);
        let bad_rate = measured(random, bad, 10);
        let good_measured = good_commit(random, good, bad_rate, each)?;
        let mut is_right = true;
        for _ in 0..steps {
            let is_bad = random.uniform() < 0.5;
            let mut test = SequentialTest::new(good_rate(good_measured, bad_rate), bad_rate, each);
            let mut runs = 0;
            while test.answer().is_none() {
                test.observe(random.uniform() < if is_bad { bad } else { good });
                runs += 1;
                assert!(runs < 10_000, "{good} and {bad}: not decided");
            }
            is_right &= test.answer() == Some(if is_bad { Answer::Bad } else { Answer::Good });
        }
        Some(is_right)
    }

    /// The bound is for the whole bisection, rates that are measured anew in each included. With an
    /// allowed error that is large, so that some hundred show if it holds.
    #[test]
    fn a_whole_bisection_is_wrong_no_more_often_than_is_said() {
        let rows = [(0.0, 0.03), (0.0, 0.3), (0.0, 1.0), (0.002, 0.06), (0.02, 0.4), (0.3, 0.9)];
        for (good, bad) in rows {
            let mut random = Random((bad * 1e6) as u64);
            let (error, tries) = (0.2, 600);
            let results = (0..tries).map(|_| bisection(&mut random, good, bad, 4, error));
            let results: Vec<bool> = results.flatten().collect();
            let wrong = results.iter().filter(|is_right| !**is_right).count();
            // Three deviations above the bound: it does not fail by chance with any seed.
            let bound = error * results.len() as f64;
            let limit = bound + 3.0 * (bound * (1.0 - error)).sqrt();
            assert!((wrong as f64) <= limit, "{good} and {bad}: {wrong} of {}", results.len());
            assert!(results.len() > tries / 2, "{good} and {bad}: {}", results.len());
        }
    }

    #[test]
    fn a_good_commit_that_fails_as_the_bad_one_is_seldom_taken_for_good() {
        for (rate, error) in [(0.03, 0.2), (0.3, 0.2), (0.3, 0.04)] {
            let (mut random, tries) = (Random(7), 400);
            let taken = (0..tries).filter(|_| {
                let bad = measured(&mut random, rate, 10);
                good_commit(&mut random, rate, bad, error).is_some()
            });
            let (taken, bound) = (taken.count() as f64, error * f64::from(tries));
            let limit = bound + 3.0 * (bound * (1.0 - error)).sqrt();
            assert!(taken <= limit, "{rate} and {error}: {taken} of {tries}");
        }
    }

    #[test]
    fn where_good_commits_never_fail_one_failure_decides() {
        let never = || SequentialTest::new(0.0, Rate::Known(0.03), 0.001);
        let mut test = never();
        test.observe(true);
        assert_eq!(test.answer(), Some(Answer::Bad));
        let mut test = never();
        let runs = (1..).find(|_| {
            test.observe(false);
            test.answer().is_some()
        });
        assert_eq!((test.answer(), runs), (Some(Answer::Good), Some(227)), "0.97^227 < 0.001");
        assert_eq!(clean_runs(Rate::Known(0.03), 0.001), 227);
    }

    #[test]
    fn a_failure_that_good_commits_have_not_shown_is_not_taken_for_impossible() {
        let bad = Rate::Measured { failed: 10, runs: 330 };
        let good = good_rate(Rate::Measured { failed: 0, runs: 300 }, bad);
        let mut test = SequentialTest::new(good, bad, 0.002);
        test.observe(true);
        assert_eq!(test.answer(), None);
        let more = (2..).find(|_| {
            test.observe(true);
            test.answer().is_some()
        });
        assert_eq!((test.answer(), more), (Some(Answer::Bad), Some(3)));
        let (mean, most) = expected_runs(&SequentialTest::new(good, bad, 0.002), 0.0);
        assert_eq!(mean, most, "without failures it always takes as long");
        assert!((250..450).contains(&mean), "{mean}");
    }

    #[test]
    fn known_chances_of_few_failures() {
        let chance = chance_of_so_few(Rate::Known(0.03), 2, 100);
        assert!((chance - 0.419_775).abs() < 1e-5, "{chance}");
        // Beta-binomial, by hand: B(10, 3) / B(10, 1) for two passes after 10 failures in 10 runs.
        let chance = chance_of_so_few(Rate::Measured { failed: 10, runs: 10 }, 0, 2);
        assert!((chance - 1.0 / 66.0).abs() < 1e-12, "{chance}");
        let all = chance_of_so_few(Rate::Measured { failed: 3, runs: 9 }, 20, 20);
        assert!((all - 1.0).abs() < 1e-9, "{all}");
    }

    #[test]
    fn rates_that_are_close_take_longer() {
        let runs = |good| {
            let test = SequentialTest::new(good, Rate::Known(0.03), 0.01);
            expected_runs(&test, good).0
        };
        assert!(runs(0.02) > 3 * runs(0.003), "{} and {}", runs(0.02), runs(0.003));
    }
}
