//! A pager behind the output, as `less` is.
//!
//! Ctrl-C reaches the pager and this program alike: it stops the pager's command, and must not
//! leave the pager alone with the terminal.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use signal_hook::consts::SIGINT;

use crate::cli::error::RunError;

/// A running pager.
pub(crate) struct Pager {
    command: String,
    child: Child,
}

impl Pager {
    /// Starts the pager, which shows all that is written to the file.
    ///
    /// # Errors
    /// If there is no shell to start it.
    pub(crate) fn open(command: &str) -> Result<(Self, File), RunError> {
        let error = |error| RunError::Pager { command: command.to_owned(), reason: reason(&error) };
        signal_hook::flag::register(SIGINT, Arc::default()).map_err(error)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::piped());
        let mut child = shell.spawn().map_err(error)?;
        let input = child.stdin.take().map(OwnedFd::from).map(File::from);
        let input = input.ok_or_else(|| error(io::ErrorKind::BrokenPipe.into()))?;
        Ok((Self { command: command.to_owned(), child }, input))
    }

    /// Waits until the user has seen enough.
    ///
    /// # Errors
    /// If it could not be run.
    pub(crate) fn close(mut self) -> Result<(), RunError> {
        let reason = match self.child.wait() {
            Ok(status) if matches!(status.code(), Some(126 | 127)) => {
                "cannot be run; set --pager or PRETTY_PAGER to another".to_owned()
            }
            Ok(_) => return Ok(()),
            Err(error) => reason(&error),
        };
        Err(RunError::Pager { command: self.command, reason })
    }
}

fn reason(error: &io::Error) -> String {
    error.to_string()
}
