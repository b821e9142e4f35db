//! Places the user has marked with a letter.

use std::collections::BTreeMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::LogView;

/// Marked lines by their letters.
#[derive(Debug, Default)]
pub(super) struct Marks {
    lines: BTreeMap<char, usize>,
    /// What the next key, a letter, is for.
    pub(super) awaited: Option<Awaited>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
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
    pub(super) fn await_mark(&mut self, awaited: Awaited) {
        self.marks.awaited = Some(awaited);
        "which letter?".clone_into(&mut self.note);
    }

    /// Takes the letter that was awaited.
    pub(super) fn press_mark(&mut self, awaited: Awaited, event: KeyEvent) {
        self.note.clear();
        let (KeyCode::Char(letter), Some(line)) = (event.code, self.cursor()) else {
            return;
        };
        match (awaited, self.marks.lines.get(&letter).copied()) {
            (Awaited::Mark, _) => {
                self.marks.lines.insert(letter, line);
                self.note = format!("marked; '{letter} comes back");
            }
            (Awaited::GoTo, None) => self.note = format!("no mark {letter}"),
            (Awaited::GoTo, Some(marked)) => {
                // Where one comes from is a mark of its own.
                self.marks.lines.insert('\'', line);
                self.jump_to_line(marked);
            }
        }
    }
}
