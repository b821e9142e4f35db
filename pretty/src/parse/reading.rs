//! The reading of one source: which layers its lines have, and where its peers are named.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::catalog::{Reader, Transport};
use super::context::ReadContext;
use super::keys::PeerField;
use super::layers::{Layers, RecordLayer};
use super::pattern::{Fit, Pattern};
use super::peer_from::PeerFrom;
use super::peer_plan::{PeerPlace, PeerPlan};
use super::record::Record;
use super::source_names::{source_names, stem};
use crate::class::{Class, is_continuation};

/// The layers of a source, those that are found most first.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// Places of transports among the layers.
    pub(super) transports: Vec<usize>,
    pub(super) records: Vec<RecordLayer>,
    /// Places of heads among the layers.
    pub(super) heads: Vec<usize>,
    /// A line that is nothing but a head and a text is an event.
    pub(super) bare_heads: bool,
    pub(super) peers: PeerPlan,
    /// Names that lines give the sources of those behind them, and what is shown of them.
    pub(super) names: Vec<(Vec<u8>, Vec<u8>)>,
    /// Some lines say something of those behind them.
    pub(super) has_leads: bool,
}

/// The findings about a sample of a source.
#[derive(Debug, Default)]
struct Evidence {
    lines: usize,
    events: usize,
    transports: BTreeMap<usize, usize>,
    records: BTreeMap<usize, usize>,
    sources: BTreeSet<Vec<u8>>,
    /// Names of sources in lines of their own.
    names: Vec<Vec<u8>>,
    /// The last of them.
    name: Option<Vec<u8>>,
    with_source: usize,
    heads: BTreeMap<usize, usize>,
    bare: usize,
    /// First lines whose second is the next one of their source, if they are of a record of two.
    firsts: Vec<(usize, Text)>,
    /// Lines and peers by the place that names them.
    named: BTreeMap<Named, (usize, BTreeSet<Vec<u8>>)>,
}

/// A line without what carries it.
#[derive(Clone, Debug)]
struct Text {
    text: Vec<u8>,
    /// The source that is named for it.
    source: Option<Vec<u8>>,
    /// Something is said of it.
    is_carried: bool,
}

/// A place that names a peer, the best first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Record,
    Key(u8, String),
    Head,
    Subject(usize),
}

/// The settings that matter for a reading.
pub(super) struct ReadingContext<'p> {
    pub(super) layers: &'p Layers,
    /// Without fields that name a peer.
    pub(super) line: ReadContext<'p>,
    pub(super) from: &'p PeerFrom,
    /// The name of the source, if there are several.
    pub(super) name: Option<&'p [u8]>,
    /// The reading that the lines have stopped fitting; `None` at the start of a source.
    pub(super) before: Option<&'p Reading>,
}

impl Reading {
    /// The reading of a source that begins with these lines.
    pub(super) fn of(sample: &[u8], context: &ReadingContext<'_>) -> Self {
        let mut evidence = Evidence::default();
        let lines = sample.split(|byte| *byte == b'\n').take(LINES_MAX);
        let lines: Vec<_> = lines
            .map(|line| super::ansi::strip(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
            .filter(|line| !line.trim_ascii().is_empty())
            .collect();
        evidence.lines = lines.len();
        if let Some(reading) = context.plain_verbose(&lines) {
            return reading;
        }
        let transports = context.transports_of(&lines);
        for line in &lines {
            if let Some(text) = evidence.strip(line, &transports, context) {
                evidence.add(text, context);
            }
        }
        for (_, text) in std::mem::take(&mut evidence.firsts) {
            evidence.add_one(&text, context.find(&text), context);
        }
        evidence.reading(context)
    }
}

impl Reading {
    /// The name that is shown of a source.
    pub(super) fn source_name(&self, name: &[u8]) -> Vec<u8> {
        let short = self.names.iter().find(|(own, _)| own == name);
        short.map_or_else(|| stem(name).to_vec(), |(_, short)| short.clone())
    }
}

impl ReadingContext<'_> {
    /// The reading of a log of our own, which needs none of the expressions.
    fn plain_verbose(&self, lines: &[Vec<u8>]) -> Option<Reading> {
        if !self.layers.is_auto
            || !matches!(self.from, PeerFrom::Auto)
            || !self.layers.given().is_empty()
        {
            return None;
        }
        let verbose = RecordLayer::Reader(Reader::Verbose);
        let reads = |line: &&Vec<u8>| verbose.read(line, &self.line).is_some();
        let count = lines.iter().filter(reads).count();
        (count > 0 && count * 4 >= lines.len() * 3)
            .then(|| Reading { records: vec![verbose], ..Reading::default() })
    }

    /// The record of one line in a text, with the place of its layer.
    fn find<'t>(&self, text: &'t Text) -> Option<(usize, Record<'t>)> {
        self.layers.find(&text.text, &self.line)
    }

