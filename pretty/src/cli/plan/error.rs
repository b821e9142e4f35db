//! Errors of the arguments.

use crate::parse::{FormatError, ZoneError};
use crate::view::KeyError;

/// Errors of the arguments; each message names the option to change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("invalid value for '--format <FORMAT>': {0}")]
    Format(#[from] FormatError),
    #[error("invalid value for '--format <FORMAT>': unknown format `{0}`; {1}")]
    NoFormat(String, String),
    #[error("invalid value for '--transport <LIST>': unknown transport `{0}`; {1}")]
    NoTransport(String, String),
    #[error("invalid value for '--dialect <NAME>': unknown dialect `{0}`; {1}")]
    NoDialect(String, String),
    #[error("invalid value for '--tz <ZONE>': {0}")]
    Zone(#[from] ZoneError),
    #[error("invalid value for '--shift <FILE=±D>': no file `{0}` among those to show")]
    NoSuchFile(String),
    #[error("[keys]: {0}")]
    Keys(#[from] KeyError),
    #[error("'--tui' needs a terminal for its output")]
    NoTerminal,
}
