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

use std::collections::HashMap;

use serde::Serialize;

use super::stats::{self, Sample};
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

/// The value of times on the clock as evidence on single tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The ratios of all tests are alike, so that one far from them is a change.
    Steady,
    /// They are so different that the load must have changed, and a single one proves nothing.
    Disturbed,
    /// There are too few tests to know the load: a change may be that of the machine.
    Unknown,
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
        let shifts = Shifts::of(&pairs);
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

/// The change that all tests have in common.
#[derive(Debug, Clone, Copy, Default)]
struct Shift {
    /// The logarithm of the median ratio; 0 with few tests.
    common: f64,
    /// The distance of the quartiles of the logarithms; `None` with few tests.
    spread: Option<f64>,
}

impl Shift {
    fn of(pairs: &[Pair<'_>], sample: fn(&TestTally) -> &Sample) -> Self {
        let ratios = pairs.iter().filter_map(|pair| pair.ratio(sample));
        let mut ratios: Vec<f64> = ratios.map(f64::ln).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        if ratios.len() < COMMON_TESTS_MIN {
            return Self::default();
        }
        let at = |share: f64| ratios[(share * (ratios.len() - 1) as f64).round() as usize];
        Self { common: at(0.5), spread: Some(at(0.75) - at(0.25)) }
    }

    fn ratio(self) -> f64 {
        self.common.exp()
    }

    /// A small common ratio is not worth a word, and may be an error of the estimate.
    fn worth_a_word(self) -> Option<f64> {
        (self.common.abs() >= SMALL_RATIO.ln()).then(|| self.ratio())
    }
}

/// The common changes, and what follows for single tests.
#[derive(Debug)]
struct Shifts {
    clock: Clock,
    wall: Shift,
    cpu: Shift,
}

impl Shifts {
    fn of(pairs: &[Pair<'_>]) -> Self {
        let wall = Shift::of(pairs, |test| &test.time);
        let clock = match wall.spread {
            None => Clock::Unknown,
            Some(spread) if spread > STEADY_SPREAD_MAX => Clock::Disturbed,
            Some(_) => Clock::Steady,
        };
        Self { clock, wall, cpu: Shift::of(pairs, |test| &test.cpu) }
    }

    /// A change of a test's time below this logarithm of a ratio may be that of the load: it stretches
    /// the time of a test between not at all and about twice as much as that of the middle one.
    fn wall_limit(&self) -> f64 {
        let spread = self.wall.spread.unwrap_or(0.0);
        (OUTLIER * spread).max(2.0 * self.wall.common.abs()).max(SMALL_RATIO.ln())
    }

    /// The same for CPU time, which a neighbour on the same core makes longer.
    fn cpu_limit(&self) -> f64 {
        let drift =
            self.wall.spread.map_or(FEW_CPU_RATIO.ln(), |spread| spread.min(CPU_DRIFT.ln()));
        let spread = self.cpu.spread.unwrap_or(0.0);
        (OUTLIER * spread).max(drift).max(SMALL_RATIO.ln())
    }
}

impl Pair<'_> {
    fn row(&self, shifts: &Shifts) -> Row {
        let name = self.now.or(self.before).map_or_else(String::new, |test| test.name.clone());
        Row {
            name,
            before: self.before.map(side),
            now: self.now.map(side),
            failures: self.failures(),
            time: self.time(shifts),
            cpu: self.cpu(shifts),
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

    /// The change of the time on the clock, not corrected yet.
    fn time(&self, shifts: &Shifts) -> Option<Change> {
        let change = self.change(|test| &test.time, shifts.wall, shifts.wall_limit())?;
        Some(match shifts.clock {
            Clock::Steady => change,
            Clock::Disturbed => Change { p: 1.0, ..change },
            Clock::Unknown => Change { direction: Direction::Unclear, ..change },
        })
    }

    /// The change of the time on processors, not corrected yet; none that is a small part of the time
    /// on the clock is worth a word.
    fn cpu(&self, shifts: &Shifts) -> Option<Change> {
        let change = self.change(|test| &test.cpu, shifts.cpu, shifts.cpu_limit())?;
        let median = |sample: &Sample| stats::median(sample.values());
        let (before, now) = (self.before?, self.now?);
        let difference = median(&now.cpu)? / shifts.cpu.ratio() - median(&before.cpu)?;
        // The fastest run is the one that the load has stretched least.
        let fastest =
            |sample: &Sample| sample.values().iter().copied().fold(f32::INFINITY, f32::min);
        let clock = f64::from(fastest(&now.time).min(fastest(&before.time)));
        let is_part = difference.abs() >= (SMALL_RATIO - 1.0) * clock;
        Some(if is_part { change } else { Change { p: 1.0, ..change } })
    }

    /// The change of a sample beyond what is common to all tests. Below the limit it is left alone,
    /// however sure.
    fn change(
        &self,
        sample: fn(&TestTally) -> &Sample,
        shift: Shift,
        limit: f64,
    ) -> Option<Change> {
        let (before, now) = (sample(self.before?), sample(self.now?));
        let common = shift.ratio();
        let own = self.ratio(sample)? / common;
        let scale = |value: &f32| (f64::from(*value) / common) as f32;
        let scaled: Vec<f32> = now.values().iter().map(scale).collect();
        let p = stats::mann_whitney(before.values(), &scaled)?;
        let p = if own.ln().abs() <= limit { 1.0 } else { p };
        Some(Change { direction: direction(own > 1.0), ratio: Some(own), p })
    }

    fn ratio(&self, sample: fn(&TestTally) -> &Sample) -> Option<f64> {
        let median = |test: Option<&TestTally>| {
            let values = sample(test?).values();
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

/// A value so many times the distance of the quartiles from the median is far out.
const OUTLIER: f64 = 3.0;

/// Quartiles of the ratios that are further apart than this (a factor of 1.2) mean another load.
const STEADY_SPREAD_MAX: f64 = 0.2;

/// The factor by which a neighbour on the same core, or a cold cache, changed CPU times of single
/// tests beyond that of the others in campaigns with a load between none and ten times the processors.
const CPU_DRIFT: f64 = 1.3;

/// The same with few tests, where nothing is known of the others.
const FEW_CPU_RATIO: f64 = 1.4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Verdict;
    use crate::report::tally::tests::record;

    /// Numbers from 0 to 1 that follow from a seed.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// The load of the machine, in runnable processes a processor, as it wanders during a campaign.
    #[derive(Clone, Copy)]
    enum Load {
        /// The same all the time.
        Steady(f64),
        /// From anywhere to anywhere.
        Wandering,
    }

    /// A campaign of `tests` tests with 40 runs each, of which every twentieth fails. Tests compute for
    /// a share of their time and wait for the rest; computing is stretched by the load, and takes a
    /// little more CPU time on a busy machine. The first test does `factor` as much of everything.
    fn campaign(seed: u64, tests: usize, load: Load, factor: f64) -> Tally {
        let mut random = Random(seed);
        let mut tally = Tally::new((0..tests).map(|test| format!("test_{test}")));
        let mut others = match load {
            Load::Steady(others) => others,
            Load::Wandering => 8.0 * random.next(),
        };
        for run in 1..=40 {
            for test in 0..tests {
                if let Load::Wandering = load {
                    others = (others + 0.4 * (random.next() - 0.5)).clamp(0.0, 8.0);
                }
                let factor = if test == 0 { factor } else { 1.0 };
                let noise = 0.3 / (random.next() + 0.02).sqrt();
                let share = [1.0, 0.7, 0.3, 0.05][test % 4];
                let cpu_s =
                    factor * 0.002 * share * (1.0 + 0.15 * (others / 8.0)) * (1.0 + 0.1 * noise);
                let wait_s = factor * 0.002 * (1.0 - share) * (1.0 + 0.1 * noise);
                let wall_s = cpu_s * (1.0 + others * 2.0 * random.next()) * noise + wait_s;
                let verdict = if random.next() < 0.05 { Verdict::Failed } else { Verdict::Passed };
                let mut record = record("test", run, verdict, wall_s);
                (record.user_us, record.sys_us) = ((cpu_s * 1e6) as u64, 0);
                tally.record(test, &record);
            }
        }
        tally
    }

    /// The number of comparisons, of so many, that show any difference between equal campaigns.
    fn different(comparisons: u64, tests: usize, load: Load) -> u64 {
        let differs = |seed: &u64| {
            let before = campaign(2 * seed + 1_000_000, tests, load, 1.0);
            let now = campaign(2 * seed + 1_000_001, tests, load, 1.0);
            Comparison::new(&before, &now).is_different()
        };
        (0..comparisons).filter(differs).count() as u64
    }

    #[test]
    fn a_suite_compared_with_itself_shows_a_difference_in_one_of_twenty_comparisons_at_most() {
        for load in [Load::Steady(0.0), Load::Steady(4.0), Load::Wandering] {
            let found = different(100, 40, load);
            assert!(found <= 5, "{found} of 100");
        }
        let found = different(200, 3, Load::Wandering);
        assert!(found <= 10, "{found} of 200 with few tests");
    }

    #[test]
    fn a_test_that_became_slower_is_found_whatever_the_load() {
        let row = |tests, [before, now]: [Load; 2], factor: f64| {
            let before = campaign(1, tests, before, 1.0);
            let mut comparison = Comparison::new(&before, &campaign(2, tests, now, factor));
            (comparison.tests.swap_remove(0), comparison)
        };
        let (quiet, busy) = (Load::Steady(0.0), Load::Wandering);
        for loads in [[quiet, quiet], [quiet, busy], [busy, quiet], [busy, busy]] {
            let (slower, comparison) = row(40, loads, 2.5);
            assert_eq!(slower.cpu.unwrap().direction, Direction::Worse, "{slower:?}");
            assert!((2.0..3.0).contains(&slower.cpu.unwrap().ratio.unwrap()), "{slower:?}");
            assert!(!comparison.is_different(), "no other test");
            let (faster, _) = row(40, loads, 0.4);
            assert!(faster.is(Direction::Better) && !faster.is(Direction::Worse), "{faster:?}");
        }
        let (few, comparison) = row(3, [quiet, quiet], 2.5);
        assert_eq!(few.cpu.unwrap().direction, Direction::Worse);
        assert_eq!(few.time.unwrap().direction, Direction::Unclear, "the load is not known");
        assert_eq!(comparison.clock, Clock::Unknown);
    }

    #[test]
    fn a_test_that_waits_longer_is_found_on_a_steady_machine_only() {
        let compare = |load| {
            let slower = |seed, factor: f64| {
                let mut tally = Tally::new((0..20).map(|test| format!("test_{test}")));
                let before = campaign(seed, 20, load, 1.0);
                for (at, test) in before.tests().iter().enumerate() {
                    for (run, (wall, cpu)) in
                        (1..).zip(test.time.values().iter().zip(test.cpu.values()))
                    {
                        let factor = if at == 3 { factor } else { 1.0 };
                        let mut record =
                            record("test", run, Verdict::Passed, f64::from(*wall) * factor);
                        (record.user_us, record.sys_us) = ((f64::from(*cpu) * 1e6) as u64, 0);
                        tally.record(at, &record);
                    }
                }
                tally
            };
            Comparison::new(&slower(1, 1.0), &slower(2, 3.0))
        };
        let steady = compare(Load::Steady(0.0));
        assert_eq!(steady.clock, Clock::Steady);
        assert_eq!(steady.tests[3].time.unwrap().direction, Direction::Worse);
        assert_eq!(steady.tests[3].cpu.unwrap().direction, Direction::Same);
        assert!(steady.is_worse());
        let disturbed = compare(Load::Wandering);
        assert_eq!(disturbed.clock, Clock::Disturbed);
        assert!(!disturbed.is_different());
    }

    #[test]
    fn a_change_of_all_tests_is_said_once() {
        let (quiet, busy) = (Load::Steady(0.0), Load::Steady(1.0));
        let comparison = Comparison::new(&campaign(1, 40, quiet, 1.0), &campaign(2, 40, busy, 1.0));
        assert!(!comparison.is_different());
        assert!(comparison.common_ratio.unwrap() > 1.2, "{:?}", comparison.common_ratio);
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
