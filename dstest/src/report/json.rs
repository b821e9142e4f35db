//! The JSON export (and `summary.json`), schema 1: all times in seconds.

use serde::{Deserialize, Serialize};

use super::completion::{Completion, End};
use super::stats::{Sample, Summary};
use crate::record::{REPORTED_TIME, Verdict};
use crate::report::tally::{Tally, TestTally};
use crate::seed::Seed;
use crate::store::log_path;

/// The whole document.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Schema version: 1.
    pub schema: u32,
    /// The campaign's seed.
    pub seed: Seed,
    /// The same as text, for readers whose numbers are floating point.
    #[serde(default)]
    pub seed_text: String,
    /// Start (RFC 3339, UTC).
    pub started: String,
    /// The duration of the campaign.
    pub wall_s: f64,
    /// Runs that were planned; absent without a number.
    #[serde(default)]
    pub planned: Option<u64>,
    /// Runs with a result, skipped ones included.
    #[serde(default)]
    pub done: u64,
    /// Planned runs that `--max-fail-per-test` left out; they are not done.
    #[serde(default)]
    pub left_out: u64,
    /// `true` if nothing that was planned is missing.
    #[serde(default)]
    pub complete: bool,
    /// `true` if it was interrupted or killed before its end, and not resumed to it.
    pub interrupted: bool,
    /// The way it ended; absent in summaries of older versions.
    #[serde(default)]
    pub end: Option<End>,
    /// One entry for each test, in the order of the campaign.
    pub tests: Vec<TestEntry>,
}

/// One test.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct TestEntry {
    /// Display name.
    pub name: String,
    /// The name that is the same in every campaign.
    #[serde(default)]
    pub key: String,
    /// Runs that failed, timeouts included.
    pub failed: u64,
    /// Runs that passed or failed.
    pub total: u64,
    /// Runs that were skipped; they are not in `total`.
    #[serde(default)]
    pub skipped: u64,
    /// Runs that failed at first and passed when repeated; they are in `total`, not in `failed`.
    #[serde(default)]
    pub flaky: u64,
    /// Runs that timed out.
    pub timeouts: u64,
    /// Wall time of passed runs; absent if none passed.
    pub time: Option<Summary>,
    /// The time that passed runs reported; absent if none did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cluster_time: Option<Summary>,
    /// Every failed run.
    pub failures: Vec<FailureEntry>,
    /// Every flaky run, with the failure of its first attempt.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub flaky_runs: Vec<FailureEntry>,
}

/// One failed run.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureEntry {
    /// The iteration.
    pub iter: u32,
    /// Its seed.
    pub seed: Seed,
    /// The same as text.
    #[serde(default)]
    pub seed_text: String,
    /// Its log, relative to the campaign's directory.
    pub log: String,
    /// The reason in one line: that of the first failure of its group.
    pub signature: String,
    /// The number of its attempts.
    #[serde(default = "one")]
    pub attempts: usize,
}

/// The part of a document that is not in the tally.
#[derive(Debug, Clone)]
pub struct Head {
    /// The campaign's seed.
    pub seed: Seed,
    /// Start (RFC 3339, UTC).
    pub started: String,
    /// The duration of the campaign in seconds.
    pub wall_s: f64,
    /// The runs that were planned, and the end.
    pub completion: Completion,
}

impl Document {
    /// The document of a tally.
    #[must_use]
    pub fn new(head: Head, tally: &Tally) -> Self {
        let Head { seed, started, wall_s, completion } = head;
        let tests = tally.tests().iter().map(|test| entry(test, tally)).collect();
        Self {
            schema: 1,
            seed,
            seed_text: seed.to_string(),
            started,
            wall_s,
            planned: completion.planned,
            done: completion.done,
            left_out: completion.left_out.map_or(0, |left_out| left_out.runs),
            complete: completion.is_complete(),
            interrupted: completion.is_interrupted(),
            end: Some(completion.end),
            tests,
        }
    }

    /// The number of runs, and of how many that were planned.
    #[must_use]
    pub fn runs(&self) -> String {
        let end = self.end.unwrap_or(End::Complete);
        Completion { planned: self.planned, done: self.done, left_out: None, end }.runs()
    }

    /// As text, with a line end.
    #[must_use]
    pub fn text(&self) -> String {
        // Numbers and strings always have a JSON form; a float that has none becomes null.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The attempts of runs in documents of older versions.
const fn one() -> usize {
    1
}

fn entry(test: &TestTally, tally: &Tally) -> TestEntry {
    let failure = |failure: &crate::report::tally::Failure| FailureEntry {
        iter: failure.iter.number(),
        seed: failure.seed,
        seed_text: failure.seed.to_string(),
        log: log_path(&test.name, failure.iter),
        signature: tally.groups()[failure.group].signature.clone(),
        attempts: failure.attempts,
    };
    // By their numbers: a document is the same however runs were placed in time, and on machines.
    let entries = |failures: &[crate::report::tally::Failure]| {
        let mut entries: Vec<FailureEntry> = failures.iter().map(failure).collect();
        entries.sort_by_key(|entry| entry.iter);
        entries
    };
    TestEntry {
        name: test.name.clone(),
        key: test.key.clone(),
        failed: test.failed(),
        total: test.total(),
        skipped: test.count(Verdict::Skipped),
        flaky: test.count(Verdict::Flaky),
        timeouts: test.count(Verdict::TimedOut),
        time: test.time.summary(),
        cluster_time: test.metrics.sample(REPORTED_TIME).and_then(Sample::summary),
        failures: entries(&test.failures),
        flaky_runs: entries(&test.flaky),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tally::tests::record;

    #[test]
    fn the_document() {
        let mut tally = Tally::new(["a"]);
        for iter in 1..=4 {
            tally.record(0, &record("a", iter, Verdict::Passed, 0.5 * f64::from(iter)));
        }
        tally.record(0, &record("a", 5, Verdict::TimedOut, 9.0));
        let head = Head {
            seed: Seed::new(7),
            started: "2026-11-23T11:59:16Z".into(),
            wall_s: 3.5,
            completion: Completion {
                planned: Some(5),
                done: 5,
                left_out: None,
                end: End::Complete,
            },
        };
        let text = Document::new(head, &tally).text();
        insta::assert_snapshot!(text);
        let again: Document = serde_json::from_str(&text).unwrap();
        assert_eq!(again.text(), text);
    }
}
