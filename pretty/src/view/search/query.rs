//! A search and the matches found so far.

use regex::Regex;

use crate::view::log::scan::{Scan, ScanTarget};
use crate::view::log::store::Store;

/// The expression of a search, and the matches found so far.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) regex: Regex,
    pub(crate) scan: Scan,
    /// The direction of a match that is not found yet.
    pub(crate) pending: Option<Direction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Search {
    pub(crate) fn new(regex: Regex, store: &Store, line: usize) -> Self {
        let scan = Scan::new(ScanTarget::Match(regex.clone()), store, line);
        Self { regex, scan, pending: None }
    }
}
