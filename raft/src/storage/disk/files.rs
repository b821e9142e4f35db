//! The files in the directory of a store, and their names.

use crate::storage::StorageError;
use crate::storage::directory::{Directory, io_error};
use crate::types::Index;

pub(super) const LOG: &str = ".log";
pub(super) const SNAPSHOT: &str = ".snapshot";

/// One log file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// The number of its first frame, which is its name.
    pub(super) number: u64,
    /// The last entry before it. A snapshot at least as new replaces all files before it.
    pub(super) floor: Index,
}

impl Segment {
    pub(super) fn name(self) -> String {
        log_name(self.number)
    }
}

pub(super) fn log_name(number: u64) -> String {
    format!("{number:020}{LOG}")
}

pub(super) fn snapshot_name(number: u64) -> String {
    format!("{number:020}{SNAPSHOT}")
}

/// The numbers of all files whose names end like this, in order.
pub(super) fn numbers<F: Directory>(directory: &F, ending: &str) -> Result<Vec<u64>, StorageError> {
    let names = directory.names().map_err(io_error(format!("list {}", directory.path_of(""))))?;
    let number = |name: &String| name.strip_suffix(ending)?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
