//! Lines of known shapes: what was read from one line is read from all that differ from it in digits
//! alone, by its places in them.
//!
//! Digits decide about few things: whether a text is a time, which is read anew in each line; the
//! level of a number, numbers of JSON that begin with zeros, and expressions with digits in them:
//! lines with such are read as if nothing were known.

use std::borrow::Cow;
use std::ops::Range;

use super::catalog::{CATALOG, Reader};
use super::context::ReadContext;
use super::fields::TextSink;
use super::keys::Keys;
use super::layers::{Layers, RecordLayer};
use super::peer_from::PeerFrom;
use super::peer_plan::{NamedBy, PeerPlace};
use super::reading::Reading;
use super::record::{Record, TimeText};
use super::settings::ParserSettings;
use crate::expression::digits::has_digits;
use crate::shapes::{Lookup, ShapeMap};

/// Records by the shapes of their lines, for one reading of one source.
#[derive(Debug, Default)]
pub(super) struct KnownLines {
    shapes: ShapeMap<KnownShape>,
    part: KnownPart,
    /// Lines that no layer has read and whose shape had been met, up to [`UNREAD_MIN`].
    unread: usize,
}

/// All lines of one shape.
#[derive(Debug)]
pub(super) enum KnownShape {
    Record(Box<KnownRecord>),
    /// No layer reads any of them.
    Unread,
    /// One of them does not tell all.
    Unsure,
}

/// The part of lines that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KnownPart {
    /// All of a line, its peer too.
    Line,
    /// The record that transports carry, without the peer.
    Record,
    /// Digits decide how lines are read.
    #[default]
    Nothing,
}

/// A record without its line.
#[derive(Debug)]
pub(super) struct KnownRecord {
    /// `None` for a line that no layer reads.
    pub(super) layer: Option<RecordLayer>,
    time: Option<TimeAt>,
    level: Option<crate::level::Level>,
    topic: Option<Range<usize>>,
    peer: Option<Part>,
    peer_at: Option<usize>,
    text: Vec<Part>,
    text_bytes: usize,
    /// Those of all parts, and a few bytes more.
    words: Box<[u8]>,
    left_out: usize,
    /// Places of numbers that must not begin with a zero.
    numbers: Vec<usize>,
}

#[derive(Debug)]
enum TimeAt {
    Any(Range<usize>),
    Micros(Range<usize>),
}

#[derive(Debug)]
enum Part {
    /// In the line.
    Line(Range<usize>),
    /// In the words of the record.
    Words(Range<usize>),
}

impl Clone for KnownLines {
    /// Knows nothing yet: it is soon learnt again.
    fn clone(&self) -> Self {
        Self { part: self.part, ..Self::default() }
    }
}

impl KnownLines {
    /// Nothing known yet, of lines with this reading.
    pub(super) fn of(
        reading: &Reading,
        settings: &ParserSettings,
        layers: &Layers,
        keys: &Keys,
    ) -> Self {
        let tells_apart = |layer: &RecordLayer| match layer {
            RecordLayer::Reader(Reader::Verbose) => true,
            RecordLayer::Reader(Reader::Json | Reader::Logfmt) => keys.tell_digits_apart(),
            RecordLayer::BuiltIn(_) | RecordLayer::Own(_) => {
                keys.tell_digits_apart()
                    || layer.pattern().is_some_and(|pattern| pattern.tells_digits_apart())
            }
        };
        let head = |at: &usize| layers.heads[*at].tells_digits_apart();
        let peers = &reading.peers;
        let records = (!reading.records.is_empty() || reading.bare_heads)
            && !reading.records.iter().any(tells_apart)
            && !peers.key.as_deref().is_some_and(|key| has_digits(key.as_bytes()));
        let peers = !matches!(settings.peer_from, PeerFrom::Regex(_))
            && settings.rename.is_empty()
            && !reading.heads.iter().any(head)
            && match peers.from {
                PeerPlace::Subject(at) => !layers.subjects[at].tells_digits_apart(),
                PeerPlace::Line | PeerPlace::Transport | PeerPlace::Source => true,
            };
        let part = match records {
            false => KnownPart::Nothing,
            true if peers && reading.transports.is_empty() => KnownPart::Line,
            true => KnownPart::Record,
        };
        Self { part, ..Self::default() }
    }

    pub(super) const fn part(&self) -> KnownPart {
        self.part
    }

