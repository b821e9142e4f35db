//! Indexing: each line of a chunk is parsed once, and little of it is kept.

use std::collections::HashMap;
use std::io;

use super::codes::{Codes, short};
use super::days::Days;
use super::{Anchor, Chunk, FirstLine, GROUP_LINES, Kind, LineEnd, Pair};
use crate::class::{Class, is_continuation};
use crate::level::Level;
use crate::line::{Event, Line};
use crate::meaning::rule_set::Rules;
use crate::meaning::topics::ERROR_TOPIC;
use crate::parse::{Leads, Parser, SAMPLE_BYTES, sample_of};
use crate::text::columns_of;
use crate::time::Tick;
use crate::view::history::recorder::HistoryRecorder;
use crate::view::log::ids::{Names, PeerId, TopicId};
use crate::view::log::source::{Bytes, Part, Source, without_return};

impl Chunk {
    /// Indexes lines, which stay in memory; a last line without its line end counts as whole.
    ///
    /// # Panics
    /// If `bytes` has more than [`Chunk::BYTES_MAX`] bytes.
    #[must_use]
    pub fn index(bytes: Vec<u8>, parser: Parser) -> Self {
        Self::index_with(bytes, parser, &Rules::default())
    }

    /// The same, with rules of the user's own for the state of peers.
    ///
    /// # Panics
    /// If `bytes` has more than [`Chunk::BYTES_MAX`] bytes.
    #[must_use]
    pub fn index_with(bytes: Vec<u8>, parser: Parser, rules: &Rules) -> Self {
        let index = Index::of(&bytes, Vec::new(), parser, rules);
        index.into_chunk(Bytes::Memory(bytes))
    }

