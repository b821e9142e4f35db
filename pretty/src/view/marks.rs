//! Places the user has marked with a letter.

use std::collections::BTreeMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::LogView;

/// Marked lines by their letters.
#[derive(Debug, Default)]
pub(super) struct Marks {
    lines: BTreeMap<char, usize>,
    /// What the next key, a letter, is for.
    pub(super) pending: Option<PendingKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingKey {
    /// To mark the selected line.
    Mark,
    /// To go to a marked line.
    GoTo,
}

impl Marks {
    /// The letter of a line.
    pub(super) fn of(&self, line: usize) -> Option<char> {
        self.lines.iter().find(|(_, own)| **own == line).map(|(letter, _)| *letter)
    }
}

impl LogView {
    pub(super) fn await_mark(&mut self, pending: PendingKey) {
        self.marks.pending = Some(pending);
        "which letter?".clone_into(&mut self.note);
    }

    /// Takes the letter that was pending.
    pub(super) fn press_mark_key(&mut self, pending: PendingKey, event: KeyEvent) {
        self.note.clear();
        let (KeyCode::Char(letter), Some(line)) = (event.code, self.cursor()) else {
            return;
        };
        match (pending, self.marks.lines.get(&letter).copied()) {
            (PendingKey::Mark, _) => {
                self.marks.lines.insert(letter, line);
                self.note = format!("marked; '{letter} comes back");
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
