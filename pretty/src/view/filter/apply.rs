//! The lines that are shown: topics and peers, hidden lines, expressions and folding, combined as
//! bitmaps.
//!
//! ```text
//! topic and peer ∧ ¬ hidden ∧ embedder's filter ∧ user's filter ∧ ¬ folded = shown
//! ```
//!
//! Filters by topic and peer are known at once for any log; those that need the text of every line
//! are evaluated little by little.

use std::ops::Range;

use regex::Regex;

use crate::class::Class;
use crate::filter::Filter;
use crate::view::filter::folding::Folding;
use crate::view::filter::state::{BaseFilter, RegexFilter};
use crate::view::log::bitmap::{BITS, Bitmap};
use crate::view::log::chunk::Kind;
use crate::view::log::scan::Keep;
use crate::view::log::scan::{Scan, ScanTarget};
use crate::view::log::store::LogPosition;
use crate::view::log_view::{Follow, LogView, Work};

impl LogView {
    /// The same view of only those events that pass a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        let by_text = filter.level.is_some()
            || filter.since.is_some()
            || filter.until.is_some()
            || filter.reads_text();
        let scan = by_text
            .then(|| Scan::new(ScanTarget::Filter(Box::new(filter.clone())), &self.store, 0));
        self.base_filter = (!filter.shows_everything()).then_some(BaseFilter { filter, scan });
        self.refilter();
        self
    }

    /// Shows only events that match, or only those that do not, or all.
    pub(crate) fn set_regex_filter(&mut self, filter: Option<(Keep, Regex)>) {
        let line = self.cursor().unwrap_or(0);
        self.regex_filter = filter.map(|(keep, regex)| {
            let scan = Scan::new(ScanTarget::Event(keep, regex.clone()), &self.store, line);
            RegexFilter { keep, regex, scan }
        });
        self.refilter();
    }

    /// The part of the log that has been filtered, in percent, as long as that is not all of it.
    pub(crate) fn filter_progress(&self) -> Option<usize> {
        let scans = self.scans().filter(|scan| !scan.is_done(&self.store));
        scans.map(|scan| scan.percent(&self.store)).min()
    }

    fn scans(&self) -> impl Iterator<Item = &Scan> {
        let base_filter =
            self.base_filter.iter().filter_map(|base_filter| base_filter.scan.as_ref());
        base_filter.chain(self.regex_filter.iter().map(|regex_filter| &regex_filter.scan))
    }

    fn scans_mut(&mut self) -> impl Iterator<Item = &mut Scan> {
        let base_filter =
            self.base_filter.iter_mut().filter_map(|base_filter| base_filter.scan.as_mut());
        base_filter.chain(self.regex_filter.iter_mut().map(|regex_filter| &mut regex_filter.scan))
    }

    fn shows_kind(&self, kind: Kind) -> bool {
        let Some((topic, peer)) = kind.owner() else {
            return kind != Kind::Other(Class::Lead);
        };
        !self.hidden.topics.contains(&topic)
            && !self.hidden.peers.contains(&peer)
            && self.base_filter.as_ref().is_none_or(|base_filter| {
                base_filter.filter.shows_topic(self.store.topics.name(topic.0))
                    && base_filter.filter.shows_peer(self.store.peers.name(peer.0))
            })
    }

    /// Takes over what has been added to the log after line `before`; from `changed` on it has to
    /// be looked at again, and from line `first` on others may be shown.
    pub(crate) fn extend_shown(&mut self, first: usize, before: usize, changed: LogPosition) {
        let end = self.store.end();
        self.scans_mut().for_each(|scan| scan.log_changed(changed, end));
        if let Some(search) = &mut self.search {
            search.scan.log_changed(changed, end);
        }
        self.extend_by_kind(before);
        self.show(first..end.line);
        let _ = self.filter_step();
        let _ = self.fold_step();
        self.restore_selection();
    }

    /// Discards all results: the log has changed.
    pub(crate) fn restart_scans(&mut self) {
        self.scans_mut().for_each(Scan::restart);
        if let Some(search) = &mut self.search {
            search.scan.restart();
            search.pending = None;
        }
    }

    /// Applies the filters again; the selection stays on its line, or the nearest one shown.
    pub(crate) fn refilter(&mut self) {
        self.by_kind = Bitmap::new();
        self.extend_by_kind(0);
        if let Some(folding) = &mut self.folding {
            *folding = Folding::default();
        }
        self.show(0..self.store.len());
        let _ = self.filter_step();
        let _ = self.fold_step();
        self.lay_out();
        self.restore_selection();
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
        let hidden_lines =
            self.hidden_lines.as_ref().map_or(0, |hidden_lines| hidden_lines.lines.word(at));
        let kinds = self.by_kind.word(at) & !hidden_lines;
        self.scans().fold(kinds, |word, scan| word & scan.hits().word(at))
    }

    /// Updates which of these lines are shown.
    fn show(&mut self, lines: Range<usize>) {
        let mut shown = std::mem::take(&mut self.visible);
        shown.set(lines.start / BITS..lines.end.div_ceil(BITS), self.store.len(), |at| {
            let folded = self.folding.as_ref().map_or(0, |folding| folding.folded.word(at));
            self.passing(at) & !folded
        });
        self.visible = shown;
    }

    /// Filters some more lines, if there are any left to filter.
    pub(crate) fn filter_step(&mut self) -> Option<Work> {
        let mut base_filter = self.base_filter.take();
        let mut regex_filter = self.regex_filter.take();
        let scans = base_filter.iter_mut().filter_map(|base_filter| base_filter.scan.as_mut());
        let mut scans =
            scans.chain(regex_filter.iter_mut().map(|regex_filter| &mut regex_filter.scan));
        let lines = scans.find_map(|scan| scan.step(&self.store));
        drop(scans);
        (self.base_filter, self.regex_filter) = (base_filter, regex_filter);
        self.show(lines?);
        self.restore_selection();
        Some(Work::More)
    }

    /// Folds some more lines, once it is known which of them pass.
    pub(crate) fn fold_step(&mut self) -> Option<Work> {
        if self.folding.is_none() || self.filter_progress().is_some() {
            return None;
        }
        let mut folding = self.folding.take()?;
        let lines =
            folding.step(&self.store, |line| self.passing(line / BITS) >> (line % BITS) & 1 == 1);
        self.folding = Some(folding);
        self.show(lines?);
        self.restore_selection();
        Some(Work::More)
    }

    /// Selects the line the user has chosen, or the nearest one that is shown.
    fn restore_selection(&mut self) {
        let last = || self.visible.previous(self.store.len());
        let line = match self.follow {
            Follow::On | Follow::UntilRead => last(),
            Follow::Off => self.visible.next(self.chosen).or_else(last),
        };
        self.cursor = line.unwrap_or(0);
        self.scroll_to_cursor();
    }
}
