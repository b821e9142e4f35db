//! The parser: one line → [`Line`].
//!
//! ```text
//! line ─► colours off ─► transports, one after the other ─► record ─► peer ─► Event
//!            └───────────────────────────────────────────────► Line::Other, if no record reads it
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use regex::bytes::Regex;

use super::calendar::Calendar;
use super::catalog::{CATALOG, Reader, Transport};
use super::format::Format;
use super::keys::{Keys, OwnKeys, PeerField};
use super::layers::{self, Layers, RecordLayer, TRANSPORTS_MAX};
use super::pattern::{Carried, Fit};
use super::reading::{PeerFrom, PeerPlace, PeerPlan, Reading, ReadingContext};
use super::record::{Record, TimeContext, into_owned};
use super::{ansi, verbose};
use crate::class::{Class, is_continuation};
use crate::line::{Event, Line, Stamp};
use crate::time::{Tick, Time};

/// Settings of a parser; each has a default.
#[derive(Clone, Debug, Default)]
pub struct ParserSettings {
    /// The format of the lines that are events.
    pub format: Format,
    /// The unit of whole-number times.
    pub tick: Option<Tick>,
    /// The zone of the time column.
    pub calendar: Calendar,
    /// The place where peers are named.
    pub peer_from: PeerFrom,
    /// Expressions for names of peers, and what takes their place: `^[SCL](\d+)$` and `$1`.
    pub rename: Vec<(Regex, String)>,
    /// Keys of structured lines, besides the built-in ones.
    pub keys: OwnKeys,
    /// The sources of lines, where there are several: by these names peers go that have none.
    pub sources: Vec<SourceName>,
}

/// A source of lines, such as a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceName {
    /// The name of a peer whose log it is.
    pub peer: String,
    /// Nanoseconds that are added to its times, because its clock is wrong.
    pub shift: i64,
}

/// Turns lines into [`Line`]s.
#[derive(Clone, Debug)]
pub struct Parser {
    setup: Arc<Setup>,
    /// The reading of each source, once it has been looked at.
    readings: Vec<Option<Arc<Reading>>>,
    source: usize,
    /// Lines of our own need nothing else looked at: a good half of the work.
    is_plain_verbose: bool,
    /// The unit the log's own header names.
    header_unit: Option<Tick>,
    clock: ClockOfDay,
    found: FoundLayers,
}

#[derive(Debug)]
struct Setup {
    settings: ParserSettings,
    layers: Layers,
    keys: Option<Keys>,
    unknown: Reading,
}

/// Times of day without a date: midnight begins the next day.
#[derive(Clone, Copy, Debug, Default)]
struct ClockOfDay {
    last: i64,
    days: i64,
}

/// The layers found in the last line.
#[derive(Clone, Debug, Default)]
struct FoundLayers {
    transports: Vec<usize>,
    record: Option<RecordLayer>,
    bare: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new(Format::Auto, None)
    }
}

impl Parser {
    /// A parser of `format`; whole-number times count in `tick`, or in the unit the format is
    /// known to use.
    #[must_use]
    pub fn new(format: Format, tick: Option<Tick>) -> Self {
        Self::with_settings(ParserSettings { format, tick, ..ParserSettings::default() })
    }

