//! The measurement of a commit by a campaign: counts its runs, and ends it as soon as they are enough.
//!
//! A trial is one iteration: one run of each test. Trials count in their order and not in that of their
//! ends: a run that hangs until its timeout would otherwise be outrun by hundreds that pass.

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::evidence::{Answer, GoodTest, Rate, SequentialTest};
use crate::record::signature::group_key;
use crate::record::{Class, RunRecord};

/// The failures that count.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// All.
    Any,
    /// Those with such a reason.
    Matching(Regex),
    /// Those with this [`group_key`].
    Equal(String),
}

impl Kind {
    fn counts(&self, reason: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Matching(pattern) => pattern.is_match(reason),
            Self::Equal(key) => group_key(reason) == *key,
        }
    }

    /// The key by which failures that count are told apart.
    fn key(&self, reason: &str) -> String {
        match self {
            Self::Any => group_key(reason),
            Self::Matching(_) | Self::Equal(_) => String::new(),
        }
    }
}

/// The reason to run, and to stop.
#[derive(Debug)]
pub(crate) enum Goal {
    /// Measure a bad commit, until one kind of failure has been seen so often.
    Failures(u64),
    /// Measure a good one, until it is told apart from the bad one.
    Distinguish(GoodTest),
    /// Decide between the rates of good and of bad commits.
    Decide(SequentialTest),
}

/// The trials so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trials {
    /// Trials with a failure that counts.
    pub(crate) failed: u64,
    /// Trials that passed.
    pub(crate) passed: u64,
    /// Trials with another failure only, which say nothing.
    pub(crate) other: u64,
    /// Trials without a result: skipped, cancelled, not started.
    pub(crate) nothing: u64,
}

impl Trials {
    /// Trials that say something.
    pub(crate) const fn counted(&self) -> u64 {
        self.failed + self.passed
    }

    /// The rate as measured.
    pub(crate) const fn rate(&self) -> Rate {
        Rate::Measured { failed: self.failed, runs: self.counted() }
    }

    /// All of them.
    pub(crate) const fn all(&self) -> u64 {
        self.counted() + self.other + self.nothing
    }
}

/// A kind of failure that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenKind {
    /// The index of its test.
    pub(crate) test: usize,
    /// The reason of the first one.
    pub(crate) reason: String,
    /// Their number.
    pub(crate) count: u64,
}

/// The result of one run.
#[derive(Debug)]
enum RunResult {
    Passed,
    Failed(String),
    Nothing,
}

/// The measurement of one commit.
#[derive(Debug)]
pub(crate) struct Measurement {
    kind: Kind,
    goal: Goal,
    /// No more trials than this.
    trials_max: u64,
    tests: usize,
    open: BTreeMap<u32, Vec<(usize, RunResult)>>,
    next: u32,
    trials: Trials,
    /// The kinds of failures that count, by test and key.
    kinds: BTreeMap<(usize, String), SeenKind>,
    /// The passes of each test.
    passed: BTreeMap<usize, u64>,
    wall_us: u64,
    runs: u64,
}

impl Measurement {
    /// A measurement with this goal, and no result after so many trials.
    pub(crate) fn new(kind: Kind, goal: Goal, trials_max: u64) -> Self {
        Self {
            kind,
            goal,
            trials_max,
            tests: 1,
            open: BTreeMap::new(),
            next: 1,
            trials: Trials::default(),
            kinds: BTreeMap::new(),
            passed: BTreeMap::new(),
            wall_us: 0,
            runs: 0,
        }
    }

    /// Sets the number of tests of the campaign that begins.
    pub(crate) fn begin(&mut self, tests: usize) {
        self.tests = tests;
    }

    /// Takes the record of a run; `true` once no more runs are needed.
    pub(crate) fn observe(&mut self, test: usize, record: &RunRecord) -> bool {
        // A run that passed when it was repeated has failed.
        let result = match (record.verdict.failure(), record.verdict.class()) {
            (Some(_), _) => RunResult::Failed(record.reason().to_owned()),
            (None, Class::Pass) => RunResult::Passed,
            (None, Class::Fail | Class::Skip | Class::Inconclusive) => RunResult::Nothing,
        };
        self.wall_us += record.wall_us;
        self.runs += 1;
        self.open.entry(record.iter.number()).or_default().push((test, result));
        while !self.is_over() && self.open.get(&self.next).is_some_and(|it| it.len() >= self.tests)
        {
            let results = self.open.remove(&self.next).unwrap_or_default();
            self.next += 1;
            self.count(results);
        }
        self.is_over()
    }

    fn count(&mut self, results: Vec<(usize, RunResult)>) {
        let (mut is_failed, mut is_other, mut is_passed) = (false, false, false);
        for (test, result) in results {
            match result {
                RunResult::Failed(reason) if self.kind.counts(&reason) => {
                    is_failed = true;
                    let key = (test, self.kind.key(&reason));
                    let seen = SeenKind { test, reason, count: 0 };
                    self.kinds.entry(key).or_insert(seen).count += 1;
                }
                RunResult::Failed(_) => is_other = true,
                RunResult::Passed => {
                    is_passed = true;
                    *self.passed.entry(test).or_default() += 1;
                }
                RunResult::Nothing => {}
            }
        }
        let trials = &mut self.trials;
        match (is_failed, is_other, is_passed) {
            (true, ..) => trials.failed += 1,
            (false, true, _) => trials.other += 1,
            (false, false, true) => trials.passed += 1,
            (false, false, false) => trials.nothing += 1,
        }
        let (failed, runs) = (trials.failed, trials.counted());
        match &mut self.goal {
            Goal::Decide(test) if is_failed || is_passed && !is_other => test.observe(is_failed),
            Goal::Distinguish(test) => test.observe(failed, runs),
            Goal::Decide(_) | Goal::Failures(_) => {}
        }
    }

