//! Translation of redb errors.

use crate::storage::StorageError;
use crate::storage::directory::io_error;

/// An error while opening a database.
pub(super) fn open_error(path: &str, error: redb::DatabaseError) -> StorageError {
    if let redb::DatabaseError::DatabaseAlreadyOpen = error {
        // A store would have locked the directory; this is another program.
        return StorageError::InUse { directory: path.to_owned(), owner: String::new() };
    }
    if let redb::DatabaseError::UpgradeRequired(format) = error {
        return StorageError::Unreadable(format!(
            "{path} has format {format} of redb, which this version does not read"
        ));
    }
    database_error("open", path, error)
}

/// Any other error: I/O, or damage.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others mean a damaged file")]
pub(super) fn database_error(
    what: &str,
    path: &str,
    error: impl Into<redb::Error>,
) -> StorageError {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error.into() {
        redb::Error::Io(source) if ![InvalidData, UnexpectedEof].contains(&source.kind()) => {
            io_error(format!("{what} {path}"))(source)
        }
        error @ (redb::Error::PreviousIo | redb::Error::ValueTooLarge(_)) => {
            let source = std::io::Error::other(error.to_string());
            StorageError::Io { what: format!("{what} {path}"), source }
        }
        error => StorageError::Damaged(format!("{path}: {error}")),
    }
}