    /// Looks for the record of a line; that of one met again is to be [kept](Self::keep).
    #[inline]
    pub(super) fn find(&mut self, line: &[u8]) -> Lookup<'_, KnownShape> {
        match self.part {
            KnownPart::Nothing => Lookup::New,
            KnownPart::Line | KnownPart::Record => self.shapes.find(line),
        }
    }

    /// Tells whether the record of such a line is known already.
    #[cfg(test)]
    pub(super) fn knows(&mut self, line: &[u8]) -> bool {
        matches!(self.find(line), Lookup::Known(KnownShape::Record(_)))
    }

    /// Tells whether it is known that no layer reads such a line.
    #[cfg(test)]
    pub(super) fn knows_unread(&mut self, line: &[u8]) -> bool {
        matches!(self.find(line), Lookup::Known(KnownShape::Unread))
    }

    /// Knows lines that no layer reads as if there had been many.
    #[cfg(test)]
    pub(super) const fn keep_unread_from_now_on(&mut self) {
        self.unread = UNREAD_MIN;
    }

    /// Keeps the record of the line that was looked for last, if it tells all about its shape.
    pub(super) fn keep(
        &mut self,
        line: &[u8],
        layer: Option<&RecordLayer>,
        (record, named): (&Record<'_>, NamedBy),
        reading: &Reading,
        context: &ReadContext<'_>,
    ) {
        let known = is_first_to_read(layer, line, reading)
            .then(|| KnownRecord::of(line, layer, record, named, context));
        let is_right = |known: &KnownRecord| known.read(line, context).as_ref() == Some(record);
        let known = known.flatten().filter(is_right);
        let known = known.map_or(KnownShape::Unsure, |own| KnownShape::Record(Box::new(own)));
        self.shapes.keep(known);
    }

    /// Keeps that no layer has read the line that was looked for last, if it tells all about its shape.
    pub(super) fn keep_unread(&mut self, line: &[u8], reading: &Reading) {
        if self.unread < UNREAD_MIN {
            self.unread += 1;
            return;
        }
        let is_sure = is_first_to_read(None, line, reading);
        self.shapes.keep(if is_sure { KnownShape::Unread } else { KnownShape::Unsure });
    }
}

/// A few results of tests are not worth the expressions that are asked about them.
const UNREAD_MIN: usize = 256;

/// Tells whether no layer before this one, if any is, reads a line of this shape, whatever its digits.
fn is_first_to_read(layer: Option<&RecordLayer>, line: &[u8], reading: &Reading) -> bool {
    let is_same = |own: &RecordLayer| layer.is_some_and(|layer| own.is_same(layer));
    let mut before = reading.records.iter().take_while(|own| !is_same(own));
    // Escapes have digits too.
    memchr::memchr(b'\\', line).is_none()
        && before.all(|before| never_reads(before, line))
        && (layer.is_some() || nothing_reads(line))
}

/// Tells whether a layer reads no line of this shape, whatever its digits.
fn never_reads(layer: &RecordLayer, line: &[u8]) -> bool {
    match layer {
        RecordLayer::Reader(Reader::Verbose) => !line.first().is_some_and(u8::is_ascii_digit),
        RecordLayer::Reader(Reader::Json) => line.first() != Some(&b'{'),
        RecordLayer::Reader(Reader::Logfmt) => super::logfmt::fields(line).is_none(),
        RecordLayer::BuiltIn(_) | RecordLayer::Own(_) => {
            layer.pattern().is_some_and(|pattern| !pattern.matches(line))
        }
    }
}

/// Tells whether no built-in layer does.
fn nothing_reads(line: &[u8]) -> bool {
    let readers = Reader::ALL.map(RecordLayer::Reader);
    readers.iter().all(|reader| never_reads(reader, line)) && CATALOG.never_reads(line)
}

impl KnownRecord {
    fn of(
        line: &[u8],
        layer: Option<&RecordLayer>,
        record: &Record<'_>,
        named: NamedBy,
        context: &ReadContext<'_>,
    ) -> Option<Self> {
        let mut pieces =
            Pieces { line, words: Vec::new(), parts: Vec::new(), bytes: 0, is_stable: true };
        let numbers = match layer {
            Some(layer) => layer.write_text(line, context, &mut pieces)?,
            None => Vec::new(),
        };
        if let Cow::Borrowed(text) = record.text {
            pieces = Pieces { parts: Vec::new(), bytes: 0, ..pieces };
            pieces.push(text);
        }
        let time = match (record.time, &record.stamp) {
            (Some(TimeText::Any(text)), Some(_)) => Some(TimeAt::Any(place(line, text)?)),
            (Some(TimeText::Micros(text)), Some(_)) => Some(TimeAt::Micros(place(line, text)?)),
            // A field that is not a time here may be one with other digits.
            (None, None) if layer.is_none_or(|layer| layer.pattern().is_some()) => None,
            (..) => return None,
        };
        let peer = match (&record.peer, named) {
            (None, _) => None,
            (Some(peer), NamedBy::Default) => Some(Part::Words(pieces.add_words(peer))),
            (Some(Cow::Borrowed(peer)), NamedBy::Line) => Some(Part::Line(place(line, peer)?)),
            (Some(Cow::Owned(peer)), NamedBy::Line) => {
                let start = record.peer_at?;
                Some(Part::Line(pieces.place_in_line(start..start + peer.len())?))
            }
        };
        let topic = match &record.topic {
            None => None,
            Some(Cow::Borrowed(topic)) => Some(place(line, topic)?),
            Some(Cow::Owned(_)) => return None,
        };
        pieces.words.extend([0; SHORT_BYTES]);
        pieces.is_stable.then_some(Self {
            words: pieces.words.into(),
            layer: layer.cloned(),
            time,
            level: record.level,
            topic,
            peer,
            peer_at: record.peer_at,
            text: pieces.parts,
            text_bytes: pieces.bytes,
            left_out: record.left_out,
            numbers,
        })
    }

