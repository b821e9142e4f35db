//! The file `DURABLE`: how far the writes of a store are durable. A store that ends before that has
//! lost what it acknowledged, and does not open.
//!
//! The mark is written after each write, once that is durable, and is not flushed itself until the store
//! is closed: a flush would double the cost of a write. Power loss may leave an older mark, a torn one or
//! none. An older one is true as well, and without one `IDENTITY` says how far the last start has read.
//!
//! Invariant: everything below the mark was durable before the mark was written, so that a crash never
//! leaves a mark beyond the log.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::StorageError;
use super::directory::{Directory, WritableFile, io_error};
use super::identity::{IDENTITY, Identity};

pub(super) const DURABLE: &str = "DURABLE";

/// The first write that may be missing, and the file that says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct DurableThrough {
    pub(super) next: u64,
    pub(super) recorded_in: &'static str,
}

impl DurableThrough {
    /// Reads how far the writes of a store were durable at least.
    pub(super) fn read<F: Directory>(
        directory: &F,
        identity: &Identity,
    ) -> Result<Self, StorageError> {
        let bytes = match directory.read(DURABLE) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(io_error(format!("read {}", directory.path_of(DURABLE))))?,
        };
        Ok(Self::newest(&bytes, identity))
    }

    /// The newer one of the mark in these bytes and of that in the identity.
    pub(super) fn newest(mark: &[u8], identity: &Identity) -> Self {
        let read = Self { next: identity.read_through, recorded_in: IDENTITY };
        parse(mark, identity.seed)
            .filter(|next| *next > read.next)
            .map_or(read, |next| Self { next, recorded_in: DURABLE })
    }

    /// Checks a store whose next write has this number.
    ///
    /// # Errors
    /// It ends before the mark; `file` is where it ends.
    pub(super) fn check(
        self,
        file: impl FnOnce() -> String,
        next: u64,
    ) -> Result<(), StorageError> {
        if next >= self.next {
            return Ok(());
        }
        let (file, durable, recorded_in) = (file(), self.next, self.recorded_in);
        Err(StorageError::RolledBack { file, next, durable, recorded_in })
    }
}

/// The open file.
pub(super) struct DurableMark {
    file: Box<dyn WritableFile>,
    path: String,
    seed: u64,
}

impl DurableMark {
    /// Opens or creates the file, and marks the writes below `next`.
    pub(super) fn open<F: Directory>(
        directory: &mut F,
        identity: &Identity,
        next: u64,
    ) -> Result<Self, StorageError> {
        let path = directory.path_of(DURABLE);
        let opened: Result<Box<dyn WritableFile>, _> = match directory.open(DURABLE) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                directory.create(DURABLE).map(|file| Box::new(file) as _)
            }
            Err(error) => Err(error),
        };
        let file = opened.map_err(io_error(format!("write {path}")))?;
        Self::of(file, path, identity.seed, next)
    }

    /// Marks the writes below `next` in this file.
    pub(super) fn of(
        file: Box<dyn WritableFile>,
        path: String,
        seed: u64,
        next: u64,
    ) -> Result<Self, StorageError> {
        let mut mark = Self { file, path, seed };
        mark.advance(next)?;
        Ok(mark)
    }

    /// Marks the writes below `next`, all of which are durable.
    pub(super) fn advance(&mut self, next: u64) -> Result<(), StorageError> {
        let written = self.file.write_at(0, text(next, self.seed).as_bytes());
        written.map_err(|error| io_error(format!("write {}", self.path))(error))
    }
}

impl Drop for DurableMark {
    /// Flushes the mark. Without that it is older after a loss of power, so an error changes nothing.
    fn drop(&mut self) {
        let _ = self.file.sync();
    }
}

/// Always of the same length, so that a mark replaces the one before it.
fn text(next: u64, seed: u64) -> String {
    let line = format!("durable through {next:020}\n");
    let check = xxh3_64_with_seed(line.as_bytes(), seed);
    format!("{line}check {check:016x}\n")
}

/// The mark in these bytes; none if they are torn, or of another store.
fn parse(bytes: &[u8], seed: u64) -> Option<u64> {
    let found = std::str::from_utf8(bytes).ok()?;
    let number = found.strip_prefix("durable through ")?.lines().next()?;
    let next = number.parse().ok()?;
    (found == text(next, seed)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::identity::StoreKind;
    use crate::types::PeerId;

    #[test]
    fn a_torn_or_foreign_mark_is_none_and_an_older_one_than_the_identity_is_not_used() {
        let identity =
            Identity { seed: 7, read_through: 12, ..Identity::new(StoreKind::Log, PeerId::new(1)) };
        let newest = |mark: &[u8]| {
            let DurableThrough { next, recorded_in } = DurableThrough::newest(mark, &identity);
            (next, recorded_in)
        };
        let (old, new) = (text(12, 7), text(1 << 40, 7));
        assert_eq!(newest(new.as_bytes()), (1 << 40, DURABLE));
        assert_eq!(newest(old.as_bytes()), (12, IDENTITY));
        assert_eq!(newest(text(1 << 40, 8).as_bytes()), (12, IDENTITY));
        for cut in 0..new.len() {
            let torn = [&new.as_bytes()[..cut], &old.as_bytes()[cut..]].concat();
            if torn != old.as_bytes() && torn != new.as_bytes() {
                assert_eq!(newest(&torn), (12, IDENTITY), "torn at {cut}");
            }
            assert_eq!(newest(&new.as_bytes()[..cut]), (12, IDENTITY), "cut at {cut}");
        }
    }
}
