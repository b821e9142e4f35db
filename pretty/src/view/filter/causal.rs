//! Causes of the selected line: the direct ones, its causal past, and one step back to a cause.

use crate::line::Line;
use crate::view::cause::graph::Causes;
use crate::view::cause::index::CausalFilter;
use crate::view::filter::state::HiddenLines;
use crate::view::log::bitmap::Bitmap;
use crate::view::log_view::LogView;

impl LogView {
    /// The causes of the selected line, itself the last.
    pub fn causes(&mut self, filter: CausalFilter) -> Vec<usize> {
        let Some(line) = self.cursor() else { return Vec::new() };
        let causes = self.update_causes();
        match filter {
            CausalFilter::DirectCauses => causes.direct_causes(line, DIRECT_CAUSES),
            CausalFilter::CausalPast => causes.causal_past(line),
        }
    }

    /// Shows only the causes of the selected line; all lines when called again.
    pub(crate) fn toggle_causal_filter(&mut self, filter: CausalFilter) {
        let label = filter.label();
        if self.hidden_lines.as_ref().is_some_and(|hidden_lines| hidden_lines.label == label) {
            return self.show_hidden_lines();
        }
        let Some(line) = self.cursor() else { return };
        let causes = self.causes(filter);
        if causes.is_empty() {
            "no event before this line".clone_into(&mut self.note);
            return;
        }
        let mut hidden = Bitmap::full(self.len());
        causes.into_iter().chain([line]).for_each(|line| hidden.remove(line));
        self.hidden_lines = Some(HiddenLines { lines: hidden, label: label.to_owned() });
        self.refilter();
        self.center();
    }

    /// Shows the hidden lines again.
    pub(crate) fn show_hidden_lines(&mut self) {
        self.hidden_lines = None;
        self.refilter();
    }

    /// The line that is the nearest cause of another.
    pub(crate) fn cause_of(&mut self, line: usize) -> Option<usize> {
        self.update_causes().nearest_cause(line)
    }

    /// The causes, with the lines that have come since the last call.
    fn update_causes(&mut self) -> &Causes {
        let (mut buffer, mut from) = (Vec::new(), self.cause_index.lines);
        while from < self.store.len() {
            let causes = &mut self.cause_index.causes;
            let all = |_: usize| true;
            let after = self.store.each_wanted(from, READ_BYTES, &mut buffer, all, |line, read| {
                if let Line::Event(event) = read {
                    causes.add(line, event);
                }
            });
            from = self.store.first_line(after);
        }
        self.cause_index.lines = self.store.len();
        &self.cause_index.causes
    }
}

/// Bytes that are read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// About a screen of lines.
const DIRECT_CAUSES: usize = 40;
