//! Errors of the arguments.

use crate::parse::FormatError;
use crate::view::KeyError;

/// Errors of the arguments; each message names the option to change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("invalid value for '--format <FORMAT>': {0}")]
    Format(#[from] FormatError),
    #[error("invalid value for '--format <FORMAT>': unknown format `{0}`; {1}")]
    NoFormat(String, String),
    #[error("[keys]: {0}")]
    Keys(#[from] KeyError),
    #[error("'--tui' needs a terminal for its output")]
    NoTerminal,
}
