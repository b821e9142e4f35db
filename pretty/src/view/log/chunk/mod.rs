//! A part of a log with an index: where every 64th line starts, and what each line is.
//!
//! ```text
//! groups   (line 0, byte 0, latest time) (line 64, byte 5012, …) …
//! codes    one byte a line ──► kinds: (topic, peer) or what else it is
//! ```
//!
//! Chunks are independent of each other, so they can be indexed on any number of threads. The
//! index takes a byte and a quarter a line; a line is found by reading its group, which is a page
//! or two of the file.

mod codes;
mod days;
mod index;

use std::ops::Range;

use self::codes::{Codes, short};
use self::days::Days;
use crate::class::Class;
use crate::parse::{A_DAY, ClockOfDay, Leads, Parser};
use crate::time::Tick;
use crate::view::history::event::HistoryEvent;
use crate::view::log::ids::{Names, PeerId, TopicId};
use crate::view::log::source::{Bytes, Group};

/// Some whole lines of a log, indexed.
#[derive(Debug)]
pub struct Chunk {
    pub(crate) bytes: Bytes,
    pub(crate) groups: Vec<Anchor>,
    codes: Codes,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) topics: Names,
    pub(crate) peers: Names,
    pub(crate) time_columns: usize,
    /// The history of the peers, with the chunk's own numbers for lines and peers.
    pub(crate) history_events: Vec<HistoryEvent>,
    /// Reads its lines: the unit of its times is the one that held before it.
    pub(crate) parser: Parser,
    /// Lines that change the unit, and to what.
    pub(crate) units: Vec<(u32, Option<Tick>)>,
    /// Lines that name the source of those behind them, by the number of their own source.
    pub(crate) names: Vec<(u32, usize, Leads)>,
    /// The days of times of day.
    days: Days,
    /// Its records of two lines, in order.
    pub(crate) pairs: Vec<Pair>,
    /// The state that its lines leave for those behind it.
    pub(crate) leads_after: Vec<Leads>,
    /// The source of each line, in a log merged from several; else empty.
    pub(crate) sources: Vec<u16>,
    /// The number of lines at its start that continue the event before it, if there is one.
    pub(crate) leading: usize,
    pub(crate) end: LineEnd,
}

/// A record of two lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) first: FirstLine,
    pub(crate) second: u32,
}

/// The place of the first line of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FirstLine {
    Here(u32),
    /// The number of lines of its source before the chunk.
    Before(u64),
}

impl FirstLine {
    /// The line that many lines of its source before another; `sources` has the source of each line if
    /// there are several.
    fn before(line: u32, back: u64, sources: &[u16]) -> Self {
        let Some(own) = sources.get(line as usize) else {
            let first = u64::from(line).checked_sub(back);
            return first.map_or_else(
                || Self::Before(back - u64::from(line)),
                |first| Self::Here(short(first as usize)),
            );
        };
        let mut left = back;
        for at in (0..line as usize).rev().filter(|at| sources[*at] == *own) {
            left -= 1;
            if left == 0 {
                return Self::Here(short(at));
            }
        }
        Self::Before(left)
    }
}

/// The first line of a group and where it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    pub(crate) line: u32,
    pub(crate) offset: u32,
    /// The latest time in the group, in nanoseconds; [`i64::MIN`] if there is none.
    pub(crate) latest: i64,
}

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Event(TopicId, PeerId),
    /// A line that continues such an event, and passes the filters it passes.
    Continuation(TopicId, PeerId),
    Header,
    Other(Class),
}

impl Kind {
    pub(crate) fn event(self) -> Option<(TopicId, PeerId)> {
        match self {
            Self::Event(topic, peer) => Some((topic, peer)),
            Self::Continuation(..) | Self::Header | Self::Other(_) => None,
        }
    }

    /// The event that decides whether a line is shown.
    pub(crate) fn owner(self) -> Option<(TopicId, PeerId)> {
        match self {
            Self::Event(topic, peer) | Self::Continuation(topic, peer) => Some((topic, peer)),
            Self::Header | Self::Other(_) => None,
        }
    }
}

/// The line end of a chunk's last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Present,
    Missing,
}

impl Chunk {
    /// The most bytes a chunk may have: offsets in it take 32 bits.
    pub const BYTES_MAX: usize = 1 << 30;

