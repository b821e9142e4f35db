//! A run's log, read once for all that is shown of it beside its report.

use std::io;
use std::path::Path;

use pretty::view::LogView;
use pretty::{Background, Depth, Diagram};

use super::log_budget::LogBudget;
use super::log_page::select_failure;
use crate::record::tail;
use crate::report::page::Drawing;
use crate::store::open_dir::read_end;
use crate::text::log_line::log_line;
use crate::text::sink;
use crate::text::style::Paint;

/// A run's log.
pub(super) struct RunLog {
    /// Its last lines, as they are shown.
    tail: Vec<String>,
    /// The whole; `None` if it is too large here.
    view: Option<LogView>,
}

impl RunLog {
    /// Reads a log as far as there is room for it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(path: &Path, paint: Paint, budget: &LogBudget) -> io::Result<Self> {
        let is_whole = budget.admits(path);
        let bytes = read_end(path, if is_whole { u64::MAX } else { END_BYTES })?;
        let tail = tail(&bytes, TAIL_LINES).into_iter();
        let tail = tail.map(|line| log_line(line, TAIL_COLUMNS, paint)).collect();
        let view = is_whole.then(|| LogView::of_bytes(bytes, Background::Dark, Depth::None));
        Ok(Self { tail, view })
    }

    /// The last state of the peers, if any, and the last lines.
    pub(super) fn text(&mut self) -> String {
        let mut text = match &mut self.view {
            Some(view) => states(view),
            None => "STATE      not read: the log is too large here\n".to_owned(),
        };
        let title = match self.tail.len() {
            0 => "the log is empty".to_owned(),
            1 => "the last line of the log".to_owned(),
            count => format!("the last {count} lines of the log"),
        };
        text.push_str(&format!("TAIL       {title}\n"));
        self.tail.iter().for_each(|line| text.push_str(&format!("           {line}\n")));
        text
    }

    /// A diagram of what led to the failure.
    pub(super) fn drawing(&mut self) -> Drawing {
        let Some(view) = &mut self.view else { return Drawing::TooLarge };
        select_failure(view);
        let diagram = view.diagram().ok().filter(Diagram::has_messages);
        diagram.map_or(Drawing::Nothing, Drawing::Messages)
    }
}

/// The last state of the peers.
fn states(view: &mut LogView) -> String {
    view.select(usize::MAX);
    let mut text = String::new();
    let states = view.peer_states();
    let reported = states.iter().filter(|(_, state)| !state.is_empty());
    for (at, (peer, state)) in reported.enumerate() {
        let label = if at == 0 { "STATE     " } else { "          " };
        let facts: Vec<String> =
            state.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let (peer, facts) = (sink::screen(&peer.to_string()), sink::screen(&facts.join(" ")));
        text.push_str(&format!("{label} {peer:<4} {facts}\n"));
    }
    text
}

/// A screen has room for so many lines in addition to the rest.
const TAIL_LINES: usize = 20;

/// As much of a log as its last lines can take.
const END_BYTES: u64 = 256 << 10;

/// Longer lines are data, not messages.
const TAIL_COLUMNS: usize = 200;
