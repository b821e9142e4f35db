//! Runs that cannot be shrunk.

use std::fmt;

/// A run cannot be shrunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShrinkError {
    /// It does not fail.
    Passes,
    /// Its decisions alone do not bring the failure back: it is the test that expects something.
    NotReproduced {
        /// Failure of the run.
        expected: String,
        /// Failure when its decisions were replayed, if any.
        found: Option<String>,
    },
}

impl fmt::Display for ShrinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passes => f.write_str("nothing to shrink: the run passes"),
            Self::NotReproduced { expected, found } => {
                let found = found.as_deref().unwrap_or("no failure");
                write!(
                    f,
                    "the run fails with {expected:?}, but replaying its decisions gives {found}: \
                     expectations of a test cannot be shrunk, only failures of the world"
                )
            }
        }
    }
}

impl std::error::Error for ShrinkError {}