    /// The parser for the next chunk, with the unit the last header names.
    #[must_use]
    pub fn parser_after(&self) -> Parser {
        let parser = self.parser.clone().with_leads(&self.leads_after);
        let parser = parser.with_clocks(self.days.after().iter().copied());
        match self.units.last() {
            Some((_, unit)) => parser.with_header_unit(*unit),
            None => parser,
        }
    }

    /// The first line of the record whose second this is.
    pub(crate) fn first_line(&self, second: usize) -> Option<FirstLine> {
        let at = self.pairs.binary_search_by_key(&second, |own| own.second as usize).ok()?;
        Some(self.pairs[at].first)
    }

    /// The first line of one of its records, in a chunk before it, is that line of this chunk.
    pub(crate) fn hide_first(&mut self, line: usize) {
        let code = self.code_of(Kind::Other(Class::Lead));
        self.codes.set(line, code);
    }

    /// The parser for a line, but for a first line of a record before it in this chunk.
    pub(crate) fn parser_at(&self, line: usize) -> Parser {
        let parser = self.parser.clone().with_header_unit(self.unit_at(line));
        let parser = match self.first_line(line) {
            Some(FirstLine::Before(_)) => parser,
            Some(FirstLine::Here(_)) | None => {
                let names: Vec<_> = self.parser.leads().iter().map(Leads::name_alone).collect();
                parser.with_leads(&names)
            }
        };
        let source = self.source_at(line);
        let before = self.names.partition_point(|(own, ..)| (*own as usize) < line);
        let mut parser = match self.names[..before].iter().rfind(|(_, own, _)| *own == source) {
            Some((.., leads)) => {
                let mut all = parser.leads().to_vec();
                all[source] = leads.clone();
                parser.with_leads(&all)
            }
            None => parser,
        };
        parser.set_source(source);
        parser.set_day(self.days.at(line, source));
        parser
    }

    /// Lets a parser read a line, which may be of another source than the one before.
    pub(crate) fn choose_source(&self, line: usize, parser: &mut Parser) {
        let source = self.source_at(line);
        if !self.sources.is_empty() {
            parser.set_source(source);
        }
        if self.days.has_several() {
            parser.set_day(self.days.at(line, source));
        }
    }

    /// The source of a line, counted from 0.
    pub(crate) fn source_at(&self, line: usize) -> usize {
        self.sources.get(line).copied().unwrap_or(0).into()
    }

    /// The number of lines of a source, up to a line.
    pub(crate) fn lines_of_source(&self, source: usize, end: usize) -> usize {
        match self.sources.get(..end) {
            Some(sources) if !self.sources.is_empty() => {
                sources.iter().filter(|own| usize::from(**own) == source).count()
            }
            Some(_) | None => end,
        }
    }

    pub(crate) fn lines(&self) -> usize {
        self.codes.len()
    }

    pub(crate) fn kind(&self, line: usize) -> Kind {
        self.kinds[self.codes.get(line)]
    }

    /// A bit for each of up to 64 lines from `first` on: whether its kind is among `wanted`, which
    /// is indexed by the places of kinds.
    pub(crate) fn bits(&self, first: usize, wanted: &[bool]) -> u64 {
        let end = self.lines().min(first + 64);
        let bit = |(at, code): (usize, usize)| u64::from(wanted[code]) << at;
        match &self.codes {
            Codes::Narrow(codes) => {
                let codes = codes[first..end].iter().map(|code| usize::from(*code));
                codes.enumerate().map(bit).fold(0, |word, bit| word | bit)
            }
            Codes::Wide(codes) => {
                let codes = codes[first..end].iter().map(|code| *code as usize);
                codes.enumerate().map(bit).fold(0, |word, bit| word | bit)
            }
        }
    }

    /// The group a line is in.
    pub(crate) fn group_of(&self, line: usize) -> usize {
        self.groups.partition_point(|group| group.line as usize <= line).saturating_sub(1)
    }

    /// The lines of some groups.
    pub(crate) fn lines_of(&self, groups: Range<usize>) -> Range<usize> {
        let line = |at: usize| self.groups.get(at).map_or(self.lines(), |own| own.line as usize);
        line(groups.start)..line(groups.end)
    }

