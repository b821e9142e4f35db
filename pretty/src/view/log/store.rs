//! All chunks of a log as one sequence of lines.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;

use crate::layout::{Columns, Layout};
use crate::line::{Event, Line};
use crate::parse::{Calendar, ClockOfDay, Parser};
use crate::text::{columns_of, make_safe};
use crate::time::{Tick, Time};
use crate::view::history::History;
use crate::view::log::chunk::{Chunk, FirstLine, Kind, Pair};
use crate::view::log::ids::{Names, PeerId, TopicId};
use crate::view::log::source::{Group, Text, without_return};

/// A log. Invariant: `starts[i]` is where `chunks[i]` starts, in lines and groups of the log.
#[derive(Debug, Default)]
pub(crate) struct Store {
    chunks: Vec<Chunk>,
    starts: Vec<LogPosition>,
    end: LogPosition,
    /// The unit the last header has named.
    unit: Option<Tick>,
    /// The clocks of the sources at the end.
    clocks: Vec<ClockOfDay>,
    pub(crate) topics: Names,
    pub(crate) peers: Names,
    pub(crate) history: History,
    columns: Columns,
    origin: Option<Time>,
    recent: Mutex<Recent>,
}

/// A position in the log, between two lines and between two groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogPosition {
    pub(crate) line: usize,
    pub(crate) group: usize,
}

impl Store {
    /// Adds a chunk; returns the place from which on the log has changed: its old end, or the
    /// group before it if that has grown; and the lines before it that are not shown any more.
    pub(crate) fn append(&mut self, mut chunk: Chunk) -> (LogPosition, Vec<usize>) {
        let hidden = self.hide_firsts(&chunk);
        self.rename(&mut chunk);
        self.carry_unit(&mut chunk);
        self.clocks = match self.clocks.is_empty() {
            true => chunk.parser_after().clocks().to_vec(),
            false => chunk.assume_clocks(&self.clocks),
        };
        if let Some((topic, peer)) = self.last_owner() {
            chunk.continue_event(topic, peer);
        }
        let first = u32::try_from(self.end.line).unwrap_or(u32::MAX);
        for event in std::mem::take(&mut chunk.history_events) {
            self.history.add(event.after(first));
        }
        self.columns.time = self.columns.time.max(chunk.time_columns);
        let changed = match self.chunks.last() {
            Some(last) if last.can_join(&chunk) => self.join(chunk),
            Some(_) | None => self.push(chunk),
        };
        self.origin = self.origin.or_else(|| self.find_origin());
        (changed, hidden)
    }

    /// Finds the first lines of records whose second lines are in the next chunk.
    fn hide_firsts(&mut self, next: &Chunk) -> Vec<usize> {
        let first = |pair: &Pair| match pair.first {
            FirstLine::Before(back) => self.line_back(next.source_at(pair.second as usize), back),
            FirstLine::Here(_) => None,
        };
        let firsts: Vec<_> = next.pairs.iter().filter_map(first).collect();
        for line in &firsts {
            let at = self.starts.partition_point(|start| start.line <= *line) - 1;
            self.chunks[at].hide_first(line - self.starts[at].line);
        }
        firsts
    }

    /// The line that many lines of a source before the end.
    fn line_back(&self, source: usize, back: u64) -> Option<usize> {
        let is_own = |line: &usize| {
            let (chunk, start) = self.find(*line);
            chunk.source_at(line - start.line) == source
        };
        (0..self.len()).rev().filter(is_own).nth(usize::try_from(back).ok()?.checked_sub(1)?)
    }

    /// The event that the next line may continue.
    fn last_owner(&self) -> Option<(TopicId, PeerId)> {
        self.kind(self.len().checked_sub(1)?).owner()
    }

