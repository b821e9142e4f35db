//! The parser of a log: one line → [`Line`].
//!
//! ```text
//! line ─► colours off ─► transports, one after the other ─► record ─► peer ─► Event
//!            └───────────────────────────────────────────────► Line::Other, if no record reads it
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use super::catalog::CATALOG;
use super::clock::ClockOfDay;
use super::context::ReadContext;
use super::format::Format;
use super::keys::{KeyNames, OwnKeys, PeerField};
use super::known_lines::KnownLines;
use super::layers::Layers;
use super::leads::{Leads, UnpairedLine};
use super::line_parser::{FoundLayers, LineParser, Setup, owned};
use super::pattern::Fit;
use super::peer_plan::PeerPlace;
use super::reading::{Reading, ReadingContext};
use super::recheck::Recheck;
use super::settings::ParserSettings;
use super::{ansi, verbose};
use crate::class::Class;
use crate::line::Line;
use crate::time::{Tick, Time};

/// Turns lines into [`Line`]s.
#[derive(Clone, Debug)]
pub struct Parser {
    setup: Arc<Setup>,
    /// The reading of each source, once it has been looked at.
    readings: Vec<Option<SourceReading>>,
    /// Nothing, for sources not looked at.
    unknown_lines: KnownLines,
    source: usize,
    /// Lines of our own need nothing else looked at: a good half of the work.
    is_plain_verbose: bool,
    /// The unit the log's own header names.
    header_unit: Option<Tick>,
    /// Of each source.
    clocks: Vec<ClockOfDay>,
    leads: Vec<Leads>,
    /// Finds the layers out again where a log stops fitting them.
    recheck: Option<Recheck>,
    looked_again: usize,
    found: FoundLayers,
}

