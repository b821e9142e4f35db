//! The outcome of one run, and its weight in the failure rate.

use serde::{Deserialize, Serialize};

/// The outcome of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed and left nothing behind.
    Passed,
    /// It passed, but processes it had started were still there; they have been ended.
    Leaked,
    /// It failed, and passed when it was repeated, as `retries` of `dstest.toml` allows.
    Flaky,
    /// It tested nothing, by its own word.
    Skipped,
    /// It failed by its own verdict.
    Failed,
    /// It was ended because it ran longer than its timeout.
    TimedOut,
    /// A signal that dstest did not send ended it.
    Signalled,
    /// It was ended because it printed more than the limit.
    OutputLimit,
    /// It was ended because the user interrupted the campaign.
    Cancelled,
    /// It could not be started, or the test was not in the binary.
    NotStarted,
}

impl Verdict {
    /// Every verdict, in the order in which summaries list them.
    pub const ALL: [Self; 10] = [
        Self::Passed,
        Self::Leaked,
        Self::Flaky,
        Self::Skipped,
        Self::Failed,
        Self::TimedOut,
        Self::Signalled,
        Self::OutputLimit,
        Self::Cancelled,
        Self::NotStarted,
    ];

    /// The weight of the verdict in the failure rate.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Passed | Self::Leaked | Self::Flaky => Class::Pass,
            Self::Failed | Self::TimedOut | Self::Signalled | Self::OutputLimit => Class::Fail,
            Self::Skipped => Class::Skip,
            Self::Cancelled | Self::NotStarted => Class::Inconclusive,
        }
    }

    /// The weight of a failure that has a reason worth a look; `None` if no attempt failed.
    #[must_use]
    pub fn failure(self) -> Option<FailureKind> {
        match self.class() {
            Class::Fail => Some(FailureKind::Final),
            Class::Pass if self == Self::Flaky => Some(FailureKind::Flaky),
            Class::Pass | Class::Skip | Class::Inconclusive => None,
        }
    }

    /// The verdict in one or two words for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Leaked => "leaked",
            Self::Flaky => "flaky",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Signalled => "killed",
            Self::OutputLimit => "output limit",
            Self::Cancelled => "cancelled",
            Self::NotStarted => "not started",
        }
    }
}

/// The weight of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// No attempt of the run passed.
    Final,
    /// A later attempt of the run passed.
    Flaky,
}

/// The weight of a verdict in the failure rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Counts as a run that passed.
    Pass,
    /// Counts as a run that failed.
    Fail,
    /// Was asked for and tested nothing; it is counted by itself.
    Skip,
    /// Has no result and is not counted.
    Inconclusive,
}
