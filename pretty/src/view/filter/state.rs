//! The filters of a view.

use regex::Regex;

use crate::filter::Filter;
use crate::view::log::bitmap::Bitmap;
use crate::view::log::scan::{Keep, Scan};

/// Only events that match, or only those that do not; and lines that are not events.
#[derive(Debug)]
pub(crate) struct RegexFilter {
    pub(crate) keep: Keep,
    pub(crate) regex: Regex,
    pub(crate) scan: Scan,
}

/// The filter given by the embedding program.
#[derive(Debug)]
pub(crate) struct BaseFilter {
    pub(crate) filter: Filter,
    /// For conditions beyond topic and peer.
    pub(crate) scan: Option<Scan>,
}

/// Lines that are hidden for now, and the name of those that are left.
#[derive(Debug)]
pub(crate) struct HiddenLines {
    pub(crate) lines: Bitmap,
    pub(crate) label: String,
}
