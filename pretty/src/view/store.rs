//! All chunks of a log as one sequence of lines.

use regex::Regex;

use super::chunk::{Chunk, Entry, Names, PeerId};
use super::history::History;
use crate::layout::{Columns, Layout};
use crate::line::{Event, Line};
use crate::text::{columns_of, make_safe};
use crate::time::Time;

/// A log in memory. Invariant: `starts[i]` is the number of the first line of `chunks[i]`.
#[derive(Debug, Default)]
pub(super) struct Store {
    chunks: Vec<Chunk>,
    starts: Vec<usize>,
    lines: usize,
    pub(super) topics: Names,
    pub(super) peers: Names,
    pub(super) history: History,
    columns: Columns,
    origin: Option<Time>,
}

impl Store {
    pub(super) fn append(&mut self, mut chunk: Chunk) {
        let topics: Vec<_> = chunk.topics.all().iter().map(|name| self.topics.id(name)).collect();
        let peers: Vec<_> = chunk.peers.all().iter().map(|name| self.peers.id(name)).collect();
        for entry in &mut chunk.entries {
            *entry = entry.renamed(&topics, &peers);
        }
        let first = u32::try_from(self.lines).unwrap_or(u32::MAX);
        for note in std::mem::take(&mut chunk.notes) {
            self.history.add(note.renamed(first, &peers));
        }
        self.columns.time = self.columns.time.max(chunk.time_columns);
        self.columns.topic = widest(&self.topics, Layout::TOPIC_MAX);
        self.columns.peer = widest(&self.peers, Layout::TAG_MAX);
        self.columns.peers = self.peer_order().len();
        self.starts.push(self.lines);
        self.lines += chunk.entries.len();
        self.chunks.push(chunk);
        self.origin = self.origin.or_else(|| self.find_origin());
    }

    fn find_origin(&self) -> Option<Time> {
        let mut lines = (0..self.len().min(ORIGIN_LINES_MAX)).map(|line| self.line(line));
        lines.find_map(|line| match line {
            Line::Event(event) => event.stamp.filter(|stamp| stamp.unit.is_none())?.at,
            Line::Header(_) | Line::Other(..) => None,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.lines
    }

    pub(super) fn columns(&self) -> Columns {
        self.columns
    }

    /// The layout for a screen, with so many peers switched off.
    pub(super) fn layout(&self, width: usize, hidden: usize) -> Layout {
        let peers = self.columns.peers.saturating_sub(hidden);
        Layout::new(width, Columns { peers, ..self.columns })
    }

    pub(super) fn entry(&self, line: usize) -> Entry {
        let (chunk, entry) = self.find(line);
        chunk.entries[entry]
    }

    pub(super) fn bytes(&self, line: usize) -> &[u8] {
        let (chunk, entry) = self.find(line);
        chunk.line(chunk.entries[entry])
    }

    /// The line, understood.
    pub(super) fn line(&self, line: usize) -> Line<'_> {
        let (chunk, entry) = self.find(line);
        chunk.parser.clone().parse(chunk.line(chunk.entries[entry]))
    }

    pub(super) fn matches(&self, line: usize, regex: &Regex) -> bool {
        regex.is_match(make_safe(self.bytes(line), &mut String::new()).text())
    }

    /// The date of the first event, in a log with dates.
    pub(super) fn origin(&self) -> Option<Time> {
        self.origin
    }

    /// The peers with columns, in the order of these.
    pub(super) fn peer_order(&self) -> Vec<PeerId> {
        let numbers = 0..u16::try_from(self.peers.all().len()).unwrap_or(u16::MAX);
        let mut order: Vec<_> =
            numbers.map(PeerId).filter(|peer| self.peers.name(peer.0) != Event::NO_PEER).collect();
        order.sort_by(|a, b| crate::peer::natural(self.peers.name(a.0), self.peers.name(b.0)));
        order
    }

    fn find(&self, line: usize) -> (&Chunk, usize) {
        let at = self.starts.partition_point(|start| *start <= line) - 1;
        (&self.chunks[at], line - self.starts[at])
    }
}

/// A log with dates has one in its first lines.
const ORIGIN_LINES_MAX: usize = 64;

fn widest(names: &Names, limit: usize) -> usize {
    let widths = names.all().iter().map(|name| columns_of(name));
    widths.filter(|width| *width <= limit).max().unwrap_or(0)
}
