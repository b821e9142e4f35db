//! Searching: every match is counted in the background, and the next one is selected as soon as it
//! is found.

use regex::Regex;

use crate::line::{Header, Line};
use crate::text::make_safe;
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
            Line::Header(Header { text, .. }) | Line::Other(_, text) => alike(text),
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
            None => return "nothing found".clone_into(&mut self.note),
        }
        // In a log that is looked at in one go nothing has to wait.
        if let Some(search) = &mut self.search {
            let _ = search.scan.step(&self.store);
        }
        self.go_to_pending();
    }

    fn go_to_pending(&mut self) {
        let Some(direction) = self.search.as_ref().and_then(|search| search.pending) else {
            return;
        };
        let found = match direction {
            Direction::Forward => self.match_after(),
            Direction::Backward => self.match_before(),
        };
        let note = match (&found, direction) {
            (MatchPosition::Unknown, _) => return,
            (MatchPosition::At(_), _) => "",
            (MatchPosition::None, _) => "nothing found",
            (MatchPosition::Wrapped(_), Direction::Forward) => "search wrapped to the first line",
            (MatchPosition::Wrapped(_), Direction::Backward) => "search wrapped to the last line",
        };
        if let Some(search) = &mut self.search {
            search.pending = None;
        }
        if let MatchPosition::At(line) | MatchPosition::Wrapped(line) = found {
            self.jump_to_line(line);
        }
        note.clone_into(&mut self.note);
    }

    fn match_after(&self) -> MatchPosition {
        let start = self.cursor().map_or(0, |line| line + 1);
        let Some(search) = &self.search else {
            return MatchPosition::None;
        };
        let all = self.store.len();
        let (known, found) = (search.scan.known_after(start, &self.store), self.shown_match(start));
        match found.filter(|line| *line < known) {
            Some(line) => return MatchPosition::At(line),
            None if known < all => return MatchPosition::Unknown,
            None => {}
        }
        let known = search.scan.known_after(0, &self.store);
        match self.shown_match(0).filter(|line| *line < known) {
            Some(line) => MatchPosition::Wrapped(line),
            None if known < all => MatchPosition::Unknown,
            None => MatchPosition::None,
        }
    }

    fn match_before(&self) -> MatchPosition {
        let end = self.cursor().unwrap_or(0);
        let Some(search) = &self.search else {
            return MatchPosition::None;
        };
        let all = self.store.len();
        let known = search.scan.known_before(end, &self.store);
        match self.shown_match_before(end).filter(|line| *line >= known) {
            Some(line) => return MatchPosition::At(line),
            None if known > 0 => return MatchPosition::Unknown,
            None => {}
        }
        let known = search.scan.known_before(all, &self.store);
        match self.shown_match_before(all).filter(|line| *line >= known) {
            Some(line) => MatchPosition::Wrapped(line),
            None if known > 0 => MatchPosition::Unknown,
            None => MatchPosition::None,
        }
    }

    fn shown_match(&self, start: usize) -> Option<usize> {
        let hits = self.search.as_ref()?.scan.hits();
        let mut lines = std::iter::successors(hits.next(start), |line| hits.next(line + 1));
        lines.find(|line| self.visible.contains(*line))
    }

    fn shown_match_before(&self, end: usize) -> Option<usize> {
        let hits = self.search.as_ref()?.scan.hits();
        let mut lines = std::iter::successors(hits.previous(end), |line| hits.previous(*line));
        lines.find(|line| self.visible.contains(*line))
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
