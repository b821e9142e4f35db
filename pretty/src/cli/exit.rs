//! The exit statuses of the program.

use std::process::ExitCode;

/// The exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was shown, or its reader closed the output.
    Done,
    /// Something could not be read or written.
    Failed,
    /// The arguments make no sense.
    Usage,
    /// The user asked for an end several times.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 130,
        })
    }
}
