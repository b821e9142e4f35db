//! Searching: every match is counted in the background, and the next one is selected as soon as it
//! is found.

use std::iter::successors;

use regex::Regex;

use crate::line::{Header, Line};
use crate::text::{make_safe, safe_text};
use crate::view::log_view::{LogView, Work};
use crate::view::search::query::{Direction, Search};
use crate::view::ui::status::grouped;

/// The position of the next match, as far as it is known.
enum MatchPosition {
    At(usize),
    /// Beyond the end of the log: the search wraps to its other end.
    Wrapped(usize),
    None,
    Unknown,
}

impl LogView {
    pub(crate) fn search_step(&mut self) -> Option<Work> {
        let search = self.search.as_mut()?;
        search.scan.step(&self.store)?;
        self.go_to_pending();
        let search = self.search.as_ref()?;
        (!search.scan.is_done(&self.store)).then_some(Work::More)
    }

    /// Starts a new search at the selected line, and goes to the first match.
    pub(crate) fn start_search(&mut self, regex: Option<Regex>) {
        let line = self.cursor().unwrap_or(0);
        self.search = regex.map(|regex| Search::new(regex, &self.store, line));
        if self.search.is_some() {
            self.go_to_match(Direction::Forward);
        }
    }

    /// Searches for lines with the text of the selected one and other numbers.
    pub(crate) fn search_alike(&mut self) {
        let Some(line) = self.cursor() else {
            return;
        };
        let expression = self.store.read(line, |line| match line {
            Line::Event(event) => alike(&event.text),
            Line::Header(Header { text, .. }) => alike(text),
            Line::Other(_, text) => alike(text),
        });
        match expression.and_then(|expression| Regex::new(&expression).ok()) {
            Some(regex) => self.start_search(Some(regex)),
            None => "the line has no words".clone_into(&mut self.note),
        }
    }

    /// Goes to the nearest match, now or when it is found.
    pub(crate) fn go_to_match(&mut self, direction: Direction) {
        match &mut self.search {
            Some(search) => search.pending = Some(direction),
            None => return "no search yet; / starts one".clone_into(&mut self.note),
        }
        // In a log that is looked at in one go nothing has to wait.
        if let Some(search) = &mut self.search {
            let _ = search.scan.step(&self.store);
        }
        self.go_to_pending();
    }

    fn go_to_pending(&mut self) {
        let Some(search) = &self.search else { return };
        let Some(direction) = search.pending else { return };
        let found = self.next_match(search, direction);
        let note = match (&found, direction) {
            (MatchPosition::Unknown, _) => return,
            (MatchPosition::At(_), _) => String::new(),
            (MatchPosition::None, _) => self.no_match(&search.regex),
            (MatchPosition::Wrapped(_), Direction::Forward) => {
                "search wrapped to the first line".to_owned()
            }
            (MatchPosition::Wrapped(_), Direction::Backward) => {
                "search wrapped to the last line".to_owned()
            }
        };
        if let Some(search) = &mut self.search {
            search.pending = None;
        }
        if let MatchPosition::At(line) | MatchPosition::Wrapped(line) = found {
            self.jump_to_line(line);
        }
        self.note = note;
    }

    fn no_match(&self, regex: &Regex) -> String {
        let among = match self.visible.len() < self.store.len() {
            true => "in the lines shown",
            false => "in the log",
        };
        format!("no match of /{} {among}", safe_text(regex.as_str().as_bytes()))
    }

    /// The nearest match from the selected line on, else from the other end of the log on.
    fn next_match(&self, search: &Search, direction: Direction) -> MatchPosition {
        let (here, other_end) = match direction {
            Direction::Forward => (self.cursor().map_or(0, |line| line + 1), 0),
            Direction::Backward => (self.cursor().unwrap_or(0), self.store.len()),
        };
        match self.match_from(search, here, direction) {
            None => MatchPosition::Unknown,
            Some(Some(line)) => MatchPosition::At(line),
            Some(None) => match self.match_from(search, other_end, direction) {
                None => MatchPosition::Unknown,
                Some(found) => found.map_or(MatchPosition::None, MatchPosition::Wrapped),
            },
        }
    }

    /// The first match from a line on that is shown; `None` if that is not known yet.
    fn match_from(
        &self,
        search: &Search,
        line: usize,
        direction: Direction,
    ) -> Option<Option<usize>> {
        let (scan, hits) = (&search.scan, search.scan.hits());
        let is_shown = |line: &usize| self.visible.contains(*line);
        let (found, is_all_known) = match direction {
            Direction::Forward => {
                let known = scan.known_after(line, &self.store);
                let mut lines = successors(hits.next(line), |line| hits.next(line + 1));
                (lines.find(is_shown).filter(|line| *line < known), known >= self.store.len())
            }
            Direction::Backward => {
                let known = scan.known_before(line, &self.store);
                let mut lines = successors(hits.previous(line), |line| hits.previous(*line));
                (lines.find(is_shown).filter(|line| *line >= known), known == 0)
            }
        };
        (found.is_some() || is_all_known).then_some(found)
    }

    /// `3/41`: which of the matches that are shown is selected, and how many there are so far.
    pub(crate) fn match_count(&self, search: &Search) -> String {
        let hits = search.scan.hits();
        let both = |at: usize| hits.word(at) & self.visible.lines().word(at);
        let words = self.store.len().div_ceil(64);
        let count: usize = (0..words).map(|at| both(at).count_ones() as usize).sum();
        let here = self.cursor().filter(|line| hits.contains(*line)).map(|line| {
            let whole: usize = (0..line / 64).map(|at| both(at).count_ones() as usize).sum();
            let rest = both(line / 64) & ((1 << (line % 64)) - 1);
            whole + rest.count_ones() as usize + 1
        });
        let number = here.map_or_else(|| "–".to_owned(), grouped);
        let more = if search.scan.is_done(&self.store) { "" } else { "…" };
        format!("{number}/{}{more}", grouped(count))
    }
}

/// An expression for a text with any other numbers; `None` if there is nothing in it. Only its
/// beginning counts: there the subject of a line is.
fn alike(text: &[u8]) -> Option<String> {
    let mut safe = String::new();
    let text = make_safe(text, &mut safe).text();
    let end = text.char_indices().nth(ALIKE_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    let text = text[..end].trim();
    let mut expression = String::new();
    for run in text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        match std::str::from_utf8(run) {
            Ok(words) if !run[0].is_ascii_digit() => expression.push_str(&regex::escape(words)),
            Ok(_) | Err(_) => expression.push_str(r"\d+"),
        }
    }
    text.contains(char::is_alphabetic).then_some(expression)
}

/// A screen's width of text.
const ALIKE_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn lines_alike_differ_in_numbers() {
        for (text, expression) in [
            ("sends x to=1 id=0.17", Some(r"sends x to=\d+ id=\d+\.\d+")),
            ("7 (of 10) 日本", Some(r"\d+ \(of \d+\) 日本")),
            ("123", None),
            ("  ", None),
        ] {
            assert_eq!(alike(text.as_bytes()).as_deref(), expression);
        }
        assert_eq!(alike("ab".repeat(500).as_bytes()).map(|text| text.len()), Some(80));
    }
}
