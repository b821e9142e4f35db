//! The record of one finished run.
//!
//! [`RunRecord`] is both what the runner reports and what the store keeps, so that nothing on
//! screen can come from anywhere else. This module knows no process, file or terminal.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::coverage::RunCoverage;
use super::metrics::Metrics;
use super::signature::group_key;
use super::verdict::{Class, Verdict};
use crate::seed::{Iteration, Seed};

/// One finished run, as reported and as stored (one line of `events.jsonl`). With retries, everything
/// but the verdict is that of its first attempt: the failure is the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Schema version of the line: [`RunRecord::VERSION`].
    pub v: u32,
    /// The key of the test; its short name in campaigns of older versions.
    pub test: String,
    /// The iteration.
    pub iter: Iteration,
    /// The seed it ran with.
    pub seed: Seed,
    /// Start, in milliseconds since the campaign started.
    pub start_ms: u64,
    /// The worker's number; absent in lines of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slot: Option<u32>,
    /// Wall time in microseconds.
    pub wall_us: u64,
    /// User time in microseconds.
    pub user_us: u64,
    /// System time in microseconds.
    pub sys_us: u64,
    /// Peak memory in KiB.
    pub maxrss_kib: u64,
    /// The exit status.
    pub verdict: Verdict,
    /// Exit code, if it ended by exiting.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<i32>,
    /// Signal, if one ended it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<i32>,
    /// The kept log, relative to the run's directory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<String>,
    /// Bytes it printed.
    pub log_bytes: u64,
    /// The trace hash it printed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace: Option<Trace>,
    /// Numbers that it reported.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metrics: Option<Metrics>,
    /// The situations that it reached.
    #[serde(rename = "sometimes", skip_serializing_if = "Option::is_none", default)]
    pub coverage: Option<RunCoverage>,
    /// The reason of its failure, in one line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
    /// The attempts after the first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub retries: Vec<Retry>,
}

/// A further attempt of a run that failed, with the same seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Its own verdict.
    pub verdict: Verdict,
    /// Wall time in microseconds.
    pub wall_us: u64,
    /// CPU time in microseconds.
    pub cpu_us: u64,
    /// Its reason, unless it passed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
    /// The kept log, relative to the run's directory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<String>,
}

impl RunRecord {
    /// The schema version written into each line.
    pub const VERSION: u32 = 1;

    /// Wall time in seconds.
    #[must_use]
    pub fn wall_s(&self) -> f64 {
        Duration::from_micros(self.wall_us).as_secs_f64()
    }

    /// Wall time of all attempts, in microseconds.
    #[must_use]
    pub fn wall_us_of_all(&self) -> u64 {
        let retries: u64 = self.retries.iter().map(|retry| retry.wall_us).sum();
        self.wall_us.saturating_add(retries)
    }

    /// Its end, in milliseconds since the campaign started.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.start_ms.saturating_add(self.wall_us_of_all().div_ceil(1000))
    }

    /// CPU time of all attempts, in seconds.
    #[must_use]
    pub fn cpu_s(&self) -> f64 {
        let retries: u64 = self.retries.iter().map(|retry| retry.cpu_us).sum();
        Duration::from_micros(self.user_us + self.sys_us + retries).as_secs_f64()
    }

    /// The number of its attempts.
    #[must_use]
    pub fn attempts(&self) -> usize {
        1 + self.retries.len()
    }

    /// Adds a further attempt of a run that has failed so far, which decides about the verdict if it
    /// passed, or was cancelled.
    pub fn retried(&mut self, attempt: Self) {
        let verdict = attempt.verdict;
        match verdict.class() {
            Class::Pass => self.verdict = Verdict::Flaky,
            Class::Inconclusive if verdict == Verdict::Cancelled => self.verdict = verdict,
            Class::Inconclusive | Class::Fail | Class::Skip => {}
        }
        let (wall_us, cpu_us) = (attempt.wall_us, attempt.user_us + attempt.sys_us);
        let (signature, log) = (attempt.signature, attempt.log);
        self.retries.push(Retry { verdict, wall_us, cpu_us, signature, log });
    }

    /// The reason of a failure in one line; the verdict if nothing better is known.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.signature.as_deref().unwrap_or_else(|| self.verdict.label())
    }

    /// Differences between this run and its repetition, as sentences: verdict, kind of failure,
    /// trace.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.verdict != now.verdict {
            let (old, new) = (self.verdict.label(), now.verdict.label());
            differences.push(format!("{old} before, {new} now"));
        } else if group_key(self.reason()) != group_key(now.reason()) {
            differences.push(format!("another failure before: {}", self.reason()));
        }
        if self.trace != now.trace {
            let hex = |trace: Option<Trace>| trace.map_or("none".to_owned(), |t| t.to_string());
            let (old, new) = (hex(self.trace), hex(now.trace));
            differences.push(format!("trace {old} before, {new} now"));
        }
        differences
    }
}

/// The hash a deterministic test prints over everything that happened (`trace=<16 hex>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Trace(u64);

impl Trace {
    /// Reads exactly 16 hexadecimal digits.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        if digits.len() != 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let text = std::str::from_utf8(digits).ok()?;
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Trace> for String {
    fn from(trace: Trace) -> Self {
        trace.to_string()
    }
}

impl TryFrom<String> for Trace {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_hex(text.as_bytes()).ok_or("a trace is 16 hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_line_is_read_and_written_as_ever() {
        let stored = concat!(
            r#"{"v":1,"test":"a","iter":2,"seed":3,"start_ms":4,"wall_us":5,"user_us":6,"#,
            r#""sys_us":7,"maxrss_kib":8,"verdict":"timed-out","code":1,"signal":9,"#,
            r#""log":"logs/a/2.log","log_bytes":77,"trace":"000000000000039c","#,
            r#""metrics":{"bytes":2048,"cluster_s":2.5,"commands":7,"peers":3,"rpcs":100},"#,
            r#""sometimes":[["x",2],["y",0]],"signature":"error: wrong"}"#,
        );
        let record: RunRecord = serde_json::from_str(stored).unwrap();
        assert!(record.coverage.is_some() && record.metrics.is_some());
        assert_eq!(serde_json::to_string(&record).unwrap(), stored);
    }
}
