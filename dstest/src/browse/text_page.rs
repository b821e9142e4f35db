//! A page of text that can be scrolled.

use ratatui::crossterm::event::KeyEvent;

use super::keys::{self, Action};

/// A text.
#[derive(Debug)]
pub(crate) struct TextPage {
    pub(crate) title: String,
    /// Made safe: no control character is left.
    pub(crate) lines: Vec<String>,
    pub(crate) top: usize,
    /// The run that the text is about.
    pub(crate) run: Option<usize>,
}

impl TextPage {
    /// A page of any text.
    pub(crate) fn new(title: String, text: &str, run: Option<usize>) -> Self {
        let safe =
            |line: &str| pretty::make_safe(line.as_bytes(), &mut String::new()).text().to_owned();
        Self { title, lines: text.lines().map(safe).collect(), top: 0, run }
    }

    /// Handles a key; `false` if it has no meaning here.
    pub(crate) fn press(&mut self, key: KeyEvent) -> bool {
        let last = self.lines.len().saturating_sub(1);
        self.top = match keys::action(key) {
            Some(Action::Down) => self.top + 1,
            Some(Action::Up) => self.top.saturating_sub(1),
            Some(Action::PageDown) => self.top + PAGE,
            Some(Action::PageUp) => self.top.saturating_sub(PAGE),
            Some(Action::First) => 0,
            Some(Action::Last) => last,
            Some(_) | None => return false,
        };
        self.top = self.top.min(last);
        true
    }
}

/// Smaller than any screen, so that no line is skipped.
const PAGE: usize = 10;