    /// A parser with these settings.
    #[must_use]
    pub fn with_settings(settings: ParserSettings) -> Self {
        let layers = Layers::of(&settings.format);
        let own_keys = settings.keys != OwnKeys::default();
        let keys = own_keys.then(|| CATALOG.keys_with(&settings.keys));
        let records = layers.first().into_iter().cloned().collect();
        let heads = (0..CATALOG.heads.len()).filter(|at| CATALOG.heads[*at].fit == Fit::Strict);
        let unknown = Reading { records, heads: heads.collect(), ..Reading::default() };
        Self {
            readings: vec![None; settings.sources.len().max(1)],
            setup: Arc::new(Setup { settings, layers, keys, unknown }),
            source: 0,
            is_plain_verbose: false,
            header_unit: None,
            clock: ClockOfDay::default(),
            found: FoundLayers::default(),
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ParserSettings {
        &self.setup.settings
    }

    /// Understands one line, given without its line end.
    ///
    /// ```
    /// use pretty::{Class, Line, Parser};
    /// let mut parser = Parser::default();
    /// let line = parser.parse(b"000123 | VOTE | 1 | a | b");
    /// assert!(matches!(line, Line::Event(event) if &*event.text == b"a | b"));
    /// assert_eq!(parser.parse(b"ouch"), Line::Other(Class::Plain, b"ouch"[..].into()));
    /// ```
    pub fn parse<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        self.found.clear();
        if self.is_plain_verbose
            && let Some(record) = verbose::read(line, self.times())
            && memchr::memchr(0x1b, line).is_none()
        {
            self.found.record = Some(RecordLayer::Reader(Reader::Verbose));
            return Line::Event(record.into_event());
        }
        match ansi::strip(line) {
            Cow::Borrowed(line) => self.read(line, Carried::default(), 0),
            Cow::Owned(plain) => owned(self.read(&plain, Carried::default(), 0)),
        }
    }

    /// Looks at the first lines of the current source, to find out which layers its lines have and
    /// where its peers are named.
    pub fn look_at(&mut self, sample: &[u8]) {
        let sources = &self.setup.settings.sources;
        let name = sources.get(self.source).filter(|_| sources.len() > 1);
        let context = ReadingContext {
            layers: &self.setup.layers,
            keys: self.setup.keys(),
            times: self.times(),
            from: &self.setup.settings.peer_from,
            name: name.map(|source| source.peer.as_bytes()),
        };
        self.readings[self.source] = Some(Arc::new(Reading::of(sample, &context)));
        self.choose_path();
    }

    /// The same for another source.
    pub fn look_at_source(&mut self, source: usize, sample: &[u8]) {
        let current = self.source;
        self.set_source(source);
        self.look_at(sample);
        self.set_source(current);
    }

    /// Tells whether the current source has been looked at.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        self.readings[self.source].is_some()
    }

    /// The next lines are of this source, counted from 0.
    pub fn set_source(&mut self, source: usize) {
        self.source = source.min(self.readings.len() - 1);
        self.choose_path();
    }

    fn choose_path(&mut self) {
        let settings = &self.setup.settings;
        let plain = settings.rename.is_empty()
            && settings.sources.get(self.source).is_none_or(|source| source.shift == 0);
        self.is_plain_verbose = plain
            && self.readings[self.source].as_ref().is_some_and(|reading| {
                reading.transports.is_empty()
                    && reading.peers.from == PeerPlace::Line
                    && matches!(&reading.records[..], [layer] if layer.is_verbose())
            });
    }

    /// The names of the transports and of the format of the last line.
    #[must_use]
    pub fn last_layers(&self) -> (Vec<&str>, Option<&str>) {
        let transports = self.found.transports.iter();
        let transports = transports.map(|at| CATALOG.transports[*at].name()).collect();
        let bare = self.found.bare.then_some("bare");
        (transports, self.found.record.as_ref().map(RecordLayer::name).or(bare))
    }

    /// The unit the last header has named.
    #[cfg(feature = "view")]
    pub(crate) const fn header_unit(&self) -> Option<Tick> {
        self.header_unit
    }

    /// A parser that has read a header with this unit.
    #[cfg(feature = "view")]
    pub(crate) fn with_header_unit(self, header_unit: Option<Tick>) -> Self {
        Self { header_unit, ..self }
    }

    /// A line without colours; `carried` is what transports have said about it.
    fn read<'a>(&mut self, line: &'a [u8], carried: Carried<'a>, depth: usize) -> Line<'a> {
        if verbose::is_header(line) {
            let (header, unit) = verbose::header(line);
            self.header_unit = unit;
            return Line::Header(header);
        }
        let setup = self.setup.clone();
        let reading = self.readings[self.source].clone();
        let reading = reading.as_deref().unwrap_or(&setup.unknown);
        if depth < TRANSPORTS_MAX
            && let Some((at, own, rest)) = self.transport(line, &reading.transports)
        {
            return self.carried(at, line, carried.or(own), rest, depth);
        }
        if let Some(record) = self.record(line, &reading.records, &reading.peers) {
            return Line::Event(self.event(record, line, carried, reading));
        }
        // Something that was not in the sample, or there was none.
        if depth < TRANSPORTS_MAX && CATALOG.may_be_transport(line) {
            let strict = |at: &usize| {
                CATALOG.transports[*at].is_strict() && !reading.transports.contains(at)
            };
            let others: Vec<_> = (0..CATALOG.transports.len()).filter(strict).collect();
            if let Some((at, own, rest)) = self.transport(line, &others) {
                return self.carried(at, line, carried.or(own), rest, depth);
            }
        }
        if setup.layers.is_auto
            && let Some(record) = self.other_record(line, &setup.layers, &reading.peers)
        {
            return Line::Event(self.event(record, line, carried, reading));
        }
        self.bare(line, carried, reading)
    }

