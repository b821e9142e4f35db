//! The user's wishes for the output of a campaign.

use crate::cli::{ExportArgs, StoreArgs};
use crate::plan::Columns;
use crate::text::style::Color;

/// The user's wishes for the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output<'a> {
    pub(crate) color: Color,
    pub(crate) columns: Columns,
    pub(crate) exports: &'a ExportArgs,
    pub(crate) detail: Detail,
}

/// The length of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Every failure and every test.
    Full,
    /// Each kind of failure once, and a table that fits the terminal.
    Brief,
    /// Nothing but progress.
    Silent,
}

impl<'a> Output<'a> {
    /// A full report.
    pub(crate) fn new(store: &StoreArgs, columns: Columns, exports: &'a ExportArgs) -> Self {
        Self { color: store.color, columns, exports, detail: Detail::Full }
    }
}