    /// Indexes the lines in a part of a file, which stay in the file; `buffer` is overwritten.
    ///
    /// # Errors
    /// Those of the file.
    ///
    /// # Panics
    /// If that part has more than [`Chunk::BYTES_MAX`] bytes.
    pub fn index_file(
        source: &Source,
        part: Part,
        parser: Parser,
        rules: &Rules,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Self> {
        Self::index_merged(source, part, Vec::new(), parser, rules, buffer)
    }

    /// The same for lines of several sources; `sources` has one for each line.
    pub(crate) fn index_merged(
        source: &Source,
        part: Part,
        sources: Vec<u16>,
        parser: Parser,
        rules: &Rules,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Self> {
        source.read(part, buffer)?;
        let bytes =
            Bytes::File { source: source.clone(), part: Part { length: buffer.len(), ..part } };
        Ok(Index::of(buffer, sources, parser, rules).into_chunk(bytes))
    }
}

struct Index {
    groups: Vec<Anchor>,
    codes: Codes,
    kinds: Kinds,
    time_columns: usize,
    history: HistoryRecorder,
    parser: Parser,
    reader: Parser,
    units: Vec<(u32, Option<Tick>)>,
    names: Vec<(u32, usize, Leads)>,
    days: Days,
    pairs: Vec<Pair>,
    sources: Vec<u16>,
    /// The event that the next line may continue.
    owner: Option<(TopicId, PeerId)>,
    leading: usize,
    end: LineEnd,
}

impl Index {
    fn of(bytes: &[u8], sources: Vec<u16>, mut parser: Parser, rules: &Rules) -> Self {
        if !parser.has_looked() {
            parser.look_at(sample_of(bytes));
        }
        let is_one_source = sources.is_empty();
        let index = Self::once(bytes, sources, parser.clone(), rules);
        // The log may have stopped fitting the layers found at its start.
        let sample = bytes.len().saturating_sub(SAMPLE_BYTES);
        let start = match sample {
            0 => 0,
            at => at + memchr::memchr(b'\n', &bytes[at..]).map_or(0, |end| end + 1),
        };
        if is_one_source && index.is_mostly_unread() && parser.look_again(&bytes[start..]) {
            return Self::once(bytes, Vec::new(), parser, rules);
        }
        index
    }

    /// Tells whether no layer reads most lines.
    fn is_mostly_unread(&self) -> bool {
        let plain = self.kinds.codes.get(&Kind::Other(Class::Plain));
        let lines = self.codes.len();
        lines >= GROUP_LINES as usize
            && plain.is_some_and(|plain| {
                (0..lines).filter(|line| self.codes.get(*line) == *plain).count() * 2 > lines
            })
    }

    fn once(bytes: &[u8], sources: Vec<u16>, parser: Parser, rules: &Rules) -> Self {
        assert!(bytes.len() <= Chunk::BYTES_MAX, "{} bytes are too many", bytes.len());
        let clocks = parser.clocks().iter().map(|clock| clock.at_start());
        let reader = parser.clone().with_clocks(clocks);
        let mut index = Self {
            groups: Vec::with_capacity(bytes.len() / (GROUP_LINES as usize * 64)),
            codes: Codes::Narrow(Vec::with_capacity(bytes.len() / 64)),
            kinds: Kinds::default(),
            time_columns: 0,
            history: HistoryRecorder::new(rules.clone()),
            reader,
            units: Vec::new(),
            names: Vec::new(),
            days: Days::new(parser.clocks()),
            pairs: Vec::new(),
            parser,
            sources,
            owner: None,
            leading: 0,
            end: LineEnd::Present,
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            index.add(start, &bytes[start..end]);
            start = end + 1;
        }
        if start < bytes.len() {
            index.end = LineEnd::Missing;
            index.add(start, &bytes[start..]);
        }
        index
    }

    fn into_chunk(mut self, bytes: Bytes) -> Chunk {
        self.codes.shrink();
        self.groups.shrink_to_fit();
        Chunk {
            bytes,
            groups: self.groups,
            codes: self.codes,
            kinds: self.kinds.all,
            topics: self.kinds.topics,
            peers: self.kinds.peers,
            time_columns: self.time_columns,
            history_events: self.history.into_list(),
            parser: self.parser,
            units: self.units,
            names: self.names,
            days: self.days.ended(self.reader.clocks()),
            pairs: self.pairs,
            leads_after: self.reader.leads().to_vec(),
            sources: self.sources,
            leading: self.leading,
            end: self.end,
        }
    }

    fn add(&mut self, start: usize, line: &[u8]) {
        let line = without_return(line);
        let number = short(self.codes.len());
        if number.is_multiple_of(GROUP_LINES) {
            self.groups.push(Anchor { line: number, offset: short(start), latest: i64::MIN });
        }
        if let Some(source) = self.sources.get(number as usize) {
            self.reader.set_source(usize::from(*source));
        }
        let code = match self.reader.parse(line) {
            Line::Event(event) => {
                self.pair(number);
                self.event(number, &event)
            }
            Line::Header(_) => {
                self.history.header(number);
                self.owner = None;
                self.units.push((number, self.reader.header_unit()));
                self.kinds.code(Kind::Header)
            }
            Line::Other(Class::Lead, _) => self.lead(number),
            Line::Other(class, text) => {
                self.history.other(number, class, &text);
                self.other(number, class, &text)
            }
        };
        self.codes.push(code);
        self.days.record(number, self.reader.clocks());
    }

    /// A line about those behind it: a name counts for many, a first line is shown until its second
    /// has come.
    fn lead(&mut self, line: u32) -> usize {
        self.owner = None;
        let source = self.sources.get(line as usize).map_or(0, |source| usize::from(*source));
        match self.reader.leads().get(source) {
            Some(leads) if leads.is_first() => return self.kinds.code(Kind::Other(Class::Plain)),
            Some(leads) => self.names.push((line, source, leads.name_alone())),
            None => {}
        }
        self.kinds.code(Kind::Other(Class::Lead))
    }

    /// An event, which may be the second line of a record.
    fn pair(&mut self, line: u32) {
        let Some(back) = self.reader.since_first() else { return };
        let first = FirstLine::before(line, back, &self.sources);
        if let FirstLine::Here(first) = first {
            let code = self.kinds.code(Kind::Other(Class::Lead));
            self.codes.set(first as usize, code);
        }
        self.pairs.push(Pair { first, second: line });
    }

    fn other(&mut self, line: u32, class: Class, text: &[u8]) -> usize {
        let continues = class == Class::Plain && is_continuation(text);
        self.leading += usize::from(continues && self.leading == line as usize);
        self.owner = self.owner.filter(|_| continues);
        match self.owner {
            Some((topic, peer)) => self.kinds.code(Kind::Continuation(topic, peer)),
            None => self.kinds.code(Kind::Other(class)),
        }
    }

    fn event(&mut self, line: u32, event: &Event<'_>) -> usize {
        if let Some(stamp) = &event.stamp {
            self.time_columns = self.time_columns.max(columns_of(&stamp.text));
            if let (Some(group), Some(at)) = (self.groups.last_mut(), stamp.at) {
                group.latest = group.latest.max(at.nanos());
            }
        }
        let (code, peer) = self.kinds.of_event(&event.topic, &event.peer);
        self.owner = self.kinds.all[code].event();
        if &*event.topic == ERROR_TOPIC || event.level >= Some(Level::Error) {
            self.history.error(line);
        }
        let peer = (&*event.peer != Event::NO_PEER).then_some(peer);
        let kinds = &mut self.kinds;
        self.history.event(line, peer, &event.text, |name| PeerId(kinds.peers.id(name)));
        code
    }
}

/// The kinds of lines seen in a chunk.
#[derive(Default)]
struct Kinds {
    all: Vec<Kind>,
    codes: HashMap<Kind, usize>,
    topics: Names,
    peers: Names,
    /// The last events by a rough hash of their names: nearly every line is found here.
    recent: Vec<Recent>,
}

/// An event's names and their numbers.
#[derive(Clone, Debug, Default)]
struct Recent {
    topic: Box<[u8]>,
    peer: Box<[u8]>,
    known: Option<(usize, PeerId)>,
}

impl Kinds {
    fn code(&mut self, kind: Kind) -> usize {
        *self.codes.entry(kind).or_insert_with(|| {
            self.all.push(kind);
            self.all.len() - 1
        })
    }

    fn of_event(&mut self, topic: &[u8], peer: &[u8]) -> (usize, PeerId) {
        if self.recent.is_empty() {
            self.recent.resize(RECENT, Recent::default());
        }
        let at = rough_hash(topic, peer) % RECENT;
        let recent = &self.recent[at];
        if let Some(known) =
            recent.known.filter(|_| &*recent.topic == topic && &*recent.peer == peer)
        {
            return known;
        }
        let id = PeerId(self.peers.id(peer));
        let topic_id = TopicId(self.topics.id(topic));
        let known = (self.code(Kind::Event(topic_id, id)), id);
        self.recent[at] = Recent { topic: topic.into(), peer: peer.into(), known: Some(known) };
        known
    }
}

fn rough_hash(topic: &[u8], peer: &[u8]) -> usize {
    let step = |hash: usize, byte: &u8| hash.wrapping_mul(31).wrapping_add(usize::from(*byte));
    peer.iter().rev().take(4).fold(topic.iter().take(4).fold(topic.len(), step), step)
}

/// More than the topics times the peers of most logs.
const RECENT: usize = 512;
