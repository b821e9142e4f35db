//! `001234.567 | VOTE | 1 | text`: four fields between bars, the last of which may hold
//! anything, bars included.

use std::borrow::Cow;

use super::context::ReadContext;
use super::record::{NAME_BYTES_MAX, Record, is_name};
use super::timestamp;
use crate::line::Header;
use crate::time::{Fraction, Number, Tick};

/// Tells whether a line is the first line of a `verbose/1` log.
pub(super) fn is_header(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"# verbose/1");
    rest.is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
}

/// The record in a line; `None` if it has not this shape.
#[inline]
pub(super) fn read<'a>(line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let (time, rest) = field(line)?;
    let (topic, rest) = field(rest)?;
    let (peer, text) = field(rest)?;
    if !is_name(topic) || !is_name(peer) {
        return None;
    }
    let number = Number::parse(time)?;
    let unit = match number.fraction {
        Fraction::Present => context.header_unit.unwrap_or(Tick::MILLISECOND),
        Fraction::Absent => context.tick.or(context.header_unit).unwrap_or(Tick::TEN_MILLISECONDS),
    };
    Some(Record {
        stamp: Some(timestamp::counted(time, number, unit)),
        topic: Some(Cow::Borrowed(topic)),
        peer: Some(Cow::Borrowed(peer)),
        // One blank belongs to the bar; more is the text's own indentation.
        text: Cow::Borrowed(text.strip_prefix(b" ").unwrap_or(text)),
        ..Record::default()
    })
}

#[inline]
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // These fields are a few bytes long: a plain loop beats a vectorised search here.
    let window = &line[..line.len().min(FIELD_BYTES_MAX)];
    let bar = window.iter().position(|byte| *byte == b'|')?;
    Some((line[..bar].trim_ascii(), &line[bar + 1..]))
}

/// A bar further away than this ends no field: a name and blanks around it are shorter.
const FIELD_BYTES_MAX: usize = 2 * NAME_BYTES_MAX;

/// Reads a header line: its facts, and the unit of the times that follow.
pub(super) fn header(line: &[u8]) -> (Header<'_>, Option<Tick>) {
    let fact = |key: &[u8]| {
        let mut words = line.split(u8::is_ascii_whitespace);
        let value = words.find_map(|word| word.strip_prefix(key)?.strip_prefix(b"="))?;
        std::str::from_utf8(value).ok()
    };
    let peers = fact(b"peers").and_then(|count| count.parse().ok());
    let unit = fact(b"unit").and_then(|unit| Tick::parse(&format!("1{unit}")).ok());
    (Header { text: line, peers }, unit)
}
