//! Progress for logs and pipes: a line now and then, never rewritten.

use std::time::Duration;

use super::display::{Display, Moment, ViewContext};
use super::estimate::Progress;
use crate::report::tally::Tally;
use crate::text::console::{note, print};
use crate::text::style::Paint;

pub(super) struct Plain {
    context: ViewContext,
}

impl Plain {
    pub(super) fn new(context: ViewContext) -> Self {
        Self { context }
    }
}

impl Display for Plain {
    const INTERVAL: Duration = Duration::from_secs(10);

    fn print(&mut self, text: &str) {
        print(text);
    }

    fn note(&mut self, text: &str) {
        note(text);
    }

    fn paint(&self) -> Paint {
        self.context.paint
    }

    fn tick(&mut self, tally: &Tally, now: Moment<'_>) {
        let total = self.context.total.map(|total| total.saturating_sub(now.left_out));
        let progress = Progress::of(tally, total, self.context.duration, now.elapsed);
        let running =
            now.running_words(LONG).map_or_else(String::new, |words| format!("; {words}"));
        note(&format!("dstest: {}{running}", progress.words()));
    }
}

/// Shorter runs change before the line is read.
const LONG: Duration = Duration::from_secs(5);
