//! The tally: counts and times of each test, from the records so far.
//!
//! It is made of records alone, so the same table comes out of a running campaign and of its
//! store. Memory: twelve bytes for each run that passed, some twenty for each that failed.

use std::collections::HashMap;

use super::coverage::Coverage;
use super::metrics::MetricTally;
use crate::record::signature::group_key;
use crate::record::{Class, FailureKind, RunRecord, Verdict};
use crate::report::stats::{Moments, Sample};
use crate::seed::{Iteration, Seed};
use crate::suite::Test;

/// Counts and times of a whole campaign.
#[derive(Debug, Default)]
pub struct Tally {
    tests: Vec<TestTally>,
    groups: Vec<Group>,
    group_of: HashMap<(usize, FailureKind, String), usize>,
    /// Runs without a result, by the key of their test; the same run may come again.
    open: HashMap<(String, Iteration), (usize, Verdict)>,
    start_error: Option<String>,
    busy_s: f64,
    coverage: Coverage,
}

/// Counts and times of one test.
#[derive(Debug, Default)]
pub struct TestTally {
    /// Display name.
    pub name: String,
    /// The name that is the same in every campaign.
    pub key: String,
    /// Runs by verdict, in the order of [`Verdict::ALL`].
    counts: [u64; Verdict::ALL.len()],
    /// Wall seconds of runs that passed.
    pub time: Sample,
    /// CPU seconds of runs that passed.
    pub cpu: Sample,
    /// Wall seconds of all runs with a result.
    pub any_time: Moments,
    /// User seconds of runs that passed.
    pub user: Moments,
    /// System seconds of runs that passed.
    pub system: Moments,
    /// Peak KiB of runs that passed.
    pub memory_kib: Moments,
    /// Numbers that runs that passed reported.
    pub metrics: MetricTally,
    /// The reason of its first skipped run.
    pub skip_reason: Option<String>,
    /// Every run that failed, in the order of their ends.
    pub failures: Vec<Failure>,
    /// Every run that failed at first and passed when repeated.
    pub flaky: Vec<Failure>,
}

/// One run that failed, or one of whose attempts did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The iteration.
    pub iter: Iteration,
    /// Its seed.
    pub seed: Seed,
    /// The group of equal failures it belongs to.
    pub group: usize,
    /// The number of its attempts.
    pub attempts: usize,
}

/// Equal failures of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The index of the test.
    pub test: usize,
    /// Failures for good, or of runs that passed when repeated.
    pub kind: FailureKind,
    /// The signature of the one with the lowest number.
    pub signature: String,
    /// The one with the lowest number, whichever has ended first: a report is the same however runs
    /// were placed in time.
    pub first: Iteration,
    /// The one that has ended first.
    pub seen_first: Iteration,
    /// Their number.
    pub count: u64,
}

