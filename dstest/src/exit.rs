//! The exit codes: what scripts and CI see of a whole invocation.

use std::process::ExitCode;

/// The end of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every run passed, or the command did what was asked (0).
    Success,
    /// Some run failed or could not be started (1).
    SomeFailed,
    /// The command line, the configuration or the store cannot be used as asked (2).
    Usage,
    /// The result of a replay or a verification differs (3).
    Differed,
    /// No test matches, or every run was skipped (4).
    NoTests,
    /// Merged campaigns do not make a complete one (5).
    Incomplete,
    /// A commit is not decided (125, at which `git bisect run` skips it).
    Undecided,
    /// An error of a step of `git bisect run` (128, at which that ends).
    NoStep,
    /// The build failed (101, cargo's own code).
    BuildFailed,
    /// The user interrupted it (130).
    Interrupted,
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::SomeFailed => 1,
            Self::Usage => 2,
            Self::Differed => 3,
            Self::NoTests => 4,
            Self::Incomplete => 5,
            Self::BuildFailed => 101,
            Self::Undecided => 125,
            Self::NoStep => 128,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
