//! Keys that mark a line or go to a mark.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use crate::view::log_view::LogView;
use crate::view::ui::marks::PendingKey;

impl LogView {
    pub(crate) fn await_mark(&mut self, pending: PendingKey) {
        self.marks.pending = Some(pending);
        "press a letter".clone_into(&mut self.note);
    }

    /// Takes the letter that was pending.
    pub(crate) fn press_mark_key(&mut self, pending: PendingKey, event: KeyEvent) {
        self.note.clear();
        let (KeyCode::Char(letter), Some(line)) = (event.code, self.cursor()) else {
            return;
        };
        match (pending, self.marks.lines.get(&letter).copied()) {
            (PendingKey::Mark, _) => {
                self.marks.lines.insert(letter, line);
                self.note = format!("marked; '{letter} returns here");
            }
            (PendingKey::GoTo, None) => self.note = format!("no mark {letter}"),
            (PendingKey::GoTo, Some(marked)) => {
                // Where one comes from is a mark of its own.
                self.marks.lines.insert('\'', line);
                self.jump_to_line(marked);
            }
        }
    }
}
