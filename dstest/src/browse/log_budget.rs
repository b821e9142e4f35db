//! A limit on the logs that one report reads as a whole.

use std::cell::Cell;
use std::fs;
use std::path::Path;

/// The bytes of logs that may still be read.
#[derive(Debug)]
pub(crate) struct LogBudget {
    of_one: u64,
    left: Cell<u64>,
}

impl LogBudget {
    /// For the report of a single run.
    pub(crate) const fn unlimited() -> Self {
        Self { of_one: u64::MAX, left: Cell::new(u64::MAX) }
    }

    /// For the reports of many runs, which are to be there in a second or two.
    pub(crate) const fn of_many() -> Self {
        Self { of_one: 8 << 20, left: Cell::new(64 << 20) }
    }

    /// For so many bytes.
    #[cfg(test)]
    pub(super) const fn of_bytes(bytes: u64) -> Self {
        Self { of_one: bytes, left: Cell::new(bytes) }
    }

    /// Tells whether there is room for a log, which is taken then.
    pub(super) fn admits(&self, log: &Path) -> bool {
        let bytes = fs::metadata(log).map_or(0, |found| found.len());
        let is_small = bytes <= self.of_one.min(self.left.get());
        if is_small {
            self.left.set(self.left.get() - bytes);
        }
        is_small
    }
}
