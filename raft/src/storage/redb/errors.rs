//! Translation of redb errors.

use crate::storage::{StorageError, directory};

/// An error while opening a database.
pub(super) fn open_error(place: &str, error: redb::DatabaseError) -> StorageError {
    if let redb::DatabaseError::DatabaseAlreadyOpen = error {
        // A store would have locked the directory; this is another program.
        return StorageError::InUse { directory: place.to_owned(), owner: String::new() };
    }
    if let redb::DatabaseError::UpgradeRequired(format) = error {
        return StorageError::Unreadable(format!(
            "{place} has format {format} of redb, which this version does not read"
        ));
    }
    database_error("open", place, error)
}

/// Any other error: I/O, or damage.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others say that the file is wrong")]
pub(super) fn database_error(
    what: &str,
    place: &str,
    error: impl Into<redb::Error>,
) -> StorageError {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error.into() {
        redb::Error::Io(source) if ![InvalidData, UnexpectedEof].contains(&source.kind()) => {
            directory::io_error(format!("{what} {place}"))(source)
        }
        error @ (redb::Error::PreviousIo | redb::Error::ValueTooLarge(_)) => {
            let source = std::io::Error::other(error.to_string());
            StorageError::Io { what: format!("{what} {place}"), source }
        }
        error => StorageError::Damaged(format!("{place}: {error}")),
    }
}
