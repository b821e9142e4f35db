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

/// A moment of a campaign, beside its tally.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    /// The time since its start.
    pub elapsed: Duration,
    /// The running runs by name, the longest first.
    pub running: &'a [(String, Duration)],
    /// Runs that will not be started.
    pub left_out: u64,
}

impl Moment<'_> {
    /// `running: ui#1 74 s, api#3 2 s, 4 more`; `None` if none has run for this time.
    pub(super) fn running_words(&self, at_least: Duration) -> Option<String> {
        let long = self.running.iter().filter(|(_, elapsed)| *elapsed >= at_least);
        let mut words: Vec<String> = long
            .take(RUNNING_SHOWN)
            .map(|(name, elapsed)| format!("{name} {} s", elapsed.as_secs()))
            .collect();
        if words.is_empty() {
            return None;
        }
        let more = self.running.len() - words.len();
        words.extend((more > 0).then(|| format!("{more} more")));
        Some(format!("running: {}", words.join(", ")))
    }
}

/// The longest ones explain what a campaign waits for.
const RUNNING_SHOWN: usize = 3;

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
    fn tick(&mut self, tally: &Tally, now: Moment<'_>);

    /// Clears the progress.
    fn clear(&mut self) {}

    /// Clears the progress and restores the terminal, for a while.
    fn suspend(&mut self) {}

    /// Takes the terminal back.
    fn resume(&mut self) {}
}
