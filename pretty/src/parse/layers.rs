//! The layers a line may have: transports that carry it, the record it is.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::Arc;

use super::catalog::{CATALOG, Reader};
use super::context::ReadContext;
use super::fields::TextSink;
use super::format::Format;
use super::own_format::{CustomFormat, OwnFormat};
use super::pattern::{Fit, Pattern};
use super::record::{Record, TimeText};
use super::transports::{TransportLayer, Transports};
use super::{json, logfmt, timestamp, verbose};
use crate::line::Stamp;

/// A way to read a record.
#[derive(Clone, Debug)]
pub(super) enum RecordLayer {
    Reader(Reader),
    /// A pattern of the catalog, by its place.
    BuiltIn(usize),
    Own(Arc<Pattern>),
}

/// The records a log may have, in the order they are tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    /// In the order they are tried.
    pub(super) transports: Vec<TransportLayer>,
    /// Peers before a text.
    pub(super) heads: Vec<Arc<Pattern>>,
    /// Sentences whose first word is the peer.
    pub(super) subjects: Vec<Arc<Pattern>>,
    all: Vec<RecordLayer>,
    /// Their places, loose ones last.
    by_fit: Vec<usize>,
    /// The number of those that are the user's own.
    own: usize,
    /// Any built-in format may be found.
    pub(super) is_auto: bool,
}

impl Layers {
    pub(super) fn of(format: &Format, transports: &Transports) -> Self {
        let formats = format.own();
        let patterns = |list: fn(&OwnFormat) -> &[Arc<Pattern>], built_in: &[Arc<Pattern>]| {
            let own = formats.iter().flat_map(|own| list(&own.0));
            own.chain(built_in).cloned().collect()
        };
        let records = Self::records_of(format);
        let mut by_fit: Vec<_> = (0..records.all.len()).collect();
        by_fit.sort_by_key(|at| records.all[*at].fit());
        Self {
            transports: transports.layers(formats),
            heads: patterns(|own| &own.heads, &CATALOG.heads),
            subjects: patterns(|own| &own.subjects, &CATALOG.subjects),
            by_fit,
            ..records
        }
    }

    fn records_of(format: &Format) -> Self {
        let own: Vec<_> = format.own().iter().flat_map(|own| own.records()).collect();
        match format {
            Format::Custom(custom) if custom.has_records() => {
                Self { own: own.len(), all: own, ..Self::default() }
            }
            Format::BuiltIn(built_in) => {
                let places = CATALOG.records.iter().enumerate();
                let places = places.filter(|(_, pattern)| *pattern.name == *built_in.name);
                let patterns = places.map(|(at, _)| RecordLayer::BuiltIn(at));
                let reader = built_in.reader.map(RecordLayer::Reader);
                Self { all: reader.into_iter().chain(patterns).collect(), ..Self::default() }
            }
            Format::Auto | Format::AutoAnd(_) | Format::Custom(_) => {
                let count = own.len();
                let readers = Reader::ALL.map(RecordLayer::Reader);
                let patterns = (0..CATALOG.records.len()).map(RecordLayer::BuiltIn);
                let all = own.into_iter().chain(readers).chain(patterns).collect();
                Self { all, own: count, is_auto: true, ..Self::default() }
            }
        }
    }

    pub(super) fn all(&self) -> &[RecordLayer] {
        &self.all
    }

    /// The layers of the user alone, or of the format given.
    pub(super) fn given(&self) -> &[RecordLayer] {
        if self.is_auto { &self.all[..self.own] } else { &self.all }
    }

    /// Tells whether all layers are built in, and any may be found.
    pub(super) fn has_no_own(&self) -> bool {
        let is_own = |own: &TransportLayer| matches!(own, TransportLayer::Own(_));
        self.is_auto && self.own == 0 && !self.transports.iter().any(is_own)
    }

    /// The layers tried first in a source not looked at.
    pub(super) fn first(&self) -> Vec<&RecordLayer> {
        let own = self.given().iter();
        let verbose = self.all.iter().skip(self.own).filter(|own| self.is_auto && own.is_verbose());
        own.chain(verbose).collect()
    }

    pub(super) fn fit(&self, place: usize) -> Fit {
        self.all[place].fit()
    }

    /// The first layer that reads a line alone, loose ones last, and the record.
    pub(super) fn find<'a>(
        &self,
        line: &'a [u8],
        context: &ReadContext<'_>,
    ) -> Option<(usize, Record<'a>)> {
        self.find_among(line, context, |own| own.next().is_none())
    }

    /// The first layer that reads a line as the first of two.
    pub(super) fn find_first(&self, line: &[u8], context: &ReadContext<'_>) -> Option<usize> {
        self.find_among(line, context, |own| own.next().is_some()).map(|(at, _)| at)
    }

    fn find_among<'a>(
        &self,
        line: &'a [u8],
        context: &ReadContext<'_>,
        wanted: impl Fn(&RecordLayer) -> bool,
    ) -> Option<(usize, Record<'a>)> {
        // Most lines are read before the patterns, which take time to compile, are needed.
        let matching = LazyCell::new(|| CATALOG.records_matching(line));
        let may_fit = |own: &RecordLayer| match own {
            RecordLayer::BuiltIn(at) if self.is_auto => matching.contains(at),
            RecordLayer::BuiltIn(_) | RecordLayer::Reader(_) | RecordLayer::Own(_) => true,
        };
        let all = self.by_fit.iter().map(|at| (*at, &self.all[*at]));
        let mut fitting = all.filter(|(_, own)| wanted(own) && may_fit(own));
        fitting.find_map(|(at, own)| Some((at, own.read(line, context)?)))
    }

    pub(super) fn reads_strictly(&self, line: &[u8], context: &ReadContext<'_>) -> bool {
        let found = self.find(line, context);
        found.is_some_and(|(at, _)| self.fit(at) == Fit::Strict)
    }
}

