//! A latch that stops all writes after the first failure: the durable state is known again only
//! after a restart. In particular a failed flush is never retried, as a second one may succeed
//! without the bytes that the first one lost.

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
    pub(super) fn check(&self, path: impl FnOnce() -> String) -> Result<(), StorageError> {
        let Self::Failed(reason) = self else { return Ok(()) };
        let what = format!("write to {} after an earlier failure", path());
        let text = format!("{reason}; restart to read the durable state");
        Err(StorageError::Io { what, source: std::io::Error::other(text) })
    }

    pub(super) fn record<T>(&mut self, done: &Result<T, StorageError>) {
        if let Err(error) = done {
            *self = Self::Failed(error.to_string());
        }
    }
}