impl Tally {
    /// An empty tally of these tests.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let test = |name: String| TestTally { key: name.clone(), name, ..TestTally::default() };
        let names = names.into_iter().map(Into::into);
        Self { tests: names.map(test).collect(), ..Self::default() }
    }

    /// An empty tally of the tests of a campaign.
    #[must_use]
    pub fn of(tests: &[Test]) -> Self {
        let mut tally = Self::new(tests.iter().map(|test| test.name.clone()));
        for (own, test) in tally.tests.iter_mut().zip(tests) {
            own.key.clone_from(&test.key);
        }
        tally
    }

    /// Adds a run of the test with this index; returns the group of a failure. A run without a result,
    /// such as a cancelled one, counts until the same run comes again.
    ///
    /// # Panics
    /// If the index is out of range.
    pub fn record(&mut self, test: usize, record: &RunRecord) -> Option<&Group> {
        self.replace_open(test, record);
        let kind = record.verdict.failure();
        let group = kind.map(|kind| self.group(test, kind, record));
        if record.verdict == Verdict::NotStarted {
            self.start_error.get_or_insert_with(|| record.reason().to_owned());
        }
        self.busy_s += record.cpu_s();
        if let Some(said) = &record.coverage {
            self.coverage.add(said);
        }
        let tally = &mut self.tests[test];
        tally.counts[record.verdict as usize] += 1;
        if record.verdict == Verdict::Skipped {
            tally.skip_reason.get_or_insert_with(|| record.reason().to_owned());
        }
        if record.verdict.class() != Class::Inconclusive {
            tally.any_time.push(record.wall_s());
        }
        if let (Some(kind), Some(group)) = (kind, group) {
            let (iter, seed, attempts) = (record.iter, record.seed, record.attempts());
            tally.failures_of(kind).push(Failure { iter, seed, group, attempts });
        } else if record.verdict.class() == Class::Pass {
            tally.passed(record);
        }
        group.map(|group| &self.groups[group])
    }

    /// The tests, in the order of the campaign.
    #[must_use]
    pub fn tests(&self) -> &[TestTally] {
        &self.tests
    }

    /// The groups of equal failures, in the order in which they were first seen.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The reason of the first run that could not be started; `None` if all could.
    #[must_use]
    pub fn start_error(&self) -> Option<&str> {
        self.start_error.as_deref()
    }

    /// The reason of the first skipped run; `None` if none was skipped.
    #[must_use]
    pub fn skip_reason(&self) -> Option<&str> {
        self.tests.iter().find_map(|test| test.skip_reason.as_deref())
    }

    /// `true` if runs have ended, and none of them has tested anything: all were skipped.
    #[must_use]
    pub fn nothing_tested(&self) -> bool {
        self.total() == 0 && self.count(Verdict::Skipped) > 0
    }

    /// CPU seconds of all runs together, whatever their verdict.
    #[must_use]
    pub const fn busy_s(&self) -> f64 {
        self.busy_s
    }

    /// The coverage of situations.
    #[must_use]
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Runs with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.tests.iter().map(|test| test.count(verdict)).sum()
    }

    /// Runs with a result.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.tests.iter().map(TestTally::total).sum()
    }

    /// Runs that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.tests.iter().map(TestTally::failed).sum()
    }

    /// All runs that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        Verdict::ALL.iter().map(|verdict| self.count(*verdict)).sum()
    }

    /// Takes back what was counted for the same run before, if that had no result.
    fn replace_open(&mut self, test: usize, record: &RunRecord) {
        let is_open = record.verdict.class() == Class::Inconclusive;
        if self.open.is_empty() && !is_open {
            return;
        }
        let run = (record.test.clone(), record.iter);
        let before = match is_open {
            true => self.open.insert(run, (test, record.verdict)),
            false => self.open.remove(&run),
        };
        if let Some((test, verdict)) = before {
            self.tests[test].counts[verdict as usize] -= 1;
        }
    }

    fn group(&mut self, test: usize, kind: FailureKind, record: &RunRecord) -> usize {
        let signature = record.reason();
        let next = self.groups.len();
        let group = *self.group_of.entry((test, kind, group_key(signature))).or_insert(next);
        if group == next {
            let (signature, first) = (signature.to_owned(), record.iter);
            let seen_first = first;
            self.groups.push(Group { test, kind, signature, first, seen_first, count: 0 });
        }
        let known = &mut self.groups[group];
        known.count += 1;
        if record.iter < known.first {
            known.first = record.iter;
            signature.clone_into(&mut known.signature);
        }
        group
    }
}

impl TestTally {
    /// Runs with this verdict.
    #[must_use]
    pub const fn count(&self, verdict: Verdict) -> u64 {
        self.counts[verdict as usize]
    }

