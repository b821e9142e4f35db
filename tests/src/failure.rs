//! Reasons for a failed run.

use std::fmt;
use std::time::Duration;

use crate::invariants::{Picture, Violation};
use crate::sim::executor::Stuck;

/// Reasons for a failed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A property that holds in every run was broken.
    Invariant(Violation),
    /// An expectation of the scenario was not met.
    Expectation(String),
    /// A majority that could make progress did not.
    Liveness(String),
    /// The test's tasks cannot go on.
    Stuck(Stuck),
    /// The run took too much cluster time.
    TooLong(Duration),
    /// The core or the world panicked.
    Panic(String),
}

impl Failure {
    /// An expectation that was not met, described by the text.
    #[must_use]
    pub fn expected(text: fmt::Arguments<'_>) -> Self {
        Self::Expectation(text.to_string())
    }

    /// Identity of a failure, which two runs share only if they failed for the same reason, as far
    /// as can be known: the signature, and for panics and expectations their words without the
    /// numbers.
    #[must_use]
    pub fn identity(&self) -> String {
        let signature = self.signature();
        match self {
            Self::Panic(text) | Self::Expectation(text) => {
                let line = text.lines().next().unwrap_or_default();
                let words = line.split_whitespace();
                let words = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
                let words: Vec<&str> = words.take(IDENTITY_WORDS).collect();
                format!("{signature}: {}", words.join(" "))
            }
            Self::Invariant(_) | Self::Liveness(_) | Self::Stuck(_) | Self::TooLong(_) => {
                signature.to_owned()
            }
        }
    }

    /// The failure in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }

    /// A picture of it, if there is one.
    #[must_use]
    pub const fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Invariant(violation) => violation.picture.as_ref(),
            Self::Expectation(_)
            | Self::Liveness(_)
            | Self::Stuck(_)
            | Self::TooLong(_)
            | Self::Panic(_) => None,
        }
    }

    /// A short name of what failed, the same for failures of one cause.
    #[must_use]
    pub const fn signature(&self) -> &'static str {
        match self {
            Self::Invariant(violation) => violation.invariant.as_str(),
            Self::Expectation(_) => "expectation",
            Self::Liveness(_) => "liveness",
            Self::Stuck(Stuck::Deadlock { .. }) => "deadlock",
            Self::Stuck(Stuck::Livelock { .. }) => "livelock",
            Self::TooLong(_) => "too-long",
            Self::Panic(_) => "panic",
        }
    }
}

/// Enough to distinguish two assertions, and few enough to fit on a line.
const IDENTITY_WORDS: usize = 12;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invariant(violation) => write!(f, "INVARIANT  {violation}"),
            Self::Expectation(text) => write!(f, "EXPECTED   {text}"),
            Self::Liveness(text) => write!(f, "LIVENESS   {text}"),
            Self::Stuck(stuck) => write!(f, "STUCK      {stuck}"),
            Self::TooLong(limit) => {
                write!(f, "TOO LONG   the test took more than {} s", limit.as_secs())
            }
            Self::Panic(text) => write!(f, "PANIC      {text}"),
        }
    }
}

impl From<Box<Violation>> for Failure {
    fn from(violation: Box<Violation>) -> Self {
        Self::Invariant(*violation)
    }
}

impl From<Stuck> for Failure {
    fn from(stuck: Stuck) -> Self {
        Self::Stuck(stuck)
    }
}
