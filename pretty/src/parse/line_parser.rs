//! The parsing of one line: transports, record, peer, time.

use std::borrow::Cow;

use super::catalog::{CATALOG, Reader};
use super::clock::{ClockOfDay, shift_by};
use super::context::ReadContext;
use super::keys::{Keys, PeerField};
use super::known_lines::{KnownLines, KnownPart, KnownShape};
use super::layers::{Layers, RecordLayer, TRANSPORTS_MAX};
use super::leads::{First, Leads};
use super::pattern::{Carried, Fit};
use super::peer_plan::{Heads, NamedBy};
use super::reading::Reading;
use super::record::{Record, into_owned};
use super::settings::ParserSettings;
use super::transports::{TransportLayer, strip};
use super::verbose;
use crate::class::{Class, is_continuation};
use crate::line::{Event, Line, Stamp};
use crate::shapes::Lookup;
use crate::time::Tick;

/// The parts of a parser that never change.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) settings: ParserSettings,
    pub(super) layers: Layers,
    pub(super) keys: Cow<'static, Keys>,
    /// The reading of sources that have not been looked at.
    pub(super) unknown: Reading,
}

/// The layers found in a line.
#[derive(Clone, Debug, Default)]
pub(super) struct FoundLayers {
    transports: Vec<TransportLayer>,
    pub(super) record: Option<RecordLayer>,
    bare: bool,
    /// The first line of the record, if this is its second.
    pub(super) first: Option<Box<First>>,
}

/// A parser about to parse one line.
pub(super) struct LineParser<'p> {
    pub(super) setup: &'p Setup,
    pub(super) reading: &'p Reading,
    /// Nanoseconds that are added to times.
    pub(super) shift: i64,
    pub(super) header_unit: &'p mut Option<Tick>,
    pub(super) clock: &'p mut ClockOfDay,
    pub(super) leads: &'p mut Leads,
    pub(super) found: &'p mut FoundLayers,
    pub(super) known: &'p mut KnownLines,
}

impl Setup {
    pub(super) fn context<'p>(
        &'p self,
        header_unit: Option<Tick>,
        peer: PeerField<'p>,
    ) -> ReadContext<'p> {
        let ParserSettings { calendar, tick, levels, .. } = &self.settings;
        ReadContext { calendar, tick: *tick, header_unit, keys: &self.keys, levels, peer }
    }
}

impl FoundLayers {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.transports.clear();
        (self.record, self.bare, self.first) = (None, false, None);
    }

    /// A line of our own and nothing else; so was the one before, nearly always.
    #[inline]
    pub(super) fn set_verbose(&mut self) {
        let is_plain = self.transports.is_empty() && !self.bare && self.first.is_none();
        if !is_plain || !self.record.as_ref().is_some_and(RecordLayer::is_verbose) {
            self.clear();
            self.record = Some(RecordLayer::Reader(Reader::Verbose));
        }
    }

    /// The names of the transports and of the format.
    pub(super) fn names(&self) -> (Vec<&str>, Option<&str>) {
        let transports = self.transports.iter().map(|own| own.get().name()).collect();
        let bare = self.bare.then_some("bare");
        (transports, self.record.as_ref().map(RecordLayer::name).or(bare))
    }
}

