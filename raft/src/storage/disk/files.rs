//! The files in the directory of a store, and their names.

use crate::storage::StorageError;
use crate::storage::directory::{Directory, io_error};
use crate::types::Index;

pub(super) const LOG: &str = ".log";
pub(super) use crate::storage::snapshot_files::{SNAPSHOT, snapshot_name};

/// One log file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// The number of its first frame, which is its name.
    pub(super) number: u64,
    /// The last entry before it. The files before it hold no entries after this one.
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

/// The numbers of all files whose names end like this, in order.
pub(super) fn numbers<F: Directory>(directory: &F, ending: &str) -> Result<Vec<u64>, StorageError> {
    let names = directory.names().map_err(io_error(format!("list {}", directory.path_of(""))))?;
    // One written in another way (`+1.log`) is not a file of a store.
    let number = |name: &String| {
        let number = name.strip_suffix(ending)?.parse().ok()?;
        (format!("{number:020}{ending}") == *name).then_some(number)
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    match numbers.last() {
        Some(last) if *last > NUMBER_MAX => Err(StorageError::Damaged(format!(
            "{} has a number that no store reaches, so the store has not made it",
            directory.path_of(&format!("{last:020}{ending}"))
        ))),
        Some(_) | None => Ok(numbers),
    }
}

/// More than a store can count to; numbers after it need no check.
const NUMBER_MAX: u64 = 1 << 62;
