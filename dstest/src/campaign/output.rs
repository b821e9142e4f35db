//! The user's wishes for the output of a campaign.

use std::path::Path;

use crate::cli::{ExportArgs, StoreArgs};
use crate::plan::Columns;
use crate::text::style::Color;

/// The user's wishes for the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output<'a> {
    /// The store of `-o`, as typed.
    pub(crate) store: Option<&'a Path>,
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
}

impl<'a> Output<'a> {
    /// A full report.
    pub(crate) fn new(store: &'a StoreArgs, columns: Columns, exports: &'a ExportArgs) -> Self {
        let (output, color) = (store.output.as_deref(), store.color);
        Self { store: output, color, columns, exports, detail: Detail::Full }
    }
}