    /// The bytes of some groups.
    pub(crate) fn bytes_of(&self, groups: Range<usize>) -> Range<usize> {
        let byte =
            |at: usize| self.groups.get(at).map_or(self.bytes.len(), |own| own.offset as usize);
        byte(groups.start)..byte(groups.end)
    }

    pub(crate) fn read_group(&self, at: usize) -> Group {
        let mut bytes = Vec::new();
        self.bytes.read(self.bytes_of(at..at + 1), &mut bytes);
        Group::new(bytes, self.lines_of(at..at + 1).len())
    }

    /// Numbers the names as a store does, where `topics` and `peers` give each name its
    /// number; the chunk's own names are not needed any more.
    pub(crate) fn rename(&mut self, topics: &[u16], peers: &[u16]) {
        for kind in &mut self.kinds {
            if let Kind::Event(topic, peer) | Kind::Continuation(topic, peer) = kind {
                *topic = TopicId(topics[usize::from(topic.0)]);
                *peer = PeerId(peers[usize::from(peer.0)]);
            }
        }
        self.history_events.iter_mut().for_each(|event| event.rename(peers));
        self.topics = Names::default();
        self.peers = Names::default();
    }

    /// The first lines continue this event, which ends the chunk before.
    pub(crate) fn continue_event(&mut self, topic: TopicId, peer: PeerId) {
        if self.leading > 0 {
            let code = self.code_of(Kind::Continuation(topic, peer));
            (0..self.leading).for_each(|line| self.codes.set(line, code));
        }
    }

    /// Lets another unit hold before the first header. The times of these lines may be others
    /// then, so that each group may have any.
    pub(crate) fn assume_unit(&mut self, unit: Option<Tick>) {
        self.parser = self.parser.clone().with_header_unit(unit);
        let first = self.units.first().map_or(u32::MAX, |(line, _)| *line);
        for group in self.groups.iter_mut().take_while(|group| group.line <= first) {
            group.latest = i64::MAX;
        }
    }

    /// Lets other clocks hold before it; returns those behind it.
    pub(crate) fn assume_clocks(&mut self, before: &[ClockOfDay]) -> Vec<ClockOfDay> {
        let late = self.days.assume(self.parser.clocks(), before);
        for group in self.groups.iter_mut().filter(|group| late > 0 && group.latest != i64::MIN) {
            group.latest = group.latest.saturating_add(late * A_DAY);
        }
        self.parser = self.parser.clone().with_clocks(before.iter().copied());
        self.days.after().to_vec()
    }

    /// The unit of times at a line, if a header has named one.
    pub(crate) fn unit_at(&self, line: usize) -> Option<Tick> {
        let before = self.units.partition_point(|(header, _)| *header as usize <= line);
        before.checked_sub(1).map_or(self.parser.header_unit(), |at| self.units[at].1)
    }

    /// Tells whether this chunk and the next can be one, which must not become large: a log that
    /// comes line by line must not make a chunk of each.
    pub(crate) fn can_join(&self, next: &Self) -> bool {
        self.bytes.len() + next.bytes.len() <= JOINED_BYTES_MAX
            && self.end == LineEnd::Present
            && self.sources.is_empty() == next.sources.is_empty()
            && self.parser_after().header_unit() == next.parser.header_unit()
            && self.parser.times_looked_again() == next.parser.times_looked_again()
            && self.bytes.is_followed_by(&next.bytes)
    }

