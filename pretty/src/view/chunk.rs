//! A part of a log with an index: where each line starts, and whose it is.
//!
//! Chunks are independent of each other, so they can be indexed on any number of threads. The
//! index takes 16 bytes a line.

use std::collections::HashMap;

use super::history::{Note, Says};
use super::rules::Rules;
use super::told::{KEYS, Told, told};
use crate::class::Class;
use crate::line::{Event, Line};
use crate::parse::Parser;
use crate::text::{columns_of, make_safe};

/// Some whole lines of a log, indexed.
#[derive(Debug)]
pub struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    pub(super) topics: Names,
    pub(super) peers: Names,
    pub(super) time_columns: usize,
    /// What the peers say of themselves, with the chunk's own numbers for lines and peers.
    pub(super) notes: Vec<Note>,
    pub(super) parser: Parser,
}

/// One line of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    start: u32,
    length: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Event(TopicId, PeerId),
    Header,
    Other(Class),
}

/// A topic, by its place among the names of a chunk or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TopicId(pub(super) u16);

/// A peer, likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerId(pub(super) u16);

const _: () = assert!(size_of::<Entry>() <= 16);

impl Chunk {
    /// The most bytes a chunk may have: offsets in it take 32 bits.
    pub const BYTES_MAX: usize = 1 << 30;

    /// Indexes lines; a last line without its line end counts as whole.
    ///
    /// # Panics
    /// If `bytes` has more than [`Chunk::BYTES_MAX`] bytes.
    #[must_use]
    pub fn index(bytes: Vec<u8>, parser: Parser) -> Self {
        Self::index_with(bytes, parser, &Rules::default())
    }

    /// The same, with rules of the user's own for what the peers say of themselves.
    ///
    /// # Panics
    /// If `bytes` has more than [`Chunk::BYTES_MAX`] bytes.
    #[must_use]
    pub fn index_with(bytes: Vec<u8>, parser: Parser, rules: &Rules) -> Self {
        assert!(bytes.len() <= Self::BYTES_MAX, "{} bytes are too many", bytes.len());
        let mut index = Index {
            entries: Vec::new(),
            topics: Names::default(),
            peers: Names::default(),
            time_columns: 0,
            notes: Notes { rules: rules.clone(), ..Notes::default() },
            reader: parser.clone(),
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &bytes) {
            index.add(&bytes, start, end);
            start = end + 1;
        }
        if start < bytes.len() {
            index.add(&bytes, start, bytes.len());
        }
        let Index { entries, topics, peers, time_columns, notes, .. } = index;
        Self { bytes, entries, topics, peers, time_columns, notes: notes.list, parser }
    }

    /// The bytes of a line, without its line end.
    pub(super) fn line(&self, entry: Entry) -> &[u8] {
        let start = entry.start as usize;
        &self.bytes[start..start + entry.length as usize]
    }
}

impl Entry {
    pub(super) fn event(self) -> Option<(TopicId, PeerId)> {
        match self.kind {
            Kind::Event(topic, peer) => Some((topic, peer)),
            Kind::Header | Kind::Other(_) => None,
        }
    }

    /// What the line is if it is neither an event nor a header.
    pub(super) fn class(self) -> Option<Class> {
        match self.kind {
            Kind::Event(..) | Kind::Header => None,
            Kind::Other(class) => Some(class),
        }
    }

    /// The same line, with its names among those of a store.
    pub(super) fn renamed(self, topics: &[u16], peers: &[u16]) -> Self {
        match self.kind {
            Kind::Event(topic, peer) => {
                let topic = TopicId(topics[usize::from(topic.0)]);
                let peer = PeerId(peers[usize::from(peer.0)]);
                Self { kind: Kind::Event(topic, peer), ..self }
            }
            Kind::Header | Kind::Other(_) => self,
        }
    }
}

struct Index {
    entries: Vec<Entry>,
    topics: Names,
    peers: Names,
    time_columns: usize,
    notes: Notes,
    reader: Parser,
}

