//! The common change of all tests: the load of the machine, which is not theirs.

use serde::Serialize;

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

/// The change that all tests have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shift {
    /// The logarithm of the median ratio; 0 with few tests.
    common: f64,
    /// The distance of the quartiles of the logarithms; `None` with few tests.
    spread: Option<f64>,
}

impl Shift {
    /// Of the ratios of all tests, later to earlier.
    pub(super) fn of(ratios: impl Iterator<Item = f64>) -> Self {
        let mut ratios: Vec<f64> = ratios.map(f64::ln).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        if ratios.len() < COMMON_TESTS_MIN {
            return Self::default();
        }
        let at = |share: f64| ratios[(share * (ratios.len() - 1) as f64).round() as usize];
        Self { common: at(0.5), spread: Some(at(0.75) - at(0.25)) }
    }

    /// The ratio of the middle test.
    pub(super) fn ratio(self) -> f64 {
        self.common.exp()
    }

    /// A small common ratio is not worth a word, and may be an error of the estimate.
    pub(super) fn worth_a_word(self) -> Option<f64> {
        (self.common.abs() >= SMALL_RATIO.ln()).then(|| self.ratio())
    }
}

/// The common changes, and what follows for single tests.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Shifts {
    pub(super) clock: Clock,
    pub(super) wall: Shift,
    pub(super) cpu: Shift,
}

impl Shifts {
    /// Of the ratios of times on the clock and on processors.
    pub(in crate::report) fn of(
        wall: impl Iterator<Item = f64>,
        cpu: impl Iterator<Item = f64>,
    ) -> Self {
        let wall = Shift::of(wall);
        let clock = match wall.spread {
            None => Clock::Unknown,
            Some(spread) if spread > STEADY_SPREAD_MAX => Clock::Disturbed,
            Some(_) => Clock::Steady,
        };
        Self { clock, wall, cpu: Shift::of(cpu) }
    }

    /// A change of a test's time below this logarithm of a ratio may be that of the load: it stretches
    /// the time of a test between not at all and about twice as much as that of the middle one.
    pub(super) fn wall_limit(&self) -> f64 {
        let spread = self.wall.spread.unwrap_or(0.0);
        (OUTLIER * spread).max(2.0 * self.wall.common.abs()).max(SMALL_RATIO.ln())
    }

    /// The same for CPU time, which a neighbour on the same core makes longer.
    pub(super) fn cpu_limit(&self) -> f64 {
        let drift =
            self.wall.spread.map_or(FEW_CPU_RATIO.ln(), |spread| spread.min(CPU_DRIFT.ln()));
        let spread = self.cpu.spread.unwrap_or(0.0);
        (OUTLIER * spread).max(drift).max(SMALL_RATIO.ln())
    }
}

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