    /// The place of the head of a text, and the peer it names.
    fn head_of(&self, text: &[u8]) -> Option<(usize, Vec<u8>)> {
        first_head(&self.layers.heads, text)
    }

    /// The transports that may be stripped from these lines: the strict ones, and those loose ones
    /// that most lines have although no record reads them whole.
    fn transports_of(&self, lines: &[Vec<u8>]) -> Vec<usize> {
        let whole = LazyCell::new(|| {
            lines.iter().filter(|line| self.layers.reads_strictly(line, &self.line)).count()
        });
        let names_sources = |transport: &Transport| match self.before {
            Some(before) => !before.names.is_empty(),
            // As `tail` writes it: before all lines.
            None => lines.first().is_some_and(|line| transport.carries(line, &self.line)),
        };
        let fits = |at: usize| {
            let transport = self.layers.transports[at].get();
            if transport.leads() && !names_sources(transport) {
                return false;
            }
            let Some(pattern) = transport.pattern() else { return true };
            if pattern.fit == Fit::Strict {
                return true;
            }
            let count =
                || lines.iter().filter(|line| pattern.strip(line, &self.line).is_some()).count();
            *whole * 2 < lines.len() && count() * 2 >= lines.len()
        };
        (0..self.layers.transports.len()).filter(|at| fits(*at)).collect()
    }
}

impl Evidence {
    /// A line without what carries it; `None` if it only names a source.
    fn strip(
        &mut self,
        line: &[u8],
        transports: &[usize],
        context: &ReadingContext<'_>,
    ) -> Option<Text> {
        let (mut source, mut is_carried) = (self.name.clone(), self.name.is_some());
        let mut text = line.to_vec();
        for _ in 0..super::layers::TRANSPORTS_MAX {
            let stripped = transports.iter().find_map(|at| {
                let (carried, rest) = super::transports::strip(
                    context.layers.transports[*at].get(),
                    &text,
                    &context.line,
                )?;
                is_carried |= !carried.is_empty();
                Some((*at, carried.source.map(std::borrow::Cow::into_owned), rest.into_owned()))
            });
            let Some((at, own, rest)) = stripped else { break };
            *self.transports.entry(at).or_default() += 1;
            if context.layers.transports[at].get().leads() {
                self.name_source(own.unwrap_or_default());
                return None;
            }
            source = source.or(own);
            text = rest;
        }
        if let Some(source) = &source {
            self.with_source += 1;
            self.sources.insert(source.clone());
        }
        Some(Text { text, source, is_carried })
    }

    /// A line, which may be one of two: both together are evidence, one is none.
    fn add(&mut self, text: Text, context: &ReadingContext<'_>) {
        let first = self.firsts.iter().position(|(_, own)| own.source == text.source);
        if let Some((place, first)) = first.map(|at| self.firsts.remove(at)) {
            let layer = &context.layers.all()[place];
            if let Some(record) = layer.read_pair(&first.text, &text.text, &context.line) {
                self.lines -= 1;
                *self.records.entry(place).or_default() += 1;
                self.add_record(&record, context);
                return;
            }
            self.add_one(&first, context.find(&first), context);
        }
        let found = context.find(&text);
        let strict = |(place, _): &(usize, _)| context.layers.fit(*place) == Fit::Strict;
        let is_strict = found.as_ref().is_some_and(strict);
        let first = (!is_strict).then(|| context.layers.find_first(&text.text, &context.line));
        match first.flatten() {
            Some(place) => {
                drop(found);
                self.firsts.push((place, text));
            }
            None => self.add_one(&text, found, context),
        }
    }