    /// The first of these transports that carries the line.
    fn transport<'a>(
        &self,
        line: &'a [u8],
        places: &[usize],
    ) -> Option<(usize, Carried<'a>, Cow<'a, [u8]>)> {
        places.iter().find_map(|at| {
            let (carried, rest) = layers::strip(&CATALOG.transports[*at], line, self.times())?;
            Some((*at, carried, rest))
        })
    }

    fn carried<'a>(
        &mut self,
        at: usize,
        line: &'a [u8],
        carried: Carried<'a>,
        rest: Cow<'a, [u8]>,
        depth: usize,
    ) -> Line<'a> {
        self.found.transports.push(at);
        match rest {
            Cow::Borrowed(rest) => match self.read(rest, carried, depth + 1) {
                // A line that no layer reads keeps the name of its source.
                Line::Other(class, Cow::Borrowed(_)) => Line::Other(class, Cow::Borrowed(line)),
                read @ (Line::Event(_) | Line::Header(_) | Line::Other(..)) => read,
            },
            Cow::Owned(rest) => owned(self.read(&rest, carried, depth + 1)),
        }
    }

    fn record<'a>(
        &mut self,
        line: &'a [u8],
        layers: &[RecordLayer],
        peers: &PeerPlan,
    ) -> Option<Record<'a>> {
        let (times, keys) = (self.times(), self.setup.keys());
        let found =
            layers.iter().find_map(|own| Some((own, own.read(line, times, keys, peers.field())?)));
        let (layer, record) = found?;
        self.found.record = Some(layer.clone());
        Some(record)
    }

    /// A record of any strict layer.
    fn other_record<'a>(
        &mut self,
        line: &'a [u8],
        layers: &Layers,
        peers: &PeerPlan,
    ) -> Option<Record<'a>> {
        let (times, keys) = (self.times(), self.setup.keys());
        let (place, record) = layers.find(line, times, keys, peers.field())?;
        if layers.fit(place) == Fit::Loose {
            return None;
        }
        self.found.record = Some(layers.all()[place].clone());
        Some(record)
    }

    /// A line that no record reads: an event nevertheless if its peer or its time are known.
    fn bare<'a>(&mut self, line: &'a [u8], carried: Carried<'a>, reading: &Reading) -> Line<'a> {
        let class = Class::of(line);
        if class != Class::Plain || is_continuation(line) {
            return Line::Other(class, Cow::Borrowed(line));
        }
        let head = reading.bare_heads && head(line, &reading.heads).is_some();
        if head || carried.stamp.is_some() || carried.source.is_some() {
            self.found.bare = true;
            let record = Record { text: Cow::Borrowed(line), ..Record::default() };
            return Line::Event(self.event(record, line, carried, reading));
        }
        Line::Other(class, Cow::Borrowed(line))
    }

    /// The event of a record, whose peer and time may be named elsewhere.
    fn event<'a>(
        &mut self,
        mut record: Record<'a>,
        line: &'a [u8],
        carried: Carried<'a>,
        reading: &Reading,
    ) -> Event<'a> {
        self.name_peer(&mut record, line, carried.source, reading);
        record.stamp = record.stamp.or(carried.stamp);
        let shift = self.setup.settings.sources.get(self.source).map_or(0, |source| source.shift);
        if let Some(stamp) = &mut record.stamp {
            self.clock.record(stamp);
            if shift != 0 {
                shift_by(stamp, shift, &self.setup.settings.calendar);
            }
        }
        record.into_event()
    }

    fn name_peer<'a>(
        &self,
        record: &mut Record<'a>,
        line: &'a [u8],
        source: Option<Cow<'a, [u8]>>,
        reading: &Reading,
    ) {
        let plan = &reading.peers;
        match plan.from {
            PeerPlace::Line => {
                if record.peer.is_none() {
                    Self::peer_of_head(record, reading);
                }
            }
            PeerPlace::Subject(at) if record.peer.is_none() => {
                let found = CATALOG.subjects[at].head(&record.text);
                record.peer = found.map(|(peer, _)| Cow::Owned(peer.to_vec()));
            }
            PeerPlace::Subject(_) => {}
            PeerPlace::Transport | PeerPlace::Source => record.peer = None,
        }
        let settings = &self.setup.settings;
        if let PeerFrom::Regex(regex) = &settings.peer_from {
            let found = regex.captures(line);
            let group = found.and_then(|found| found.name("peer").or_else(|| found.get(1)));
            record.peer = group.map(|own| Cow::Borrowed(own.as_bytes())).or(record.peer.take());
        }
        if plan.from != PeerPlace::Source {
            record.peer = record.peer.take().or(source);
        }
        if record.peer.is_none()
            && let Some(missing) = &plan.missing
        {
            record.peer = Some(Cow::Owned(missing.to_vec()));
        }
        for (from, to) in &settings.rename {
            if let Some(peer) = &record.peer
                && from.is_match(peer)
            {
                record.peer = Some(Cow::Owned(from.replace(peer, to.as_bytes()).into_owned()));
            }
        }
    }

    /// The peer at the head of the text, which is taken off it.
    fn peer_of_head(record: &mut Record<'_>, reading: &Reading) {
        let heads = &reading.heads;
        match &record.text {
            Cow::Borrowed(text) => {
                if let Some((peer, rest)) = head(text, heads) {
                    (record.peer, record.text) =
                        (Some(Cow::Owned(peer.to_vec())), Cow::Borrowed(rest));
                }
            }
            Cow::Owned(text) => {
                if let Some((peer, rest)) = head(text, heads) {
                    (record.peer, record.text) =
                        (Some(Cow::Owned(peer.to_vec())), Cow::Owned(rest.to_vec()));
                }
            }
        }
    }

    fn times(&self) -> TimeContext<'_> {
        let ParserSettings { calendar, tick, .. } = &self.setup.settings;
        TimeContext { calendar, tick: *tick, header_unit: self.header_unit }
    }
}