    /// Numbers the names of a chunk as the store does.
    fn rename(&mut self, chunk: &mut Chunk) {
        let topics: Vec<_> = chunk.topics.all().iter().map(|name| self.topics.id(name)).collect();
        let peers: Vec<_> = chunk.peers.all().iter().map(|name| self.peers.id(name)).collect();
        chunk.rename(&topics, &peers);
        self.columns.topic = widest(&self.topics, Layout::TOPIC_MAX);
        self.columns.peer = widest(&self.peers, Layout::TAG_MAX);
        self.columns.peers = self.peer_order().len();
    }

    /// The unit of a log's times may have been named before the chunk starts.
    fn carry_unit(&mut self, chunk: &mut Chunk) {
        if chunk.parser.header_unit() != self.unit && !self.chunks.is_empty() {
            chunk.assume_unit(self.unit);
        }
        self.unit = chunk.parser_after().header_unit();
    }

    fn push(&mut self, chunk: Chunk) -> LogPosition {
        let start = self.end;
        self.end.line += chunk.lines();
        self.end.group += chunk.groups.len();
        self.starts.push(start);
        self.chunks.push(chunk);
        start
    }

    /// Adds a small chunk to the last one.
    fn join(&mut self, chunk: Chunk) -> LogPosition {
        let (Some(last), Some(start)) = (self.chunks.last_mut(), self.starts.last().copied())
        else {
            return self.push(chunk);
        };
        let group = last.groups.len().saturating_sub(1);
        let line = start.line + last.lines_of(group..group + 1).start;
        last.join(chunk);
        self.end =
            LogPosition { line: start.line + last.lines(), group: start.group + last.groups.len() };
        self.recent.get_mut().unwrap_or_else(PoisonError::into_inner).forget();
        LogPosition { line, group: start.group + group }
    }

    fn find_origin(&self) -> Option<Time> {
        let dated = |line: usize| {
            self.read(line, |line| match line {
                Line::Event(event) => event.stamp.as_ref().filter(|stamp| stamp.unit.is_none())?.at,
                Line::Header(_) | Line::Other(..) => None,
            })
        };
        (0..self.len().min(ORIGIN_LINES_MAX)).find_map(dated)
    }

    pub(crate) fn len(&self) -> usize {
        self.end.line
    }

    /// The end of the log.
    pub(crate) fn end(&self) -> LogPosition {
        self.end
    }

    pub(crate) fn columns(&self) -> Columns {
        self.columns
    }

    /// The layout for a screen, with a number of peers switched off.
    pub(crate) fn layout(&self, width: usize, hidden: usize) -> Layout {
        let peers = self.columns.peers.saturating_sub(hidden);
        Layout::new(width, Columns { peers, ..self.columns })
    }

    pub(crate) fn kind(&self, line: usize) -> Kind {
        let (chunk, start) = self.find(line);
        chunk.kind(line - start.line)
    }

    /// A line as it stands in the log.
    pub(crate) fn text(&self, line: usize) -> Text {
        let (chunk, start) = self.find(line);
        let group = chunk.group_of(line - start.line);
        let first = start.line + chunk.lines_of(group..group + 1).start;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = recent.group(start.group + group, || chunk.read_group(group));
        Text::new(lines, line - first)
    }