/// The reading of a source, and its lines known so far.
#[derive(Clone, Debug)]
struct SourceReading {
    reading: Arc<Reading>,
    known: KnownLines,
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
        let layers = Layers::of(&settings.format, &settings.transports);
        let mut formats = settings.format.own().iter().map(|own| &own.0.keys);
        let is_built_in = settings.keys == OwnKeys::default() && formats.all(KeyNames::is_empty);
        let keys = if is_built_in {
            Cow::Borrowed(&CATALOG.keys)
        } else {
            let formats = settings.format.own().iter().map(|own| &own.0.keys);
            Cow::Owned(CATALOG.keys_with(&settings.keys, formats))
        };
        let records = layers.first().into_iter().cloned().collect();
        let heads = (0..layers.heads.len()).filter(|at| layers.heads[*at].fit == Fit::Strict);
        let heads = heads.collect();
        let sources = settings.sources.len().max(1);
        let unknown = Reading { records, heads, ..Reading::default() };
        Self {
            readings: vec![None; sources],
            leads: vec![Leads::default(); sources],
            setup: Arc::new(Setup { settings, layers, keys, unknown }),
            unknown_lines: KnownLines::default(),
            source: 0,
            is_plain_verbose: false,
            header_unit: None,
            clocks: vec![ClockOfDay::default(); sources],
            found: FoundLayers::default(),
            recheck: None,
            looked_again: 0,
        }
    }

    /// The same parser for a log that is read once and in order: where its lines stop fitting the
    /// layers found at its start, these are found out again.
    #[must_use]
    pub fn for_stream(self) -> Self {
        Self { recheck: Some(Recheck::default()), ..self }
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
        if self.is_plain_verbose
            && let Some(record) = verbose::read(line, &self.context())
            && memchr::memchr(0x1b, line).is_none()
        {
            self.found.set_verbose();
            return Line::Event(record.into_event());
        }
        self.found.clear();
        let read = match ansi::strip(line) {
            Cow::Borrowed(line) => self.line_parser().parse(line),
            Cow::Owned(plain) => owned(self.line_parser().parse(&plain)),
        };
        if let Some(recheck) = &mut self.recheck {
            let is_unread = matches!(read, Line::Other(Class::Plain, _));
            if let Some(sample) = recheck.add(line, is_unread) {
                self.look_again(&sample);
            }
        }
        read
    }

    /// Looks at lines that do not fit the layers of their source; keeps what is found if it reads most
    /// of them, and tells whether it does.
    pub(crate) fn look_again(&mut self, sample: &[u8]) -> bool {
        let before = self.readings[self.source].take();
        self.find_layers(sample, before.as_ref().map(|own| &*own.reading));
        let mut parser = Self { recheck: None, ..self.clone() };
        let lines =
            sample.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let (mut all, mut read) = (0, 0);
        for line in lines {
            all += 1;
            read += usize::from(!matches!(parser.parse(line), Line::Other(Class::Plain, _)));
        }
        let fits = read * 2 > all;
        self.looked_again += usize::from(fits);
        if !fits {
            self.readings[self.source] = before;
            self.choose_path();
        }
        fits
    }

    /// The number of times that the layers were found out again.
    #[cfg(feature = "view")]
    pub(crate) const fn times_looked_again(&self) -> usize {
        self.looked_again
    }

    /// Looks at the first lines of the current source, to find out which layers its lines have and
    /// where its peers are named.
    pub fn look_at(&mut self, sample: &[u8]) {
        self.find_layers(sample, None);
    }

    /// The same for lines that have stopped fitting what was found before.
    fn find_layers(&mut self, sample: &[u8], before: Option<&Reading>) {
        let sources = &self.setup.settings.sources;
        let name = sources.get(self.source).filter(|_| sources.len() > 1);
        let context = ReadingContext {
            layers: &self.setup.layers,
            line: self.context(),
            from: &self.setup.settings.peer_from,
            name: name.map(|source| source.peer.as_bytes()),
            before,
        };
        let reading = Reading::of(sample, &context);
        let Setup { settings, layers, keys, .. } = &*self.setup;
        let known = KnownLines::of(&reading, settings, layers, keys);
        let reading = Arc::new(reading);
        self.readings[self.source] = Some(SourceReading { reading, known });
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
            && self.readings[self.source].as_ref().is_some_and(|source| {
                let reading = &source.reading;
                reading.transports.is_empty()
                    && reading.peers.from == PeerPlace::Line
                    && matches!(&reading.records[..], [layer] if layer.is_verbose())
            });
    }

    /// The names of the transports and of the format of the last line.
    #[must_use]
    pub fn last_layers(&self) -> (Vec<&str>, Option<&str>) {
        self.found.names()
    }

    /// The known lines of the current source.
    #[cfg(test)]
    pub(super) fn known_lines(&mut self) -> Option<&mut KnownLines> {
        Some(&mut self.readings[self.source].as_mut()?.known)
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

    /// The time of the last line, if it is the first of a record of two.
    #[must_use]
    pub fn lead_time(&self) -> Option<Time> {
        self.leads[self.source].time()
    }

    /// Takes the first lines of records of two that have turned out to have no second since this was
    /// last asked: what was not shown of them is to be shown.
    #[inline]
    pub fn take_unpaired(&mut self) -> Option<Vec<UnpairedLine>> {
        let leads = &mut self.leads[self.source];
        leads.has_unpaired().then(|| leads.take_unpaired())
    }

    /// Takes the same at the end of a log, where no line is to come, each with its source.
    pub fn take_unpaired_at_end(&mut self) -> Vec<(usize, UnpairedLine)> {
        let mut all = Vec::new();
        for (source, leads) in self.leads.iter_mut().enumerate() {
            leads.let_all_go();
            all.extend(leads.take_unpaired().into_iter().map(|own| (source, own)));
        }
        all
    }

    /// The number of lines of its source between the last line and the first of its record, if that
    /// has two.
    #[cfg(feature = "view")]
    pub(crate) fn since_first(&self) -> Option<u64> {
        let first = self.found.first.as_deref()?;
        Some(self.leads[self.source].lines_since(first))
    }

    /// The first line of the last line's record, if that has two.
    pub(crate) fn last_first(&self) -> Option<&[u8]> {
        self.found.first.as_ref().map(|first| &*first.whole)
    }

    /// Tells whether lines say something of those behind them: then a log has to be read in order.
    #[must_use]
    pub fn has_leads(&self) -> bool {
        self.readings.iter().flatten().any(|own| own.reading.has_leads)
    }

    /// The state that lines leave for those behind them, for each source.
    #[cfg(feature = "view")]
    pub(crate) fn leads(&self) -> &[Leads] {
        &self.leads
    }

    /// A parser that is about to read a line behind those that have left this state.
    #[cfg(feature = "view")]
    pub(crate) fn with_leads(self, leads: &[Leads]) -> Self {
        Self { leads: leads.to_vec(), ..self }
    }

    /// The clocks of the sources.
    #[cfg(feature = "view")]
    pub(crate) fn clocks(&self) -> &[ClockOfDay] {
        &self.clocks
    }

    /// A parser that is about to read a line at these times.
    #[cfg(feature = "view")]
    pub(crate) fn with_clocks(self, clocks: impl IntoIterator<Item = ClockOfDay>) -> Self {
        Self { clocks: clocks.into_iter().collect(), ..self }
    }

    /// The next line of the current source is of this day.
    #[cfg(feature = "view")]
    pub(crate) fn set_day(&mut self, day: i64) {
        self.clocks[self.source] = ClockOfDay::on_day(day);
    }

    fn context(&self) -> ReadContext<'_> {
        self.setup.context(self.header_unit, PeerField::None)
    }

    fn line_parser(&mut self) -> LineParser<'_> {
        let setup = &self.setup;
        let (reading, known) = match &mut self.readings[self.source] {
            Some(source) => (&*source.reading, &mut source.known),
            None => (&setup.unknown, &mut self.unknown_lines),
        };
        LineParser {
            setup,
            reading,
            known,
            shift: setup.settings.sources.get(self.source).map_or(0, |source| source.shift),
            header_unit: &mut self.header_unit,
            clock: &mut self.clocks[self.source],
            leads: &mut self.leads[self.source],
            found: &mut self.found,
        }
    }
}

#[cfg(test)]
mod tests;
