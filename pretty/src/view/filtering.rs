//! Which lines are shown: kinds, the owner's wishes, expressions and folding, put together as
//! bitmaps.
//!
//! ```text
//! by kind ∧ ¬ veil ∧ base filter ∧ filter ∧ ¬ folded = shown
//! ```
//!
//! What goes by the kind of a line (topics, peers) is known at once for any log; what needs the
//! text of every line is found out little by little.

use std::ops::Range;

use regex::Regex;

use super::bitmap::{BITS, Bitmap};
use super::chunk::Kind;
use super::folding::Folding;
use super::scan::{Scan, Wanted};
use super::search::Work;
use super::store::Start;
use super::{Follow, LogView};
use crate::filter::Filter;

/// Only lines that match, and lines that are no events.
#[derive(Debug)]
pub(super) struct Matching {
    pub(super) regex: Regex,
    scan: Scan,
}

/// What the owner of the view does not want to see at all.
#[derive(Debug)]
pub(super) struct Base {
    filter: Filter,
    /// For what a line's kind does not tell.
    scan: Option<Scan>,
}

impl LogView {
    /// The same view of only those events that pass a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        let by_text = filter.since.is_some() || filter.until.is_some() || filter.grep.is_some();
        let scan = by_text.then(|| Scan::new(Wanted::Filter(filter.clone()), &self.store, 0));
        self.base = (!filter.shows_everything()).then_some(Base { filter, scan });
        self.refilter();
        self
    }

    /// Shows only events that match, or all.
    pub(super) fn set_matching(&mut self, regex: Option<Regex>) {
        let line = self.cursor().unwrap_or(0);
        self.matching = regex.map(|regex| {
            let scan = Scan::new(Wanted::Event(regex.clone()), &self.store, line);
            Matching { regex, scan }
        });
        self.refilter();
    }

    /// How much of the log has been filtered, in percent, as long as that is not all of it.
    pub(super) fn filtered_percent(&self) -> Option<usize> {
        let scans = self.scans().filter(|scan| !scan.is_done(&self.store));
        scans.map(|scan| scan.percent(&self.store)).min()
    }

    fn scans(&self) -> impl Iterator<Item = &Scan> {
        let base = self.base.iter().filter_map(|base| base.scan.as_ref());
        base.chain(self.matching.iter().map(|matching| &matching.scan))
    }

    fn scans_mut(&mut self) -> impl Iterator<Item = &mut Scan> {
        let base = self.base.iter_mut().filter_map(|base| base.scan.as_mut());
        base.chain(self.matching.iter_mut().map(|matching| &mut matching.scan))
    }

    fn shows_kind(&self, kind: Kind) -> bool {
        let Some((topic, peer)) = kind.event() else {
            return true;
        };
        !self.hidden.topics.contains(&topic)
            && !self.hidden.peers.contains(&peer)
            && self.base.as_ref().is_none_or(|base| {
                base.filter.shows_topic(self.store.topics.name(topic.0))
                    && base.filter.shows_peer(self.store.peers.name(peer.0))
            })
    }

    /// Takes over what has been added to the log after line `before`; from `changed` on it has to
    /// be looked at again.
    pub(super) fn extend_shown(&mut self, before: usize, changed: Start) {
        let end = self.store.end();
        self.scans_mut().for_each(|scan| scan.log_changed(changed, end));
        if let Some(search) = &mut self.search {
            search.scan.log_changed(changed, end);
        }
        self.extend_by_kind(before);
        self.show(before..end.line);
        let _ = self.filter_some();
        let _ = self.fold_some();
        self.settle();
    }

    /// Whatever has been found out about the log no longer holds.
    pub(super) fn restart_scans(&mut self) {
        self.scans_mut().for_each(Scan::restart);
        if let Some(search) = &mut self.search {
            search.scan.restart();
            search.awaited = None;
        }
    }

    /// Applies the filters anew; the selection stays on its line, or the nearest one shown.
    pub(super) fn refilter(&mut self) {
        self.by_kind = Bitmap::new();
        self.extend_by_kind(0);
        if let Some(folding) = &mut self.folding {
            *folding = Folding::default();
        }
        self.show(0..self.store.len());
        let _ = self.filter_some();
        let _ = self.fold_some();
        self.lay_out();
        self.settle();
    }

    fn extend_by_kind(&mut self, first: usize) {
        let mut by_kind = std::mem::take(&mut self.by_kind);
        self.store.each_word(
            first,
            |kind| self.shows_kind(kind),
            |line, bits, count| by_kind.push_bits(line, bits, count),
        );
        self.by_kind = by_kind;
    }

    /// The lines that pass, folded or not: the 64 from `64 * at` on.
    fn passing(&self, at: usize) -> u64 {
        let veil = self.veil.as_ref().map_or(0, |veil| veil.lines.word(at));
        let kinds = self.by_kind.word(at) & !veil;
        self.scans().fold(kinds, |word, scan| word & scan.hits().word(at))
    }

    /// Finds out anew which of these lines are shown.
    fn show(&mut self, lines: Range<usize>) {
        let mut shown = std::mem::take(&mut self.shown);
        shown.set(lines.start / BITS..lines.end.div_ceil(BITS), self.store.len(), |at| {
            let folded = self.folding.as_ref().map_or(0, |folding| folding.folded.word(at));
            self.passing(at) & !folded
        });
        self.shown = shown;
    }

    /// Filters some more lines, if there are any left to filter.
    pub(super) fn filter_some(&mut self) -> Option<Work> {
        let mut base = self.base.take();
        let mut matching = self.matching.take();
        let scans = base.iter_mut().filter_map(|base| base.scan.as_mut());
        let mut scans = scans.chain(matching.iter_mut().map(|matching| &mut matching.scan));
        let lines = scans.find_map(|scan| scan.step(&self.store));
        drop(scans);
        (self.base, self.matching) = (base, matching);
        self.show(lines?);
        self.settle();
        Some(Work::More)
    }

    /// Folds some more lines, once it is known which of them pass.
    pub(super) fn fold_some(&mut self) -> Option<Work> {
        if self.folding.is_none() || self.filtered_percent().is_some() {
            return None;
        }
        let mut folding = self.folding.take()?;
        let lines =
            folding.step(&self.store, |line| self.passing(line / BITS) >> (line % BITS) & 1 == 1);
        self.folding = Some(folding);
        self.show(lines?);
        self.settle();
        Some(Work::More)
    }

    /// Selects the line the user has chosen, or the nearest one that is shown.
    fn settle(&mut self) {
        let last = || self.shown.previous(self.store.len());
        let line = match self.follow {
            Follow::Yes => last(),
            Follow::No => self.shown.next(self.chosen).or_else(last),
        };
        self.cursor = line.unwrap_or(0);
        self.scroll_to_cursor();
    }
}
