//! A store that failed once writes nothing more: what the disk holds is known again only when it is
//! read. In particular a flush that failed is never tried again, as a second one may succeed without
//! the bytes that the first one lost.

use super::StorageError;

#[derive(Default)]
pub(super) enum Health {
    #[default]
    Sound,
    Failed(String),
}

impl Health {
    /// # Errors
    /// A write has failed before.
    pub(super) fn check(&self, place: impl FnOnce() -> String) -> Result<(), StorageError> {
        let Self::Failed(reason) = self else { return Ok(()) };
        let what = format!("write to {} after an earlier failure", place());
        let text = format!("{reason}; start again to read what is left");
        Err(StorageError::Io { what, source: std::io::Error::other(text) })
    }

    pub(super) fn record<T>(&mut self, done: &Result<T, StorageError>) {
        if let Err(error) = done {
            *self = Self::Failed(error.to_string());
        }
    }
}
