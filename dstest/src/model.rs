//! The words of the runner: iterations, verdicts, and the record of one finished run.
//!
//! [`RunRecord`] is both what the runner reports and what the store keeps, so that nothing on
//! screen can come from anywhere else. This module knows no process, file or terminal.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::coverage::RunCoverage;
use crate::seed::Seed;

/// Which repetition of a test a run is, counted from 1 through the whole campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Iteration(NonZeroU32);

impl Iteration {
    /// The first repetition.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The repetition with this number; `None` for 0.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The repetition after this one; stays at the largest number there is.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Iteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How one run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed and left nothing behind.
    Passed,
    /// It passed, but processes it had started were still there; they have been ended.
    Leaked,
    /// It said that it failed.
    Failed,
    /// It was ended because it ran longer than its timeout.
    TimedOut,
    /// A signal that dstest did not send ended it.
    Signalled,
    /// It was ended because it printed more than the limit.
    OutputLimit,
    /// It was ended because the user interrupted the campaign.
    Cancelled,
    /// It could not be started, or the test was not in the binary: nothing is known of the test.
    NotStarted,
}

impl Verdict {
    /// Every verdict, in the order in which summaries list them.
    pub const ALL: [Self; 8] = [
        Self::Passed,
        Self::Leaked,
        Self::Failed,
        Self::TimedOut,
        Self::Signalled,
        Self::OutputLimit,
        Self::Cancelled,
        Self::NotStarted,
    ];

    /// What the verdict means for the failure rate.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Passed | Self::Leaked => Class::Pass,
            Self::Failed | Self::TimedOut | Self::Signalled | Self::OutputLimit => Class::Fail,
            Self::Cancelled | Self::NotStarted => Class::Inconclusive,
        }
    }

    /// The verdict as a word or two for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Leaked => "leaked",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Signalled => "killed",
            Self::OutputLimit => "output limit",
            Self::Cancelled => "cancelled",
            Self::NotStarted => "not started",
        }
    }
}

/// What a verdict means for the failure rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Counts as a run that passed.
    Pass,
    /// Counts as a run that failed.
    Fail,
    /// Says nothing of the test and is counted apart.
    Inconclusive,
}

/// What a lab test reports of itself in its `... Passed --` line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Seconds the cluster believes it ran (virtual or real).
    pub cluster_s: f64,
    /// Peers in the cluster.
    pub peers: u64,
    /// Messages sent.
    pub rpcs: u64,
    /// Bytes sent, where they are counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// Commands committed.
    pub commands: u64,
}

/// What the operating system measured of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// From start to end on the wall clock.
    pub wall: Duration,
    /// Processor time in the program.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Peak memory in KiB; never below that of dstest itself, which the kernel passes on.
    pub max_rss_kib: u64,
}

/// One finished run, as reported and as stored (one line of `events.jsonl`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Schema version of the line: [`RunRecord::VERSION`].
    pub v: u32,
    /// Display name of the test.
    pub test: String,
    /// Which repetition.
    pub iter: Iteration,
    /// The seed it ran with.
    pub seed: Seed,
    /// Start, in milliseconds since the campaign started.
    pub start_ms: u64,
    /// Wall time in microseconds.
    pub wall_us: u64,
    /// User time in microseconds.
    pub user_us: u64,
    /// System time in microseconds.
    pub sys_us: u64,
    /// Peak memory in KiB.
    pub maxrss_kib: u64,
    /// How it ended.
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
    /// What its Passed line reported.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metrics: Option<Metrics>,
    /// The situations it was in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub coverage: Option<RunCoverage>,
    /// Why it failed, in one line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
}

impl RunRecord {
    /// The schema version written into each line.
    pub const VERSION: u32 = 1;

    /// Wall time in seconds.
    #[must_use]
    pub fn wall_s(&self) -> f64 {
        Duration::from_micros(self.wall_us).as_secs_f64()
    }

    /// The one line that says why the run failed; the verdict where nothing better is known.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.signature.as_deref().unwrap_or_else(|| self.verdict.label())
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
