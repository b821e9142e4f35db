//! Places the user has marked with a letter.

use std::collections::BTreeMap;

/// Marked lines by their letters.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) lines: BTreeMap<char, usize>,
    /// The purpose of the next key, a letter.
    pub(crate) pending: Option<PendingKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingKey {
    /// To mark the selected line.
    Mark,
    /// To go to a marked line.
    GoTo,
}

impl Marks {
    /// The letter of a line.
    pub(crate) fn of(&self, line: usize) -> Option<char> {
        self.lines.iter().find(|(_, own)| **own == line).map(|(letter, _)| *letter)
    }
}