impl Setup {
    fn keys(&self) -> &Keys {
        self.keys.as_ref().unwrap_or(&CATALOG.keys)
    }
}

impl PeerPlan {
    fn field(&self) -> PeerField<'_> {
        match (self.from, &self.key) {
            (PeerPlace::Line, Some(key)) => PeerField::Key(key),
            (PeerPlace::Line | PeerPlace::Subject(_), _) => PeerField::Any,
            (PeerPlace::Transport | PeerPlace::Source, _) => PeerField::None,
        }
    }
}

impl<'a> Carried<'a> {
    /// The facts of an outer transport, and those of an inner one where it has none.
    fn or(self, inner: Self) -> Self {
        Self { stamp: self.stamp.or(inner.stamp), source: self.source.or(inner.source) }
    }
}

impl Transport {
    fn is_strict(&self) -> bool {
        self.pattern().is_none_or(|pattern| pattern.fit == Fit::Strict)
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Text(pattern) => &pattern.name,
            Self::Json(_) => "json",
        }
    }
}

impl FoundLayers {
    fn clear(&mut self) {
        self.transports.clear();
        (self.record, self.bare) = (None, false);
    }
}

impl ClockOfDay {
    /// Puts a time of day into its day.
    fn record(&mut self, stamp: &mut Stamp<'_>) {
        let (None, None, Some(at)) = (stamp.unit, stamp.offset, stamp.at) else { return };
        let of_day = at.nanos();
        if of_day < self.last - HALF_A_DAY {
            self.days += 1;
        }
        self.last = of_day;
        stamp.at = Some(Time::from_nanos(of_day + self.days * 2 * HALF_A_DAY));
    }
}

/// Moves a time, and what is shown of it.
fn shift_by(stamp: &mut Stamp<'_>, shift: i64, calendar: &Calendar) {
    let Some(at) = stamp.at else { return };
    let at = Time::from_nanos(at.nanos().saturating_add(shift));
    stamp.at = Some(at);
    let text = super::timestamp::shifted(stamp, at, calendar);
    stamp.text = Cow::Owned(text);
}

/// The line with texts of its own. A header that was packed in something else is a plain line.
fn owned(line: Line<'_>) -> Line<'static> {
    match line {
        Line::Event(event) => Line::Event(into_owned(event)),
        Line::Header(header) => Line::Other(Class::Test, Cow::Owned(header.text.to_vec())),
        Line::Other(class, text) => Line::Other(class, Cow::Owned(text.into_owned())),
    }
}

fn head<'t>(text: &'t [u8], places: &[usize]) -> Option<(&'t [u8], &'t [u8])> {
    places.iter().find_map(|at| CATALOG.heads[*at].head(text))
}

const HALF_A_DAY: i64 = 43_200_000_000_000;

#[cfg(test)]
mod tests;