    /// The record of a line of this shape; `None` if its digits decide how it is read.
    #[inline]
    pub(super) fn read<'a>(&self, line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
        if self.numbers.iter().any(|at| line[*at] == b'0') {
            return None;
        }
        let time = self.time.as_ref().map(|time| match time {
            TimeAt::Any(place) => TimeText::Any(&line[place.clone()]),
            TimeAt::Micros(place) => TimeText::Micros(&line[place.clone()]),
        });
        let stamp = match time {
            Some(time) => Some(self.layer.as_ref()?.stamp(time, context)?),
            None => None,
        };
        let part = |part: &Part| match part {
            Part::Line(place) => Cow::Borrowed(&line[place.clone()]),
            Part::Words(place) => Cow::Owned(self.words[place.clone()].to_vec()),
        };
        let text = match &self.text[..] {
            [one] => part(one),
            parts => Cow::Owned(self.joined(parts, line)),
        };
        Some(Record {
            stamp,
            time,
            level: self.level,
            topic: self.topic.as_ref().map(|place| Cow::Borrowed(&line[place.clone()])),
            peer: self.peer.as_ref().map(part),
            peer_at: self.peer_at,
            text,
            left_out: self.left_out,
        })
    }

    /// The text of these parts.
    fn joined(&self, parts: &[Part], line: &[u8]) -> Vec<u8> {
        let mut text = vec![0; self.text_bytes + SHORT_BYTES];
        let mut start = 0;
        for part in parts {
            let (from, place) = match part {
                Part::Line(place) => (line, place),
                Part::Words(place) => (&*self.words, place),
            };
            let end = start + place.len();
            // Most parts are short: so many bytes, whatever is behind the part, need no call.
            let short = from[place.start..].first_chunk::<SHORT_BYTES>();
            match (short, text[start..].first_chunk_mut()) {
                (Some(short), Some(room)) if place.len() <= SHORT_BYTES => *room = *short,
                _ => text[start..end].copy_from_slice(&from[place.clone()]),
            }
            start = end;
        }
        text.truncate(start);
        text
    }
}

const SHORT_BYTES: usize = 16;

/// The place of a part of a line.
fn place(line: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    (start + part.len() <= line.len()).then(|| start..start + part.len())
}

/// A text, by the places of its pieces in a line.
struct Pieces<'l> {
    line: &'l [u8],
    words: Vec<u8>,
    parts: Vec<Part>,
    bytes: usize,
    /// Pieces that are not in the line have no digits, which may be those of the line.
    is_stable: bool,
}

impl Pieces<'_> {
    fn add_words(&mut self, words: &[u8]) -> Range<usize> {
        let start = self.words.len();
        self.words.extend_from_slice(words);
        start..self.words.len()
    }

    /// The place in the line of a part of the text.
    fn place_in_line(&self, part: Range<usize>) -> Option<Range<usize>> {
        let mut start = 0;
        for own in &self.parts {
            let (Part::Line(place) | Part::Words(place)) = own;
            let end = start + place.len();
            if let Part::Line(place) = own
                && start <= part.start
                && part.end <= end
            {
                let first = place.start + part.start - start;
                return Some(first..first + part.len());
            }
            start = end;
        }
        None
    }
}

impl TextSink for Pieces<'_> {
    fn push(&mut self, piece: &[u8]) {
        self.bytes += piece.len();
        match (place(self.line, piece), self.parts.last_mut()) {
            _ if piece.is_empty() => {}
            (Some(place), Some(Part::Line(last))) if last.end == place.start => {
                last.end = place.end;
            }
            (Some(place), _) => self.parts.push(Part::Line(place)),
            (None, _) => {
                let place = self.add_words(piece);
                match self.parts.last_mut() {
                    Some(Part::Words(last)) if last.end == place.start => last.end = place.end,
                    _ => self.parts.push(Part::Words(place)),
                }
            }
        }
        self.is_stable &= !has_digits(piece) || place(self.line, piece).is_some();
    }

    fn length(&self) -> usize {
        self.bytes
    }
}