impl CustomFormat {
    fn records(&self) -> impl Iterator<Item = RecordLayer> {
        let records = self.0.records.iter().map(|own| RecordLayer::Own(own.clone()));
        self.0.reader.map(RecordLayer::Reader).into_iter().chain(records)
    }
}

impl RecordLayer {
    /// The parser or the pattern that reads its lines.
    fn way(&self) -> Way<'_> {
        match self {
            Self::Reader(reader) => Way::Reader(*reader),
            Self::BuiltIn(at) => Way::Pattern(&CATALOG.records[*at]),
            Self::Own(own) => Way::Pattern(own),
        }
    }

    pub(super) fn fit(&self) -> Fit {
        self.pattern().map_or(Fit::Strict, |pattern| pattern.fit)
    }

    /// The pattern, if it is not read by code.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match self.way() {
            Way::Reader(_) => None,
            Way::Pattern(pattern) => Some(pattern),
        }
    }

    /// The expression of the second line of its records.
    pub(super) fn next(&self) -> Option<&Pattern> {
        self.pattern()?.next.as_deref()
    }

    pub(super) fn is_verbose(&self) -> bool {
        matches!(self, Self::Reader(Reader::Verbose))
    }

    pub(super) fn name(&self) -> &str {
        match self.way() {
            Way::Reader(Reader::Verbose) => "verbose",
            Way::Reader(Reader::Json) => "json",
            Way::Reader(Reader::Logfmt) => "logfmt",
            Way::Pattern(pattern) => &pattern.name,
        }
    }

    /// The record in a line.
    pub(super) fn read<'a>(&self, line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
        let first = line.first();
        match self.way() {
            Way::Reader(Reader::Verbose) => verbose::read(line, context),
            Way::Reader(Reader::Json) if first == Some(&b'{') => json::read(line, context),
            Way::Reader(Reader::Logfmt)
                if first.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'@') =>
            {
                logfmt::read(line, context)
            }
            Way::Reader(_) => None,
            Way::Pattern(pattern) => pattern.read(line, context),
        }
    }

    /// The record of two lines.
    pub(super) fn read_pair<'a>(
        &self,
        first: &[u8],
        second: &'a [u8],
        context: &ReadContext<'_>,
    ) -> Option<Record<'a>> {
        let second = self.next()?.read(second, context)?;
        Some(self.read(first, context)?.with_second(second))
    }

    /// Writes the text of the record in a line to `text`, and returns the places of numbers in the line
    /// that must not begin with a zero; `None` if the same line with other digits may differ in more
    /// than those.
    pub(super) fn write_text(
        &self,
        line: &[u8],
        context: &ReadContext<'_>,
        text: &mut impl TextSink,
    ) -> Option<Vec<usize>> {
        match self.way() {
            Way::Reader(Reader::Verbose) => None,
            Way::Reader(Reader::Json) => {
                json::fields(line, context)?.write_text(context, text)?;
                Some(json::long_numbers(line))
            }
            Way::Reader(Reader::Logfmt) => {
                logfmt::fields(line)?.write_text(context, text)?;
                Some(Vec::new())
            }
            Way::Pattern(pattern) => pattern.write_text(line, text),
        }
    }

    /// The stamp of a time in such a record.
    pub(super) fn stamp<'a>(
        &self,
        time: TimeText<'a>,
        context: &ReadContext<'_>,
    ) -> Option<Stamp<'a>> {
        match (time, self.way()) {
            (TimeText::Micros(text), _) => {
                timestamp::micros(std::str::from_utf8(text).ok()?.parse().ok()?)
            }
            (TimeText::Any(text), Way::Reader(_)) => {
                timestamp::wall(Cow::Borrowed(text), context.calendar)
            }
            (TimeText::Any(text), Way::Pattern(pattern)) => pattern.stamp(text, context),
        }
    }

    /// Tells whether both are one layer.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self.way(), other.way()) {
            (Way::Reader(own), Way::Reader(other)) => own == other,
            (Way::Pattern(own), Way::Pattern(other)) => std::ptr::eq(own, other),
            (Way::Reader(_) | Way::Pattern(_), _) => false,
        }
    }
}

/// A way to read a line.
enum Way<'l> {
    Reader(Reader),
    Pattern(&'l Pattern),
}

/// Transports inside each other: more is not a log.
pub(super) const TRANSPORTS_MAX: usize = 4;
