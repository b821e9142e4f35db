//! The filters of a view.

use regex::Regex;

use crate::filter::Filter;
use crate::view::log::bitmap::Bitmap;
use crate::view::log::scan::Scan;

/// Only lines that match, and lines that are no events.
#[derive(Debug)]
pub(crate) struct RegexFilter {
    pub(crate) regex: Regex,
    pub(crate) scan: Scan,
}

/// The filter given by the embedding program.
#[derive(Debug)]
pub(crate) struct BaseFilter {
    pub(crate) filter: Filter,
    /// For what a line's kind does not tell.
    pub(crate) scan: Option<Scan>,
}

/// Lines the owner does not want to see now, and what it calls those that are left.
#[derive(Debug)]
pub(crate) struct HiddenLines {
    pub(crate) lines: Bitmap,
    pub(crate) label: String,
}
