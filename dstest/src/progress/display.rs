//! The interface of everything that can show progress.

use std::time::Duration;

use crate::report::tally::Tally;
use crate::text::style::{Color, Paint};

/// The facts of a campaign that a view needs from the start.
#[derive(Debug, Clone)]
pub(crate) struct ViewContext {
    /// The number of all runs, if limited.
    pub total: Option<u64>,
    /// The time budget, if limited.
    pub duration: Option<Duration>,
    /// Colours on standard output.
    pub paint: Paint,
    /// The user's choice of colours and live progress.
    pub color: Color,
}

/// A way to show progress.
pub(super) trait Display {
    /// The interval of [`Display::tick`].
    const INTERVAL: Duration;

    /// Prints a text that stays, on standard output.
    fn print(&mut self, text: &str);

    /// Prints a remark that stays, on standard error.
    fn note(&mut self, text: &str);

    /// The colours of what stays.
    fn paint(&self) -> Paint;

    /// Redraws the progress.
    fn tick(&mut self, tally: &Tally, elapsed: Duration);

    /// Clears the progress.
    fn clear(&mut self) {}

    /// Clears the progress and restores the terminal, for a while.
    fn suspend(&mut self) {}

    /// Takes the terminal back.
    fn resume(&mut self) {}
}
