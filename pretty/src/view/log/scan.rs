//! Looking at every line of a log for something, little by little.
//!
//! A scan starts at the selected line and wraps around the log, so that results near it are known
//! first. What it has found is a bit a line, what it has looked at is a bit a group.

use std::ops::Range;

use regex::Regex;

use crate::filter::Filter;
use crate::line::{Event, Line};
use crate::text::make_safe;
use crate::view::log::bitmap::Bitmap;
use crate::view::log::chunk::Kind;
use crate::view::log::store::{LogPosition, Store, matches};

/// A scan and what it has found so far.
#[derive(Debug)]
pub(crate) struct Scan {
    target: ScanTarget,
    hits: Bitmap,
    /// Groups that have been looked at.
    done: Bitmap,
    /// The group it started at.
    from: usize,
    buffer: Vec<u8>,
}

/// The target of a search.
#[derive(Debug)]
pub(crate) enum ScanTarget {
    /// Lines with a match.
    Match(Regex),
    /// Events with a match, or without one; and lines that are not events.
    Event(Keep, Regex),
    /// Events that pass a filter's times and expressions, and lines that are not events.
    Filter(Box<Filter>),
}

impl ScanTarget {
    /// Tells whether the event is kept that the line continues, if it does.
    fn owner_hit(&self, line: usize, store: &Store) -> bool {
        let is_continuation = |line: usize| matches!(store.kind(line), Kind::Continuation(..));
        if matches!(self, Self::Match(_)) || !is_continuation(line) {
            return true;
        }
        let Some(owner) = (0..line).rev().find(|line| !is_continuation(*line)) else {
            return true;
        };
        let text = store.text(owner);
        match (self, store.parser_at(owner).parse(&text)) {
            (Self::Event(keep, regex), Line::Event(_)) => {
                matches(&text, regex) == (*keep == Keep::Matches)
            }
            (Self::Filter(filter), Line::Event(event)) => passes(&event, &text, filter, store),
            (..) => true,
        }
    }
}

/// The events an expression keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Matches,
    Others,
}

impl Scan {
    /// A scan that starts at the group of a line.
    pub(crate) fn new(target: ScanTarget, store: &Store, line: usize) -> Self {
        let (hits, done) = (Bitmap::new(), Bitmap::new());
        let from = store.group_of(line);
        Self { target, hits, done, from, buffer: Vec::new() }
    }

    /// Starts over, at the first line.
    pub(crate) fn restart(&mut self) {
        (self.hits, self.done, self.from) = (Bitmap::new(), Bitmap::new(), 0);
    }

    pub(crate) fn hits(&self) -> &Bitmap {
        &self.hits
    }

    /// The log has changed from here on.
    pub(crate) fn log_changed(&mut self, from: LogPosition, end: LogPosition) {
        for group in from.group..end.group {
            self.done.remove(group);
        }
    }

    pub(crate) fn is_done(&self, store: &Store) -> bool {
        self.done.next_absent(0) >= store.end().group
    }

    /// The part of the log that has been scanned, in percent.
    pub(crate) fn percent(&self, store: &Store) -> usize {
        self.done.count() * 100 / store.end().group.max(1)
    }

    /// Looks at some more lines; returns which, or `None` if none are left.
    pub(crate) fn step(&mut self, store: &Store) -> Option<Range<usize>> {
        let end = store.end().group;
        let next = Some(self.done.next_absent(self.from)).filter(|group| *group < end);
        let next = next.unwrap_or_else(|| self.done.next_absent(0));
        if next >= end {
            return None;
        }
        let limit = self.done.next(next).unwrap_or(end);
        let first = store.first_line(next);
        let mut parser = store.parser_at(first);
        let (target, hits) = (&self.target, &mut self.hits);
        let mut is_owner_hit = target.owner_hit(first, store);
        let after = store.each_line(next..limit, STEP_BYTES, &mut self.buffer, |line, text| {
            let hit = match target {
                ScanTarget::Match(regex) => matches(text, regex),
                ScanTarget::Event(keep, regex) => {
                    store.kind(line).event().is_none()
                        || matches(text, regex) == (*keep == Keep::Matches)
                }
                ScanTarget::Filter(filter) => {
                    store.choose_source(line, &mut parser);
                    match parser.parse(text) {
                        Line::Event(event) => passes(&event, text, filter, store),
                        Line::Header(_) | Line::Other(..) => true,
                    }
                }
            };
            let hit = match (target, store.kind(line)) {
                (ScanTarget::Match(_), _) | (_, Kind::Header | Kind::Other(_)) => hit,
                (_, Kind::Continuation(..)) => is_owner_hit,
                (_, Kind::Event(..)) => {
                    is_owner_hit = hit;
                    hit
                }
            };
            if hit {
                hits.insert(line);
            } else {
                hits.remove(line);
            }
        });
        self.done.extend(next..after);
        Some(first..store.first_line(after))
    }

    /// Up to where all lines from `line` on have been looked at.
    pub(crate) fn known_after(&self, line: usize, store: &Store) -> usize {
        store.first_line(self.done.next_absent(store.group_of(line)))
    }

    /// From where on all lines before `line` have been looked at.
    pub(crate) fn known_before(&self, line: usize, store: &Store) -> usize {
        let Some(last) = line.checked_sub(1) else {
            return 0;
        };
        let unknown = self.done.previous_absent(store.group_of(last) + 1);
        unknown.map_or(0, |group| store.first_line(group + 1))
    }
}

fn passes(event: &Event<'_>, text: &[u8], filter: &Filter, store: &Store) -> bool {
    filter.shows_level(event.level)
        && filter.shows_time(event.stamp.as_ref(), store.origin())
        && (!filter.reads_text() || filter.shows_text(make_safe(text, &mut String::new()).text()))
}

/// A few milliseconds' work.
const STEP_BYTES: usize = 1024 * 1024;
