//! Why: the lines that led to the selected one, or all that could have influenced it, and one step
//! back to a cause.

use super::cause::Causes;
use super::owner::Veil;
use super::rules::Rules;
use super::{Bitmap, LogView};
use crate::line::Line;

/// The causes of a log's lines, as far as they have been looked at.
#[derive(Debug, Default)]
pub(super) struct Known {
    causes: Causes,
    /// How many lines have been looked at.
    lines: usize,
}

/// Which lines answer the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Some tens of lines that most directly led to it.
    LedTo,
    /// Every line that could have influenced it.
    Past,
}

impl Known {
    pub(super) fn with_rules(rules: Rules) -> Self {
        Self { causes: Causes::with_rules(rules), lines: 0 }
    }
}

impl Why {
    const fn label(self) -> &'static str {
        match self {
            Self::LedTo => "led to it",
            Self::Past => "could have influenced it",
        }
    }
}

impl LogView {
    /// The lines that answer why the selected line came about, itself the last.
    pub fn causes(&mut self, why: Why) -> Vec<usize> {
        let Some(line) = self.cursor() else { return Vec::new() };
        let causes = self.know();
        match why {
            Why::LedTo => causes.led_to(line, ABOUT),
            Why::Past => causes.past(line),
        }
    }

    /// Shows only the lines that answer why the selected one came about; asked again, all lines.
    pub(super) fn toggle_why(&mut self, why: Why) {
        let label = why.label();
        if self.veil.as_ref().is_some_and(|veil| veil.label == label) {
            return self.lift_veil();
        }
        let Some(line) = self.cursor() else { return };
        let causes = self.causes(why);
        if causes.is_empty() {
            "no event before this line".clone_into(&mut self.note);
            return;
        }
        let mut hidden = Bitmap::full(self.len());
        causes.into_iter().chain([line]).for_each(|line| hidden.remove(line));
        self.veil = Some(Veil { lines: hidden, label: label.to_owned() });
        self.refilter();
        self.center();
    }

    /// Shows again what the question or the owner had hidden.
    pub(super) fn lift_veil(&mut self) {
        self.veil = None;
        self.refilter();
    }

    /// The line that is the nearest cause of another.
    pub(super) fn cause_of(&mut self, line: usize) -> Option<usize> {
        self.know().of(line)
    }

    /// The causes, after a look at the lines that have come since the last one.
    fn know(&mut self) -> &Causes {
        let (mut buffer, mut from) = (Vec::new(), self.known.lines);
        while from < self.store.len() {
            let groups = self.store.group_of(from)..self.store.end().group;
            let mut parser = self.store.parser_at(from);
            let causes = &mut self.known.causes;
            let after = self.store.each_line(groups, READ_BYTES, &mut buffer, |line, text| {
                if let (true, Line::Event(event)) = (line >= from, parser.parse(text)) {
                    causes.add(line, &event);
                }
            });
            from = self.store.first_line(after);
        }
        self.known.lines = self.store.len();
        &self.known.causes
    }
}

/// Lines are read so many bytes at a time.
const READ_BYTES: usize = 1024 * 1024;

/// About a screen of lines.
const ABOUT: usize = 40;