    /// Takes over the lines that follow these; [`Chunk::can_join`] must be true. The names of
    /// both must be numbered alike.
    pub(crate) fn join(&mut self, next: Self) {
        let (lines, bytes) = (short(self.lines()), short(self.bytes.len()));
        self.sources.extend_from_slice(&next.sources);
        for Pair { first, second } in &next.pairs {
            let second = lines + second;
            let first = match *first {
                FirstLine::Here(first) => FirstLine::Here(lines + first),
                FirstLine::Before(back) => {
                    let own = next.source_at((second - lines) as usize);
                    let between = next.lines_of_source(own, (second - lines) as usize) as u64;
                    FirstLine::before(second, back + between, &self.sources)
                }
            };
            self.pairs.push(Pair { first, second });
        }
        self.bytes.join(&next.bytes);
        let codes: Vec<_> = next.kinds.iter().map(|kind| self.code_of(*kind)).collect();
        (0..next.codes.len()).for_each(|line| self.codes.push(codes[next.codes.get(line)]));
        for group in next.groups {
            self.join_group(Anchor {
                line: lines + group.line,
                offset: bytes + group.offset,
                ..group
            });
        }
        // It has looked at more sources.
        let parser = next.parser.with_header_unit(self.parser.header_unit());
        let parser = parser.with_clocks(self.parser.clocks().iter().copied());
        self.parser = parser.with_leads(self.parser.leads());
        self.days.join(lines, next.days);
        let names = next.names.into_iter().map(|(line, own, leads)| (lines + line, own, leads));
        self.names.extend(names);
        self.leads_after = next.leads_after;
        self.units.extend(next.units.into_iter().map(|(line, unit)| (lines + line, unit)));
        self.end = next.end;
    }

    fn code_of(&mut self, kind: Kind) -> usize {
        self.kinds.iter().position(|own| *own == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        })
    }

    /// Adds a group, or makes the last one larger while there is room in it.
    fn join_group(&mut self, group: Anchor) {
        let lines = short(self.lines());
        match self.groups.last_mut() {
            Some(last)
                if group.line - last.line < GROUP_LINES && lines - last.line <= GROUP_LINES =>
            {
                last.latest = last.latest.max(group.latest);
            }
            _ => self.groups.push(group),
        }
    }
}
/// Lines a group has at most: a page or two of bytes.
const GROUP_LINES: u32 = 64;

/// Chunks larger than this together stay apart.
const JOINED_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunk: &Chunk) -> Vec<Vec<u8>> {
        let groups = 0..chunk.groups.len();
        let line = |at: usize| {
            let group = chunk.group_of(at);
            chunk.read_group(group).line(at - chunk.lines_of(group..group + 1).start).to_vec()
        };
        let all: Vec<_> = (0..chunk.lines()).map(line).collect();
        assert_eq!(chunk.lines_of(groups.clone()), 0..all.len());
        assert_eq!(chunk.bytes_of(groups), 0..chunk.bytes.len());
        all
    }

    #[test]
    fn lines_of_a_chunk_are_the_lines_of_its_bytes() {
        let text = b"1 | A | 0 | x\r\n\npanic: y\n# verbose/1 peers=2\nlast".to_vec();
        let chunk = Chunk::index(text, Parser::default());
        assert_eq!(
            lines(&chunk),
            [&b"1 | A | 0 | x"[..], b"", b"panic: y", b"# verbose/1 peers=2", b"last"]
        );
        let kinds: Vec<_> = (0..5).map(|line| chunk.kind(line)).collect();
        let other = Kind::Other;
        let event = Kind::Event(TopicId(0), PeerId(0));
        let expected = [event, other(Class::Blank), other(Class::Panic), Kind::Header];
        assert_eq!(kinds[..4], expected);
        assert_eq!(kinds[4], other(Class::Plain));
    }

    #[test]
    fn chunks_that_come_line_by_line_are_joined() {
        let line = |at: usize| format!("{at} | T{} | P{} | says {at}\n", at % 40, at % 9);
        let mut whole = Chunk::index(line(0).into_bytes(), Parser::default());
        for at in 1..1000 {
            let mut next = Chunk::index(line(at).into_bytes(), Parser::default());
            next.kinds = vec![Kind::Event(TopicId((at % 40) as u16), PeerId((at % 9) as u16))];
            assert!(whole.can_join(&next));
            whole.join(next);
        }
        let text: Vec<_> = (0..1000).map(|at| line(at).trim_end().as_bytes().to_vec()).collect();
        assert_eq!(lines(&whole), text);
        assert_eq!(whole.groups.len(), 1000_usize.div_ceil(64));
        for at in 0..1000 {
            let kind = Kind::Event(TopicId((at % 40) as u16), PeerId((at % 9) as u16));
            assert_eq!(whole.kind(at), kind, "more kinds than a byte can count");
        }
        let unended = Chunk::index(b"no end".to_vec(), Parser::default());
        assert!(whole.can_join(&unended));
        whole.join(unended);
        assert!(!whole.can_join(&Chunk::index(b"more\n".to_vec(), Parser::default())));
    }
}