    /// The line, understood.
    pub(crate) fn read<T>(&self, line: usize, read: impl FnOnce(&Line<'_>) -> T) -> T {
        let text = self.text(line);
        read(&self.parser_at(line).parse(&text))
    }

    /// The parser for a line.
    pub(crate) fn parser_at(&self, line: usize) -> Parser {
        let (chunk, start) = self.find(line);
        let at = line - start.line;
        let mut parser = chunk.parser_at(at);
        if let Some(FirstLine::Here(first)) = chunk.first_line(at) {
            parser.parse(&self.text(start.line + first as usize));
        }
        parser
    }

    /// The source of a line, and its place there.
    #[cfg(feature = "cli")]
    pub(crate) fn source_of(&self, line: usize) -> (usize, usize) {
        let (chunk, start) = self.find(line);
        let source = chunk.source_at(line - start.line);
        let before = self.chunks.iter().zip(&self.starts).take_while(|(_, own)| own.line < line);
        let counts = before
            .map(|(chunk, own)| chunk.lines_of_source(source, chunk.lines().min(line - own.line)));
        (source, counts.sum())
    }

    /// The zone of the time column.
    pub(crate) fn calendar(&self) -> Option<&Calendar> {
        self.chunks.first().map(|chunk| &chunk.parser.settings().calendar)
    }

    /// Lets a parser read a line, which may be of another source than the one before.
    pub(crate) fn choose_source(&self, line: usize, parser: &mut Parser) {
        let (chunk, start) = self.find(line);
        chunk.choose_source(line - start.line, parser);
    }

    /// The same for an event; `None` if the line is none.
    pub(crate) fn read_event<T>(
        &self,
        line: usize,
        read: impl FnOnce(&Event<'_>) -> T,
    ) -> Option<T> {
        self.read(line, |line| match line {
            Line::Event(event) => Some(read(event)),
            Line::Header(_) | Line::Other(..) => None,
        })
    }

    /// The group a line is in.
    pub(crate) fn group_of(&self, line: usize) -> usize {
        if line >= self.len() {
            return self.end.group;
        }
        let (chunk, start) = self.find(line);
        start.group + chunk.group_of(line - start.line)
    }

    /// The first line of a group, or the end of the log.
    pub(crate) fn first_line(&self, group: usize) -> usize {
        let at = self.starts.partition_point(|start| start.group <= group);
        at.checked_sub(1).filter(|_| group < self.end.group).map_or(self.len(), |at| {
            let (chunk, start) = (&self.chunks[at], self.starts[at]);
            start.line + chunk.lines_of(group - start.group..chunk.groups.len()).start
        })
    }

    /// Reads the lines of a group and of those that follow it in one go, up to a number of bytes of
    /// them and not beyond `end`; returns the first group that was not read.
    pub(crate) fn each_line(
        &self,
        groups: Range<usize>,
        bytes_max: usize,
        buffer: &mut Vec<u8>,
        mut take: impl FnMut(usize, &[u8]),
    ) -> usize {
        let at = self.starts.partition_point(|start| start.group <= groups.start) - 1;
        let (chunk, start) = (&self.chunks[at], self.starts[at]);
        let first = groups.start - start.group;
        let limit = chunk.groups.len().min(groups.end - start.group);
        let begin = chunk.groups[first].offset as usize;
        let full = chunk.groups[first + 1..limit]
            .partition_point(|group| (group.offset as usize) < begin + bytes_max);
        let end = first + 1 + full;
        chunk.bytes.read(chunk.bytes_of(first..end), buffer);
        let lines = chunk.lines_of(first..end);
        let mut texts = buffer.strip_suffix(b"\n").unwrap_or(buffer).split(|byte| *byte == b'\n');
        for line in lines {
            let text = texts.next().unwrap_or(crate::view::log::source::MISSING_LINE);
            take(start.line + line, without_return(text));
        }
        start.group + end
    }

    /// Reads lines from `first` on in one go, as [`Store::each_line`] does; takes those that are wanted,
    /// understood.
    pub(crate) fn each_wanted(
        &self,
        first: usize,
        bytes_max: usize,
        buffer: &mut Vec<u8>,
        wanted: impl Fn(usize) -> bool,
        mut take: impl FnMut(usize, &Line<'_>),
    ) -> usize {
        let group = self.group_of(first);
        let mut parser = self.parser_at(self.first_line(group));
        let is_read_in_order = parser.has_leads();
        self.each_line(group..self.end.group, bytes_max, buffer, |line, text| {
            let is_wanted = line >= first && wanted(line);
            if is_wanted || is_read_in_order || self.kind(line) == Kind::Header {
                self.choose_source(line, &mut parser);
                let read = parser.parse(text);
                if is_wanted {
                    take(line, &read);
                }
            }
        })
    }

    /// A word of bits for the 64 lines from `first` on in every chunk: whether their kinds are
    /// wanted. `put` gets the first line, the bits, and how many of them count.
    pub(crate) fn each_word(
        &self,
        first: usize,
        wanted: impl Fn(Kind) -> bool,
        mut put: impl FnMut(usize, u64, usize),
    ) {
        let chunks = self.starts.partition_point(|start| start.line <= first).saturating_sub(1);
        for (chunk, start) in self.chunks.iter().zip(&self.starts).skip(chunks) {
            let table: Vec<_> = chunk.kinds.iter().map(|kind| wanted(*kind)).collect();
            for at in (first.saturating_sub(start.line)..chunk.lines()).step_by(64) {
                put(start.line + at, chunk.bits(at, &table), (chunk.lines() - at).min(64));
            }
        }
    }

    /// The first group from `group` on that may have an event at or after a time.
    pub(crate) fn group_at(&self, group: usize, time: Time) -> Option<usize> {
        let first = self.starts.partition_point(|start| start.group <= group).checked_sub(1)?;
        let chunks = self.chunks.iter().zip(&self.starts).skip(first);
        let mut groups = chunks.flat_map(|(chunk, start)| {
            let skipped = group.saturating_sub(start.group);
            let groups = chunk.groups.iter().enumerate().skip(skipped);
            groups.map(|(at, own)| (start.group + at, own.latest))
        });
        groups.find(|(_, latest)| *latest >= time.nanos()).map(|(group, _)| group)
    }

    /// The date of the first event, in a log with dates.
    pub(crate) fn origin(&self) -> Option<Time> {
        self.origin
    }

    /// The peers with columns, in the order of these.
    pub(crate) fn peer_order(&self) -> Vec<PeerId> {
        let numbers = self.peers.all().iter().zip(0..=u16::MAX).map(|(_, id)| PeerId(id));
        let mut order: Vec<_> =
            numbers.filter(|peer| self.peers.name(peer.0) != Event::NO_PEER).collect();
        order.sort_by(|a, b| crate::peer::natural(self.peers.name(a.0), self.peers.name(b.0)));
        order
    }

    fn find(&self, line: usize) -> (&Chunk, LogPosition) {
        let at = self.starts.partition_point(|start| start.line <= line) - 1;
        (&self.chunks[at], self.starts[at])
    }
}

/// Tells whether a line, as it is shown, matches.
pub(crate) fn matches(text: &[u8], regex: &Regex) -> bool {
    regex.is_match(make_safe(text, &mut String::new()).text())
}

/// The groups read last, latest first: what is on the screen is read once, not for every key.
#[derive(Debug, Default)]
struct Recent {
    groups: VecDeque<(usize, Arc<Group>)>,
    bytes: usize,
}

impl Recent {
    fn group(&mut self, number: usize, read: impl FnOnce() -> Group) -> Arc<Group> {
        if let Some(at) = self.groups.iter().position(|(own, _)| *own == number) {
            self.groups.swap(0, at);
            return self.groups[0].1.clone();
        }
        let group = Arc::new(read());
        self.bytes += group.bytes();
        self.groups.push_front((number, group.clone()));
        while self.bytes > RECENT_BYTES_MAX && self.groups.len() > 1 {
            self.bytes -= self.groups.pop_back().map_or(0, |(_, group)| group.bytes());
        }
        group
    }

    fn forget(&mut self) {
        self.groups.clear();
        self.bytes = 0;
    }
}

/// Some screens of ordinary lines.
const RECENT_BYTES_MAX: usize = 1024 * 1024;

/// A log with dates has one in its first lines.
const ORIGIN_LINES_MAX: usize = 64;

fn widest(names: &Names, limit: usize) -> usize {
    let widths = names.all().iter().map(|name| columns_of(name));
    widths.filter(|width| *width <= limit).max().unwrap_or(0)
}