    /// A line that is none of two, and the record found in it.
    fn add_one(
        &mut self,
        text: &Text,
        found: Option<(usize, Record<'_>)>,
        context: &ReadingContext<'_>,
    ) {
        let Text { text, is_carried, .. } = text;
        match found {
            Some((place, mut record)) => {
                *self.records.entry(place).or_default() += 1;
                if record.peer.is_none() && context.line.keys.peers_in(&record.text).is_empty() {
                    let any = context.line.with_peer(PeerField::Any);
                    let record_of_any = context.layers.all()[place].read(text, &any);
                    record.peer = record_of_any.and_then(|record| record.peer);
                }
                self.add_record(&record, context);
            }
            None => match context.head_of(text) {
                Some(head) => {
                    self.bare += 1;
                    self.name_head(Some(head), text, context);
                }
                None if *is_carried
                    && Class::of(text) == Class::Plain
                    && !is_continuation(text) =>
                {
                    self.add_record(&Record { text: text.into(), ..Record::default() }, context);
                }
                None => {}
            },
        }
    }

    /// The lines that follow are of another source.
    fn name_source(&mut self, name: Vec<u8>) {
        self.lines -= 1;
        if !self.names.contains(&name) && self.names.len() < PEERS_MAX {
            self.names.push(name.clone());
        }
        self.name = Some(name);
    }

    fn add_record(&mut self, record: &Record<'_>, context: &ReadingContext<'_>) {
        self.events += 1;
        if let Some(peer) = &record.peer {
            self.name(Named::Record, peer);
        }
        let mut seen = BTreeSet::new();
        for (rank, key, value) in context.line.keys.peers_in(&record.text) {
            if seen.insert(key.clone()) {
                self.name(Named::Key(rank, key), &value);
            }
        }
        if record.peer.is_none() {
            self.name_head(context.head_of(&record.text), &record.text, context);
        }
    }

    /// The peer at the head of a text, and the first word of a sentence that names one.
    fn name_head(
        &mut self,
        head: Option<(usize, Vec<u8>)>,
        text: &[u8],
        context: &ReadingContext<'_>,
    ) {
        if let Some((at, peer)) = head {
            *self.heads.entry(at).or_default() += 1;
            self.name(Named::Head, &peer);
        }
        if let Some((at, peer)) = first_head(&context.layers.subjects, text) {
            self.name(Named::Subject(at), &peer);
        }
    }

    fn name(&mut self, place: Named, peer: &[u8]) {
        let (lines, peers) = self.named.entry(place).or_default();
        *lines += 1;
        if peers.len() < PEERS_MAX {
            peers.insert(peer.to_vec());
        }
    }

    fn reading(&self, context: &ReadingContext<'_>) -> Reading {
        let frequent = |counts: &BTreeMap<usize, usize>| {
            let mut order: Vec<_> =
                counts.iter().map(|(at, count)| (std::cmp::Reverse(*count), *at)).collect();
            order.sort_unstable();
            order.into_iter().map(|(_, at)| at).collect::<Vec<_>>()
        };
        let heads_fit = |count: usize| count * 10 >= self.lines * 3 && count >= 2;
        let head_lines = self.heads.values().sum::<usize>();
        let transports = frequent(&self.transports);
        let records = frequent(&self.records);
        // A loose record must be worth it.
        let records = records.into_iter().filter(|place| {
            context.layers.fit(*place) != Fit::Loose || self.records[place] * 10 >= self.lines * 3
        });
        let mut records: Vec<_> =
            records.map(|place| context.layers.all()[place].clone()).collect();
        records.sort_by_key(|record| record.fit() == Fit::Generic);
        Reading {
            has_leads: !self.names.is_empty() || records.iter().any(|own| own.next().is_some()),
            names: self.short_names(),
            transports,
            records,
            heads: if heads_fit(head_lines) { frequent(&self.heads) } else { Vec::new() },
            bare_heads: heads_fit(self.bare),
            peers: self.peers(context, heads_fit(head_lines)),
        }
    }

    fn short_names(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let lossy = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
        let names: Vec<_> = self.names.iter().map(lossy).collect();
        let short: Vec<_> = match names.len() {
            0 | 1 => self.names.iter().map(|name| stem(name).to_vec()).collect(),
            _ => source_names(&names).into_iter().map(String::into_bytes).collect(),
        };
        self.names.iter().cloned().zip(short).collect()
    }

    /// The places of peers in the order of [`Named`], those first that name the peers of nearly all
    /// events; then the transport, then the file, then whatever names some.
    fn peers(&self, context: &ReadingContext<'_>, heads: bool) -> PeerPlan {
        let name = |from, key: Option<&str>, missing: Option<&[u8]>| PeerPlan {
            from,
            key: key.map(Into::into),
            missing: missing.map(Into::into),
        };
        match context.from {
            PeerFrom::Auto | PeerFrom::Regex(_) => {}
            PeerFrom::Field(key) => return name(PeerPlace::Line, Some(key), None),
            PeerFrom::Prefix => return name(PeerPlace::Transport, None, None),
            PeerFrom::File => return name(PeerPlace::Source, None, context.name),
        }
        let events = (self.events + if heads { self.bare } else { 0 }).max(1);
        let several = context.name.is_some() || self.sources.len() > 1;
        let fits = |place: &Named, share: usize| {
            let (lines, peers) = self.named.get(place)?;
            let key = match place {
                Named::Key(_, key) => Some(&**key),
                Named::Record | Named::Head | Named::Subject(_) => None,
            };
            let usual = peers.len() <= (lines / 2).max(FEW_PEERS) || *place == Named::Record;
            if *place == Named::Head && !heads {
                return None;
            }
            (usual && lines * 100 >= events * share).then(|| {
                // A source that names one peer is that peer's.
                let one = peers.first().filter(|_| peers.len() == 1);
                let from = match place {
                    Named::Subject(at) => PeerPlace::Subject(*at),
                    Named::Record | Named::Key(..) | Named::Head => PeerPlace::Line,
                };
                name(from, key, one.map(Vec::as_slice))
            })
        };
        let is_subject = |place: &&Named| matches!(place, Named::Subject(_));
        let own = || self.named.keys().filter(|place| !is_subject(place));
        if let Some(plan) =
            own().find_map(|place| fits(place, if several { NEARLY_ALL } else { MOST }))
        {
            return plan;
        }
        if !self.sources.is_empty() && (self.sources.len() > 1 || self.named.is_empty()) {
            return name(PeerPlace::Transport, None, None);
        }
        if context.name.is_some() {
            return name(PeerPlace::Source, None, context.name);
        }
        let some = self.named.keys().find_map(|place| fits(place, SOME));
        some.unwrap_or_default()
    }
}

/// The first of these patterns that names a peer, by its place.
fn first_head(patterns: &[Arc<Pattern>], text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut patterns = patterns.iter().enumerate();
    patterns.find_map(|(at, own)| Some((at, own.head(text)?.0.to_vec())))
}

/// Lines of a sample that are looked at.
const LINES_MAX: usize = 256;

/// Bytes that are enough for a sample.
#[cfg(feature = "view")]
pub(crate) const SAMPLE_BYTES: usize = 32 * 1024;

/// The lines at the start of a log that are its sample. A torn line looks like no format, so that all
/// of them would be tried.
#[cfg(feature = "view")]
pub(crate) fn sample_of(log: &[u8]) -> &[u8] {
    let Some(start) = log.get(..SAMPLE_BYTES) else { return log };
    memchr::memrchr(b'\n', start).map_or(start, |end| &start[..=end])
}

/// Names counted of one place.
const PEERS_MAX: usize = 64;

/// Peers that a few lines may name.
const FEW_PEERS: usize = 9;

/// Percent of events with a peer that make a place the one.
const NEARLY_ALL: usize = 90;
const MOST: usize = 60;
const SOME: usize = 10;
