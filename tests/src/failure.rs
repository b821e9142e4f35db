//! Why a run failed.

use std::fmt;
use std::time::Duration;

use crate::invariants::Violation;
use crate::sim::executor::Stuck;

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A property that holds in every run was broken.
    Invariant(Violation),
    /// What the scenario expects did not happen.
    Expectation(String),
    /// The test's tasks cannot go on.
    Stuck(Stuck),
    /// The run took too much cluster time.
    TooLong(Duration),
    /// The core or the world panicked.
    Panic(String),
}

impl Failure {
    /// That the scenario's expectation was not met, as the text says.
    #[must_use]
    pub fn expected(text: fmt::Arguments<'_>) -> Self {
        Self::Expectation(text.to_string())
    }

    /// A short name of what failed, the same for failures of one cause.
    #[must_use]
    pub const fn signature(&self) -> &'static str {
        match self {
            Self::Invariant(violation) => violation.property.as_str(),
            Self::Expectation(_) => "expectation",
            Self::Stuck(Stuck::Deadlock { .. }) => "deadlock",
            Self::Stuck(Stuck::Livelock { .. }) => "livelock",
            Self::TooLong(_) => "too-long",
            Self::Panic(_) => "panic",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invariant(violation) => write!(f, "INVARIANT  {violation}"),
            Self::Expectation(text) => write!(f, "EXPECTED   {text}"),
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