    fn is_over(&self) -> bool {
        let says_nothing = self.trials.other + self.trials.nothing;
        self.is_reached()
            || self.trials.all() >= self.trials_max
            || says_nothing >= SAYS_NOTHING_MAX.max(SAYS_NOTHING_SHARE * self.trials.counted())
    }

    /// `true` if the goal is reached.
    pub(crate) fn is_reached(&self) -> bool {
        match &self.goal {
            Goal::Failures(wanted) => self.most_frequent().is_some_and(|it| it.count >= *wanted),
            Goal::Distinguish(test) => test.is_passed(),
            Goal::Decide(test) => test.answer().is_some(),
        }
    }

    /// The answer of a decision.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match &self.goal {
            Goal::Decide(test) => test.answer(),
            Goal::Failures(_) | Goal::Distinguish(_) => None,
        }
    }

    /// The trials so far.
    pub(crate) const fn trials(&self) -> Trials {
        self.trials
    }

    /// The kind that was seen most often.
    pub(crate) fn most_frequent(&self) -> Option<&SeenKind> {
        // The first of equal ones.
        self.kinds.values().rev().max_by_key(|kind| kind.count)
    }

    /// The trials of that kind's test alone, with other kinds as other failures.
    pub(crate) fn trials_of(&self, kind: &SeenKind) -> Trials {
        let of_test = self.kinds.values().filter(|it| it.test == kind.test);
        let all: u64 = of_test.map(|it| it.count).sum();
        Trials {
            failed: kind.count,
            passed: self.passed.get(&kind.test).copied().unwrap_or(0),
            other: self.trials.other + all - kind.count,
            nothing: self.trials.nothing,
        }
    }

    /// The mean wall time of a run in seconds; 0 before any.
    pub(crate) fn mean_s(&self) -> f64 {
        self.wall_us as f64 / 1e6 / self.runs.max(1) as f64
    }
}

/// So many trials that say nothing, and this many times more than those that do, do not become better.
const SAYS_NOTHING_MAX: u64 = 50;

/// See [`SAYS_NOTHING_MAX`].
const SAYS_NOTHING_SHARE: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Verdict;
    use crate::report::tally::tests::record;

    fn measurement(goal: Goal, tests: usize) -> Measurement {
        let mut measured = Measurement::new(Kind::Any, goal, 1000);
        measured.begin(tests);
        measured
    }

    fn decision() -> Goal {
        Goal::Decide(SequentialTest::new(0.0, Rate::Known(0.5), 0.1))
    }

    #[test]
    fn a_run_that_hangs_is_waited_for_however_many_pass_meanwhile() {
        let mut measured = measurement(decision(), 1);
        for iter in 2..=200 {
            assert!(!measured.observe(0, &record("a", iter, Verdict::Passed, 0.1)), "{iter}");
        }
        assert!(measured.observe(0, &record("a", 1, Verdict::TimedOut, 60.0)));
        assert_eq!(measured.answer(), Some(Answer::Bad));
        assert_eq!(measured.trials().counted(), 1, "and nothing after it was looked at");
    }

    #[test]
    fn a_trial_is_a_run_of_each_test_and_fails_if_one_does() {
        let mut measured = measurement(decision(), 2);
        assert!(!measured.observe(0, &record("a", 1, Verdict::Passed, 0.1)));
        assert_eq!(measured.trials().counted(), 0);
        assert!(measured.observe(1, &record("b", 1, Verdict::Failed, 0.1)));
        assert_eq!((measured.trials().failed, measured.answer()), (1, Some(Answer::Bad)));
    }

    #[test]
    fn failures_of_another_kind_say_nothing_and_a_commit_with_no_other_is_given_up() {
        let kind = Kind::Matching(Regex::new("three leaders").unwrap());
        let mut measured = Measurement::new(kind, decision(), 1000);
        let mut runs = 1..;
        let given_up = runs.find(|n| measured.observe(0, &record("a", *n, Verdict::Failed, 0.1)));
        assert_eq!((given_up, measured.answer()), (Some(50), None));
        assert_eq!(measured.trials(), Trials { other: 50, ..Trials::default() });
    }

    #[test]
    fn the_most_frequent_kind_of_a_bad_commit_is_measured_alone() {
        let mut measured = measurement(Goal::Failures(3), 2);
        for iter in 1..=9 {
            let mut other = record("a", iter, Verdict::Failed, 0.1);
            other.signature = Some("too late".to_owned());
            let first = if iter % 4 == 0 { other } else { record("a", iter, Verdict::Passed, 0.1) };
            let verdict = if iter % 3 == 0 { Verdict::Failed } else { Verdict::Passed };
            measured.observe(0, &first);
            assert_eq!(measured.observe(1, &record("b", iter, verdict, 0.1)), iter == 9);
        }
        let kind = measured.most_frequent().unwrap().clone();
        assert_eq!((kind.test, kind.count), (1, 3));
        assert_eq!(
            measured.trials_of(&kind),
            Trials { failed: 3, passed: 6, other: 0, nothing: 0 }
        );
    }

    #[test]
    fn a_flaky_run_has_failed() {
        let mut measured = measurement(decision(), 1);
        assert!(measured.observe(0, &record("a", 1, Verdict::Flaky, 0.1)));
        assert_eq!(measured.trials().failed, 1);
    }
}
