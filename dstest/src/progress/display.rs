//! The interface of everything that can show progress.

use std::time::Duration;

use crate::report::tally::Tally;
use crate::text::style::{Color, Paint};

/// What a view needs to know of a campaign from the start.
#[derive(Debug, Clone)]
pub(crate) struct ViewContext {
    /// All runs, if there is an end.
    pub total: Option<u64>,
    /// The time budget, if there is one.
    pub duration: Option<Duration>,
    /// Colours on standard output.
    pub paint: Paint,
    /// What the user said of colours and live progress.
    pub color: Color,
}

/// A way to show progress.
pub(super) trait Display {
    /// How often [`Display::tick`] is to be called.
    const INTERVAL: Duration;

    /// Prints something that stays, among the results.
    fn print(&mut self, text: &str);

    /// Prints something that stays, beside the results.
    fn note(&mut self, text: &str);

    /// The colours of what stays.
    fn paint(&self) -> Paint;

    /// Brings the progress up to date.
    fn tick(&mut self, tally: &Tally, elapsed: Duration);

    /// Takes the progress off the screen.
    fn clear(&mut self);

    /// Takes the progress off the screen and leaves the terminal as it was, for a while.
    fn suspend(&mut self);

    /// The terminal is ours again.
    fn resume(&mut self);
}
