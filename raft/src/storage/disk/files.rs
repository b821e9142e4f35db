//! The files in the directory of a store, and their names.

use crate::storage::directory::numbered_name;
pub(super) use crate::storage::directory::numbers;
pub(super) use crate::storage::snapshot_files::{SNAPSHOT, snapshot_name};
use crate::types::Index;

pub(super) const LOG: &str = ".log";
pub(super) const INDEX: &str = ".index";

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
    numbered_name(number, LOG)
}

pub(super) fn index_name(number: u64) -> String {
    numbered_name(number, INDEX)
}
