//! Errors of a run, and warnings.

use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::diagram::DiagramError;
use crate::text::safe_text;
use crate::view::DialectError;

/// Errors that end the program.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("{name}: {error}", name = path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("cannot read: {0}")]
    Read(io::Error),
    #[error("cannot write: {0}")]
    Write(io::Error),
    #[error("{0}")]
    TooLong(&'static str),
    #[error("cannot write to a temporary file (set TMPDIR to another directory): {0}")]
    Spool(io::Error),
    #[error("--export svg: {0}; choose by -s, -u, --peers, -j, -i or -g")]
    Diagram(DiagramError),
    #[error("dialects: {0}")]
    Dialects(#[from] DialectError),
    #[error("cannot wait for input: {0}")]
    Wait(io::Error),
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    #[error("pager `{command}`: {reason}")]
    Pager { command: String, reason: String },
    #[error("the view was closed")]
    Closed,
}

impl RunError {
    /// Tells whether the reader of the output has closed it.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Writes a message to standard error: the only way there. It may hold names of files and words of
/// a log, so it is made safe line by line, and only its first line looks like one of this program.
pub(super) fn warn(message: &str) {
    let lines: Vec<_> = message.split('\n').map(|line| safe_text(line.as_bytes())).collect();
    let _ = writeln!(io::stderr(), "pretty: {}", lines.join("\n  "));
}
