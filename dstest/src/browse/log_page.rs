//! A run's log in pretty's own view, opened where the run failed.

use std::io;
use std::path::PathBuf;

use pretty::view::LogView;

use super::colors::ColorScheme;

/// A run's log.
pub(crate) struct LogPage {
    pub(crate) run: usize,
    pub(crate) path: PathBuf,
    pub(crate) view: LogView,
}

impl LogPage {
    /// Opens a log at its failure.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn open(run: usize, path: PathBuf, colors: ColorScheme) -> io::Result<Self> {
        let mut view = LogView::of_file(&path, colors.background, colors.depth)?;
        select_failure(&mut view);
        Ok(Self { run, path, view })
    }
}

/// The last error that is an event, as it has its peer's past behind it; else the last error.
pub(crate) fn select_failure(view: &mut LogView) {
    let is_event = |line: &usize| view.facts(*line, |_| ()).is_some();
    let failure = view.errors().rev().find(is_event);
    match failure {
        Some(line) => view.select(line),
        None => view.select_last_error(),
    }
}
