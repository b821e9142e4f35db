//! The keys on the screen: in as many columns as there is room for, scrolled if that is too few.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Widget as _};

use crate::text::columns;
use crate::view::log_view::LogView;
use crate::view::ui::draw::short;

impl LogView {
    /// Takes a key that scrolls the help; whether it was one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "keys are an open set")]
    pub(crate) fn press_help_key(&mut self, event: KeyEvent) -> bool {
        let last = self.keys.help().len().saturating_sub(1);
        self.menu = match event.code {
            KeyCode::Up | KeyCode::Char('k') => self.menu.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => last.min(self.menu + 1),
            KeyCode::PageUp | KeyCode::Char('b') => self.menu.saturating_sub(HELP_PAGE),
            KeyCode::PageDown | KeyCode::Char(' ' | 'f') => last.min(self.menu + HELP_PAGE),
            _ => return false,
        };
        true
    }

    pub(crate) fn draw_help(&self, area: Rect, buffer: &mut Buffer) {
        let help = self.keys.help();
        let names = help.iter().map(|(names, _)| columns(names)).max().unwrap_or(0);
        let words = help.iter().map(|(_, words)| columns(words)).max().unwrap_or(0);
        let column = names + words + 4;
        let across = (usize::from(area.width).saturating_sub(2) / column).clamp(1, 3);
        let rows = help.len().div_ceil(across);
        let height = short(rows + 2).min(area.height.saturating_sub(1));
        let width = short(across * column + 2).min(area.width);
        let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
        let frame = Rect { x: area.x + x, y: area.y + y, width, height };
        Clear.render(frame, buffer);
        let seen = usize::from(height.saturating_sub(2));
        let title = if seen < rows { " keys: j k for more " } else { " keys " };
        Block::bordered().title(title).render(frame, buffer);
        let first = self.menu.min(rows.saturating_sub(seen));
        for (at, (keys, words)) in help.iter().enumerate() {
            let row = (at % rows).checked_sub(first).filter(|row| *row < seen);
            let left = short(2 + at / rows * column);
            let Some((row, room)) = row.zip(width.checked_sub(left + 1)) else {
                continue;
            };
            let text = format!("{keys:names$}  {words}");
            let y = frame.y + 1 + short(row);
            buffer.set_stringn(frame.x + left, y, text, room.into(), Style::new());
        }
    }
}

const HELP_PAGE: usize = 10;