impl Index {
    fn add(&mut self, bytes: &[u8], start: usize, end: usize) {
        let line = &bytes[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = short(self.entries.len());
        let kind = match self.reader.parse(line) {
            Line::Event(event) => self.event(number, &event),
            Line::Header(_) => {
                self.notes.clear_with(number, Says::NewRun);
                Kind::Header
            }
            Line::Other(class, text) => {
                self.notes.other(number, class, text);
                Kind::Other(class)
            }
        };
        self.entries.push(Entry { start: short(start), length: short(line.len()), kind });
    }

    fn event(&mut self, line: u32, event: &Event<'_>) -> Kind {
        let time = event.stamp.as_ref().map_or(0, |stamp| columns_of(&stamp.text));
        self.time_columns = self.time_columns.max(time);
        let peer = PeerId(self.peers.id(&event.peer));
        if &*event.topic == ERROR_TOPIC {
            self.notes.push(line, Says::Error);
        }
        if &*event.peer != Event::NO_PEER {
            self.notes.event(line, peer, &event.text);
        }
        Kind::Event(TopicId(self.topics.id(&event.topic)), peer)
    }
}

/// The topic of lines that are errors whatever they say.
const ERROR_TOPIC: &[u8] = b"ERRO";

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Notes of a chunk. What a peer says again changes nothing and is left out.
#[derive(Debug, Default)]
struct Notes {
    list: Vec<Note>,
    said: Vec<[Option<Box<[u8]>>; KEYS.len()]>,
    rules: Rules,
}

impl Notes {
    fn push(&mut self, line: u32, says: Says) {
        self.list.push(Note { line, says });
    }

    fn clear_with(&mut self, line: u32, says: Says) {
        self.said.clear();
        self.push(line, says);
    }

    fn other(&mut self, line: u32, class: Class, text: &[u8]) {
        match class {
            Class::Failed | Class::Panic | Class::Race => self.push(line, Says::Error),
            Class::Test if text.starts_with(b"Test (") || text.starts_with(b"=== RUN") => {
                self.push(line, Says::NewTest);
            }
            Class::Blank | Class::Plain | Class::Test | Class::Passed => {}
        }
    }

    fn event(&mut self, line: u32, peer: PeerId, text: &[u8]) {
        let own = usize::from(peer.0);
        if self.said.len() <= own {
            self.said.resize_with(own + 1, Default::default);
        }
        let Self { list, said, rules } = self;
        let said = &mut said[own];
        let mut push = |says| list.push(Note { line, says });
        told(text, rules, |told| match told {
            Told::Restart => {
                *said = Default::default();
                push(Says::Restart(peer));
            }
            Told::OneMore(key) => {
                said[key as usize] = None;
                push(Says::OneMore(peer, key));
            }
            Told::Is(key, value) => {
                let said = &mut said[key as usize];
                if said.as_deref() != Some(&*value) {
                    *said = Some((&*value).into());
                    push(Says::Is(peer, key, (&*value).into()));
                }
            }
        });
    }
}

/// Names and their numbers, in order of appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ids: HashMap<Box<[u8]>, u16>,
    names: Vec<Box<[u8]>>,
}

impl Names {
    /// The number of a name. The last number stands for all names there is no number for: a log
    /// with so many has none worth telling apart.
    pub(super) fn id(&mut self, name: &[u8]) -> u16 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let Ok(id) = u16::try_from(self.names.len()) else {
            return u16::MAX;
        };
        self.ids.insert(name.into(), id);
        self.names.push(name.into());
        id
    }

    pub(super) fn all(&self) -> &[Box<[u8]>] {
        &self.names
    }

    pub(super) fn name(&self, id: u16) -> &[u8] {
        &self.names[usize::from(id)]
    }

    pub(super) fn safe_name(&self, id: u16) -> String {
        make_safe(self.name(id), &mut String::new()).text().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_chunk_are_the_lines_of_its_bytes() {
        let text = b"1 | A | 0 | x\r\n\npanic: y\n# verbose/1 peers=2\nlast".to_vec();
        let chunk = Chunk::index(text, Parser::default());
        let lines: Vec<_> = chunk.entries.iter().map(|entry| chunk.line(*entry)).collect();
        assert_eq!(
            lines,
            [&b"1 | A | 0 | x"[..], b"", b"panic: y", b"# verbose/1 peers=2", b"last"]
        );
        let classes: Vec<_> = chunk.entries.iter().map(|entry| entry.class()).collect();
        let plain = Some(Class::Plain);
        assert_eq!(classes, [None, Some(Class::Blank), Some(Class::Panic), None, plain]);
    }
}
