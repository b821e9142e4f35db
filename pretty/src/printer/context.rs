//! Events around matches.

use std::collections::VecDeque;

/// Keeps the lines that may be context before a match.
#[derive(Debug)]
pub(super) struct Context {
    before: usize,
    after: usize,
    kept: VecDeque<(usize, Vec<u8>)>,
    /// The number of the next lines that are context after a match.
    left: usize,
}

/// The fate of an event that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContextAction {
    Show,
    Hide,
}

impl Context {
    pub(super) fn new(before: usize, after: usize) -> Self {
        Self { before, after, kept: VecDeque::new(), left: 0 }
    }

    /// An event matches: returns the lines to show before it, with their sources.
    pub(super) fn on_match(&mut self) -> VecDeque<(usize, Vec<u8>)> {
        self.left = self.after;
        std::mem::take(&mut self.kept)
    }

    /// An event does not match.
    pub(super) fn on_mismatch(&mut self, source: usize, line: &[u8]) -> ContextAction {
        if self.left > 0 {
            self.left -= 1;
            return ContextAction::Show;
        }
        if self.before > 0 {
            if self.kept.len() == self.before {
                self.kept.pop_front();
            }
            self.kept.push_back((source, line.to_vec()));
        }
        ContextAction::Hide
    }
}
