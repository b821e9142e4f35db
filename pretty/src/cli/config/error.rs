//! Errors of settings, and of the layers they name.

use std::io;
use std::path::PathBuf;

/// Errors of a file of settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: {message}", path.display())]
    Malformed { path: PathBuf, message: String },
}