    /// Runs with a result.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.class(Class::Pass) + self.class(Class::Fail)
    }

    /// Runs that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.class(Class::Fail)
    }

    /// The mean wall time of passed runs in seconds; 0 if none has passed.
    #[must_use]
    pub fn expected_s(&self) -> f64 {
        self.time.moments().mean().unwrap_or(0.0)
    }

    /// The runs with failures of this kind, in the order of their ends.
    #[must_use]
    pub fn failures_of(&mut self, kind: FailureKind) -> &mut Vec<Failure> {
        match kind {
            FailureKind::Final => &mut self.failures,
            FailureKind::Flaky => &mut self.flaky,
        }
    }

    fn class(&self, class: Class) -> u64 {
        let of_class = Verdict::ALL.iter().filter(|verdict| verdict.class() == class);
        of_class.map(|verdict| self.count(*verdict)).sum()
    }

    /// The times of the same test in several campaigns together.
    pub(super) fn pooled<'a>(tests: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut pooled = Self::default();
        for test in tests {
            for (own, other) in [(&mut pooled.time, &test.time), (&mut pooled.cpu, &test.cpu)] {
                other.values().iter().for_each(|value| own.push(f64::from(*value)));
            }
        }
        pooled
    }

    fn passed(&mut self, record: &RunRecord) {
        self.time.push(record.wall_s());
        self.cpu.push(record.cpu_s());
        self.user.push(record.user_us as f64 / 1e6);
        self.system.push(record.sys_us as f64 / 1e6);
        self.memory_kib.push(record.maxrss_kib as f64);
        if let Some(metrics) = &record.metrics {
            self.metrics.add(metrics);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::{Metrics, REPORTED_TIME};
    use crate::seed::SeedWidth;
    use serde_json::Number;

    /// A record of the test `name`, as far as tests care.
    pub(crate) fn record(name: &str, iter: u32, verdict: Verdict, wall_s: f64) -> RunRecord {
        let iter = Iteration::new(iter).unwrap();
        let counts = [("peers", 3), ("rpcs", 100), ("bytes", 2048), ("commands", 7)];
        let counts = counts.map(|(name, count)| (name, Number::from(count)));
        let time = Number::from_f64(wall_s * 100.0).map(|seconds| (REPORTED_TIME, seconds));
        let metrics: Metrics = time.into_iter().chain(counts).collect();
        RunRecord {
            v: RunRecord::VERSION,
            test: name.to_owned(),
            iter,
            seed: Seed::new(7).derive(name, iter, SeedWidth::Bits53),
            start_ms: 0,
            slot: None,
            wall_us: (wall_s * 1e6) as u64,
            user_us: (wall_s * 5e5) as u64,
            sys_us: (wall_s * 2e5) as u64,
            maxrss_kib: 4096,
            verdict,
            code: Some(i32::from(verdict.class() != Class::Pass)),
            signal: None,
            log: None,
            log_bytes: 10,
            trace: None,
            metrics: (verdict == Verdict::Passed).then_some(metrics),
            coverage: None,
            retries: Vec::new(),
            signature: (verdict.failure().is_some())
                .then(|| format!("two leaders in term {iter} (a.rs:1:2)")),
        }
    }

    #[test]
    fn only_passed_runs_have_a_time_and_only_runs_with_a_result_a_total() {
        let mut tally = Tally::new(["a", "b"]);
        tally.record(0, &record("a", 1, Verdict::Passed, 1.0));
        tally.record(0, &record("a", 2, Verdict::TimedOut, 99.0));
        tally.record(0, &record("a", 3, Verdict::Cancelled, 50.0));
        tally.record(0, &record("a", 4, Verdict::NotStarted, 0.0));
        tally.record(0, &record("a", 5, Verdict::Leaked, 3.0));
        let test = &tally.tests()[0];
        assert_eq!((test.failed(), test.total(), tally.ended()), (1, 3, 5));
        assert!((test.expected_s() - 2.0).abs() < 1e-9);
        assert_eq!(tally.tests()[1].total(), 0);
    }

    #[test]
    fn a_run_that_was_cancelled_and_then_repeated_counts_once() {
        let mut tally = Tally::new(["a", "b"]);
        for verdict in [Verdict::Cancelled, Verdict::Cancelled, Verdict::NotStarted] {
            tally.record(0, &record("a", 1, verdict, 1.0));
            tally.record(1, &record("b", 1, verdict, 1.0));
        }
        assert_eq!((tally.ended(), tally.count(Verdict::NotStarted)), (2, 2));
        tally.record(0, &record("a", 1, Verdict::Failed, 1.0));
        assert_eq!((tally.ended(), tally.total(), tally.count(Verdict::Cancelled)), (2, 1, 0));
        tally.record(0, &record("a", 2, Verdict::Cancelled, 1.0));
        assert_eq!((tally.ended(), tally.count(Verdict::Cancelled)), (3, 1), "another run");
    }

    #[test]
    fn a_flaky_run_passes_but_its_failure_is_known_and_its_time_is_none_of_a_pass() {
        let mut tally = Tally::new(["a"]);
        tally.record(0, &record("a", 1, Verdict::Passed, 1.0));
        tally.record(0, &record("a", 2, Verdict::Flaky, 9.0));
        tally.record(0, &record("a", 3, Verdict::Failed, 9.0));
        let test = &tally.tests()[0];
        assert_eq!((test.failed(), test.total(), test.flaky.len()), (1, 3, 1));
        assert!((test.expected_s() - 1.0).abs() < 1e-9);
        let kinds: Vec<_> = tally.groups().iter().map(|group| group.kind).collect();
        assert_eq!(kinds, [FailureKind::Flaky, FailureKind::Final]);
    }

    #[test]
    fn equal_failures_are_one_group() {
        let mut tally = Tally::new(["a", "b"]);
        for iter in 1..=3 {
            tally.record(0, &record("a", iter, Verdict::Failed, 1.0));
        }
        tally.record(1, &record("b", 1, Verdict::Failed, 1.0));
        let counts: Vec<_> = tally.groups().iter().map(|group| (group.test, group.count)).collect();
        assert_eq!(counts, [(0, 3), (1, 1)]);
        assert_eq!(tally.tests()[0].failures.len(), 3);
    }

    #[test]
    fn the_first_of_a_kind_is_that_with_the_lowest_number_in_any_order() {
        for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let mut tally = Tally::new(["a"]);
            for iter in order {
                tally.record(0, &record("a", iter, Verdict::Failed, 1.0));
            }
            let group = &tally.groups()[0];
            let first = (group.first.number(), group.signature.as_str());
            assert_eq!(first, (1, "two leaders in term 1 (a.rs:1:2)"), "{order:?}");
            assert_eq!(group.seen_first.number(), order[0]);
        }
    }
}
