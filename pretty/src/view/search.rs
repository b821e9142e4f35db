//! A search and its matches, counted little by little.

use regex::Regex;

use super::LogView;

/// What is searched for, and the matches found so far.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) regex: Regex,
    /// Matching lines, as positions in `shown`, in order.
    matches: Vec<u32>,
    /// So many of the shown lines have been looked at.
    counted: usize,
}

/// Whether [`LogView::work`] has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Work {
    /// Call it again when there is time.
    More,
    /// Nothing to do.
    Done,
}

impl Search {
    pub(super) fn new(regex: Regex) -> Self {
        Self { regex, matches: Vec::new(), counted: 0 }
    }

    /// The shown lines are others now.
    pub(super) fn restart(&mut self) {
        self.matches.clear();
        self.counted = 0;
    }

    /// `3/41`: which of the matches is at this position, and how many there are.
    pub(super) fn count(&self, position: usize, shown: usize) -> String {
        let after = self.matches.partition_point(|own| *own as usize <= position);
        let here = after.checked_sub(1).filter(|at| self.matches[*at] as usize == position);
        let number = here.map_or_else(|| "–".to_owned(), |at| (at + 1).to_string());
        let more = if self.counted < shown { "…" } else { "" };
        format!("{number}/{}{more}", self.matches.len())
    }
}

impl LogView {
    /// Does a little of what can wait: counting matches. To be called while there is nothing else
    /// to do, for as long as it says [`Work::More`].
    pub fn work(&mut self) -> Work {
        let Some(search) = &mut self.search else {
            return Work::Done;
        };
        let end = self.shown.len().min(search.counted + LINES_AT_ONCE);
        for at in search.counted..end {
            if self.store.matches(self.shown[at] as usize, &search.regex) {
                search.matches.extend(u32::try_from(at));
            }
        }
        search.counted = end;
        if end < self.shown.len() { Work::More } else { Work::Done }
    }
}

/// A few milliseconds' work.
const LINES_AT_ONCE: usize = 20_000;