impl<'p> LineParser<'p> {
    /// The meaning of a line without colours.
    pub(super) fn parse<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        self.leads.count_line();
        let name = self.leads.name().map(|name| Cow::Owned(self.reading.source_name(name)));
        let read = self.read(line, Carried { source: name, ..Carried::default() }, 0);
        if let Line::Other(Class::Lead, whole) = &read {
            self.leads.set_whole(whole);
        }
        read
    }

    /// The same inside `depth` transports; `carried` is what they have said about it.
    fn read<'a>(&mut self, line: &'a [u8], carried: Carried<'a>, depth: usize) -> Line<'a> {
        if verbose::is_header(line) {
            let (header, unit) = verbose::header(line);
            *self.header_unit = unit;
            return Line::Header(header);
        }
        let (reading, context) = (self.reading, self.context());
        let usual = &reading.transports;
        if depth < TRANSPORTS_MAX
            && let Some(found) = self.transport(line, usual.iter().copied(), &context)
        {
            return self.carried(found, line, carried, depth);
        }
        if let Some(record) = self.second(line, &carried, &context) {
            return Line::Event(self.event(record, line, carried));
        }
        let mut is_again = false;
        let is_whole = depth == 0 && carried.is_empty();
        if is_whole || self.known.part() == KnownPart::Record {
            match self.known.find(line) {
                Lookup::Known(KnownShape::Record(known)) => {
                    if let Some(record) = known.read(line, &context) {
                        let layer = known.layer.clone();
                        return self.known_event(layer, record, line, carried);
                    }
                }
                Lookup::Again => is_again = true,
                Lookup::Known(KnownShape::Unread) => {
                    return Line::Other(Class::of(line), Cow::Borrowed(line));
                }
                Lookup::Known(KnownShape::Unsure) | Lookup::New => {}
            }
        }
        let mut records = reading.records.iter();
        if let Some((layer, record)) =
            records.find_map(|own| Some((own, own.read(line, &context)?)))
        {
            if is_again && layer.next().is_none() {
                return Line::Event(self.kept_event(layer, record, line, carried, &context));
            }
            return self.record(layer, record, line, carried);
        }
        // Something that was not in the sample, or there was none.
        let layers = &self.setup.layers;
        let may_be = || {
            CATALOG.may_be_transport(line)
                || layers.transports.iter().any(TransportLayer::is_strict_and_own)
        };
        if depth < TRANSPORTS_MAX && may_be() {
            let all = layers.transports.iter().enumerate();
            // The name of a source counts in a log that begins with one alone.
            let others = all.filter(|(at, own)| {
                let own = own.get();
                own.is_strict() && !own.leads() && !usual.contains(at)
            });
            let others = others.map(|(at, _)| at);
            if let Some(found) = self.transport(line, others, &context) {
                return self.carried(found, line, carried, depth);
            }
        }
        if let Some((layer, record)) = self.other_record(line, &context) {
            return self.record(layer, record, line, carried);
        }
        self.bare(line, carried, is_again)
    }

    /// The event of a line that is known.
    fn known_event<'a>(
        &mut self,
        layer: Option<RecordLayer>,
        record: Record<'a>,
        line: &'a [u8],
        carried: Carried<'a>,
    ) -> Line<'a> {
        (self.found.bare, self.found.record) = (layer.is_none(), layer);
        Line::Event(match self.known.part() {
            KnownPart::Line => self.timed(record),
            KnownPart::Record | KnownPart::Nothing => self.event(record, line, carried),
        })
    }

    /// The event of a record that is to be known from now on.
    fn kept_event<'a>(
        &mut self,
        layer: &RecordLayer,
        record: Record<'a>,
        line: &'a [u8],
        carried: Carried<'a>,
        context: &ReadContext<'_>,
    ) -> Event<'a> {
        self.found.record = Some(layer.clone());
        let (part, layer) = (self.known.part(), Some(layer));
        if part == KnownPart::Record {
            self.known.keep(line, layer, (&record, NamedBy::Line), self.reading, context);
        }
        let (record, named) = self.named(record, line, carried);
        if part == KnownPart::Line {
            self.known.keep(line, layer, (&record, named), self.reading, context);
        }
        self.timed(record)
    }

    /// A line that is a record, or the first of one.
    fn record<'a>(
        &mut self,
        layer: &RecordLayer,
        record: Record<'a>,
        line: &'a [u8],
        carried: Carried<'a>,
    ) -> Line<'a> {
        self.found.record = Some(layer.clone());
        if layer.next().is_none() {
            return Line::Event(self.event(record, line, carried));
        }
        let mut stamp = record.stamp;
        self.correct(&mut stamp);
        let at = stamp.and_then(|stamp| stamp.at);
        self.leads.keep(layer.clone(), line, at, carried.source.as_deref());
        Line::Other(Class::Lead, Cow::Borrowed(line))
    }

    /// The record whose second line this is.
    fn second<'a>(
        &mut self,
        line: &'a [u8],
        carried: &Carried<'_>,
        context: &ReadContext<'_>,
    ) -> Option<Record<'a>> {
        // Of blank lines a sample says nothing.
        if !self.leads.has_firsts() || line.trim_ascii().is_empty() {
            return None;
        }
        let first = self.leads.take(carried.source.as_deref())?;
        let record = first.layer.read_pair(&first.line, line, context);
        if record.is_none() {
            self.leads.let_go(first);
            return None;
        }
        (self.found.record, self.found.first) = (Some(first.layer.clone()), Some(first.into()));
        record
    }

    /// The line that a transport carries.
    fn carried<'a>(
        &mut self,
        (at, own, rest): (usize, Carried<'a>, Cow<'a, [u8]>),
        line: &'a [u8],
        outer: Carried<'a>,
        depth: usize,
    ) -> Line<'a> {
        let transport = &self.setup.layers.transports[at];
        self.found.transports.push(transport.clone());
        if transport.get().leads() {
            self.leads.set_name(own.source.as_deref().unwrap_or_default());
            return Line::Other(Class::Lead, Cow::Borrowed(line));
        }
        let carried = own.within(outer);
        match rest {
            Cow::Borrowed(rest) => match self.read(rest, carried, depth + 1) {
                // A line that no layer reads keeps the name of its source.
                Line::Other(class, Cow::Borrowed(_)) => Line::Other(class, Cow::Borrowed(line)),
                read @ (Line::Event(_) | Line::Header(_) | Line::Other(..)) => read,
            },
            Cow::Owned(rest) => owned(self.read(&rest, carried, depth + 1)),
        }
    }

    /// A record of any strict layer, if any format may be found.
    fn other_record<'a>(
        &self,
        line: &'a [u8],
        context: &ReadContext<'_>,
    ) -> Option<(&'p RecordLayer, Record<'a>)> {
        let layers = &self.setup.layers;
        if !layers.is_auto {
            return None;
        }
        let (place, record) = layers.find(line, context)?;
        if layers.fit(place) == Fit::Loose {
            return None;
        }
        Some((&layers.all()[place], record))
    }

    /// A line that no record reads: an event nevertheless if its peer or its time are known.
    fn bare<'a>(&mut self, line: &'a [u8], carried: Carried<'a>, is_again: bool) -> Line<'a> {
        let class = Class::of(line);
        let is_text = class == Class::Plain && !is_continuation(line);
        let has_head = || self.reading.bare_heads && self.heads().find(line).is_some();
        let is_to_be_known =
            is_again && self.known.part() == KnownPart::Line && self.setup.layers.has_no_own();
        if is_text && (!carried.is_empty() || has_head()) {
            self.found.bare = true;
            let context = self.context();
            let peer = match context.peer {
                PeerField::Key(_) => context.keys.peer_in(line, context.peer),
                PeerField::Any | PeerField::None => None,
            };
            let (text, peer) = (Cow::Borrowed(line), peer.map(Cow::Borrowed));
            let record = Record { text, peer, ..Record::default() };
            let (record, named) = self.named(record, line, carried);
            if is_to_be_known {
                self.known.keep(line, None, (&record, named), self.reading, &context);
            }
            return Line::Event(self.timed(record));
        }
        if is_to_be_known {
            self.known.keep_unread(line, self.reading);
        }
        Line::Other(class, Cow::Borrowed(line))
    }

    /// The event of a record, whose peer and time may be named elsewhere.
    fn event<'a>(&mut self, record: Record<'a>, line: &'a [u8], carried: Carried<'a>) -> Event<'a> {
        let (record, _) = self.named(record, line, carried);
        self.timed(record)
    }

    /// The record with its peer and the facts of its transports.
    fn named<'a>(
        &self,
        mut record: Record<'a>,
        line: &'a [u8],
        carried: Carried<'a>,
    ) -> (Record<'a>, NamedBy) {
        let settings = &self.setup.settings;
        let heads = self.heads();
        let peers = &self.reading.peers;
        let named = peers.name_peer(&mut record, line, carried.source, heads, settings);
        record.stamp = record.stamp.or(carried.stamp);
        record.level = record.level.or(carried.level);
        (record, named)
    }

    /// The event of a record, at its time by a right clock.
    fn timed<'a>(&mut self, mut record: Record<'a>) -> Event<'a> {
        self.correct(&mut record.stamp);
        record.into_event()
    }

    /// Corrects a time: its day, and the clock of its source.
    fn correct(&mut self, stamp: &mut Option<Stamp<'_>>) {
        if let Some(stamp) = stamp {
            self.clock.record(stamp);
            shift_by(stamp, self.shift, &self.setup.settings.calendar);
        }
    }

    /// The first of these transports that carries the line.
    fn transport<'a>(
        &self,
        line: &'a [u8],
        mut places: impl Iterator<Item = usize>,
        context: &ReadContext<'_>,
    ) -> Option<(usize, Carried<'a>, Cow<'a, [u8]>)> {
        places.find_map(|at| {
            let transport = self.setup.layers.transports[at].get();
            let (carried, rest) = strip(transport, line, context)?;
            Some((at, carried, rest))
        })
    }

    fn heads(&self) -> Heads<'p> {
        Heads { layers: &self.setup.layers, places: &self.reading.heads }
    }

    fn context(&self) -> ReadContext<'p> {
        self.setup.context(*self.header_unit, self.reading.peers.field())
    }
}

/// The line with texts of its own. A header that was packed in something else is a plain line.
pub(super) fn owned(line: Line<'_>) -> Line<'static> {
    match line {
        Line::Event(event) => Line::Event(into_owned(event)),
        Line::Header(header) => Line::Other(Class::Test, Cow::Owned(header.text.to_vec())),
        Line::Other(class, text) => Line::Other(class, Cow::Owned(text.into_owned())),
    }
}
