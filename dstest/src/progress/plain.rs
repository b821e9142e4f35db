//! Progress for logs and pipes: a line now and then, never rewritten.

use std::time::Duration;

use super::display::{Display, ViewContext};
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

    fn tick(&mut self, tally: &Tally, elapsed: Duration) {
        let (total, duration) = (self.context.total, self.context.duration);
        note(&format!("dstest: {}", Progress::of(tally, total, duration, elapsed).words()));
    }
}
