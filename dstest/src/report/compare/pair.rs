//! One test in two campaigns: its changes, and whether chance or the load explain them.

use std::collections::HashMap;

use super::load::{Clock, SMALL_RATIO, Shift, Shifts};
use super::{Change, Direction, Row, Side};
use crate::report::stats::{self, Sample};
use crate::report::tally::{Tally, TestTally};

/// A test in both campaigns.
pub(super) struct Pair<'a> {
    before: Option<&'a TestTally>,
    now: Option<&'a TestTally>,
}

/// The tests of both campaigns: those of the later one, then those that only the earlier one had.
pub(super) fn pairs<'a>(before: &'a Tally, now: &'a Tally) -> Vec<Pair<'a>> {
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

impl<'a> Pair<'a> {
    /// A test that is in both.
    pub(super) const fn of(before: &'a TestTally, now: &'a TestTally) -> Self {
        Self { before: Some(before), now: Some(now) }
    }

    /// The row of the table, its probabilities not corrected yet.
    pub(super) fn row(&self, shifts: &Shifts) -> Row {
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
    pub(super) fn time(&self, shifts: &Shifts) -> Option<Change> {
        let change = self.change(|test| &test.time, shifts.wall, shifts.wall_limit())?;
        Some(match shifts.clock {
            Clock::Steady => change,
            Clock::Disturbed => Change { p: 1.0, ..change },
            Clock::Unknown => Change { direction: Direction::Unclear, ..change },
        })
    }

    /// The change of the time on processors, not corrected yet; none that is a small part of the time
    /// on the clock is worth a word.
    pub(super) fn cpu(&self, shifts: &Shifts) -> Option<Change> {
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

    /// The later median divided by the earlier one; `None` with few runs that passed.
    pub(super) fn ratio(&self, sample: fn(&TestTally) -> &Sample) -> Option<f64> {
        let median = |test: Option<&TestTally>| median(sample(test?).values());
        ratio(median(self.before), median(self.now))
    }
}

/// The median; `None` with few values.
pub(in crate::report) fn median(values: &[f32]) -> Option<f64> {
    (values.len() >= stats::RANKED_VALUES_MIN).then(|| stats::median(values)).flatten()
}

/// The later value divided by the earlier one; `None` where that says nothing.
pub(in crate::report) fn ratio(before: Option<f64>, now: Option<f64>) -> Option<f64> {
    let ratio = now? / before?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

fn side(test: &TestTally) -> Side {
    let median_s = stats::median(test.time.values());
    Side { failed: test.failed(), total: test.total(), median_s }
}

const fn direction(is_worse: bool) -> Direction {
    if is_worse { Direction::Worse } else { Direction::Better }
}
