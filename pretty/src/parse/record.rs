//! A record: the fields of a line before its peer is known.

use std::borrow::Cow;

use crate::level::Level;
use crate::line::{Event, Stamp};

/// The fields of one line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) stamp: Option<Stamp<'a>>,
    /// The text the stamp was read from, if that is in the line.
    pub(super) time: Option<TimeText<'a>>,
    pub(super) level: Option<Level>,
    pub(super) topic: Option<Cow<'a, [u8]>>,
    pub(super) peer: Option<Cow<'a, [u8]>>,
    /// The place of the peer in a text that is not in the line.
    pub(super) peer_at: Option<usize>,
    pub(super) text: Cow<'a, [u8]>,
    /// See [`Event::left_out`].
    pub(super) left_out: usize,
}

/// The time of a line as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeText<'a> {
    /// In a form that the record's layer reads.
    Any(&'a [u8]),
    /// In microseconds, as JSON of `verbose/1` has it.
    Micros(&'a [u8]),
}

impl<'a> Record<'a> {
    /// The record of two lines: the fields of this one, the first, and the text of the second.
    pub(super) fn with_second<'b>(self, second: Record<'b>) -> Record<'b> {
        let Record { stamp, level, topic, peer, text: place, .. } = self;
        let mut text = second.text.into_owned();
        let shown = text.len();
        if !place.is_empty() {
            text.extend([&b" logger=\""[..], &*place, b"\""].concat());
        }
        Record {
            stamp: second.stamp.or(stamp.map(own_stamp)),
            time: None,
            peer_at: None,
            level: second.level.or(level),
            topic: second.topic.or(topic.map(own)),
            peer: second.peer.or(peer.map(own)),
            left_out: text.len() - shown,
            text: Cow::Owned(text),
        }
    }

    #[inline]
    pub(super) fn into_event(self) -> Event<'a> {
        let level = || Cow::Borrowed(self.level.map_or(&b""[..], |level| level.name().as_bytes()));
        Event {
            topic: self.topic.unwrap_or_else(level),
            stamp: self.stamp,
            level: self.level,
            peer: self.peer.unwrap_or(Cow::Borrowed(Event::NO_PEER)),
            text: self.text,
            left_out: self.left_out,
        }
    }
}

/// A server is named by its number alone: `S1` is `1`, but `SC1` and `C1` are themselves.
pub(crate) fn short_name(peer: &[u8]) -> &[u8] {
    let number = peer.strip_prefix(b"S").filter(|number| !number.is_empty());
    number
        .filter(|number| number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
        .unwrap_or(peer)
}

/// Tells whether a field can be the name of a topic or peer: short, and one word, so that prose with
/// bars in it is not an event.
#[inline]
pub(super) fn is_name(field: &[u8]) -> bool {
    (1..=NAME_BYTES_MAX).contains(&field.len()) && !field.iter().any(u8::is_ascii_whitespace)
}

/// Longer "names" are text. The longest topic of `verbose/1` has 7 bytes, a host with its port
/// and domain rarely more than 64.
pub(super) const NAME_BYTES_MAX: usize = 64;

pub(super) fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The same event with a copy of everything it borrows.
pub(super) fn into_owned(event: Event<'_>) -> Event<'static> {
    Event {
        stamp: event.stamp.map(own_stamp),
        level: event.level,
        topic: own(event.topic),
        peer: own(event.peer),
        text: own(event.text),
        left_out: event.left_out,
    }
}

fn own(text: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
    Cow::Owned(text.into_owned())
}

fn own_stamp(stamp: Stamp<'_>) -> Stamp<'static> {
    Stamp { text: own(stamp.text), at: stamp.at, unit: stamp.unit, offset: stamp.offset }
}
