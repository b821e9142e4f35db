//! The line of a log as plain data: made by the [`Parser`](crate::Parser), drawn by the renderer.

use std::borrow::Cow;

use crate::class::Class;
use crate::event_name::split_event;
use crate::level::Level;
use crate::time::{Tick, Time};

/// One line of a log, understood as far as it could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Something a peer did.
    Event(Event<'a>),
    /// The first line of a `verbose/1` log.
    Header(Header<'a>),
    /// Anything else, byte for byte: test output, panics, blank lines, words.
    Other(Class, Cow<'a, [u8]>),
}

/// Something a peer did, with its fields as bytes of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The time, if the line has one.
    pub stamp: Option<Stamp<'a>>,
    /// The severity, if the line names one.
    pub level: Option<Level>,
    /// The topic as written (`VOTE`); without one the name of the level, or empty.
    pub topic: Cow<'a, [u8]>,
    /// The peer's name; [`Event::NO_PEER`] if the line belongs to no single peer.
    pub peer: Cow<'a, [u8]>,
    /// The text. For JSON lines: the message, then the other fields as `key=value`.
    pub text: Cow<'a, [u8]>,
    /// The number of bytes at the end of the text that columns leave out: facts about the program
    /// instead of the event, such as its logger.
    pub left_out: usize,
}

impl Default for Event<'_> {
    fn default() -> Self {
        Self {
            stamp: None,
            level: None,
            topic: Cow::Borrowed(b""),
            peer: Cow::Borrowed(Self::NO_PEER),
            text: Cow::Borrowed(b""),
            left_out: 0,
        }
    }
}

impl Event<'_> {
    /// The text as columns show it, and what they leave out: the ` kind=… event=…` that repeats the
    /// text, in lines with the time of a run, or the facts about the program.
    #[must_use]
    #[inline]
    pub fn split_text(&self) -> (&[u8], &[u8]) {
        match self.stamp.as_ref().and_then(|stamp| stamp.unit) {
            Some(_) => split_event(&self.text),
            None => self.text.split_at(self.text.len().saturating_sub(self.left_out)),
        }
    }

    /// The name of the tester, or of no peer.
    pub const NO_PEER: &'static [u8] = b"-";
}

/// The time of an event: as written, and as a point in time if that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// The time as written, without leading zeros; of a date the time of day.
    pub text: Cow<'a, [u8]>,
    /// The same as a point in time.
    pub at: Option<Time>,
    /// The unit `text` counts in; `None` for a time of day, whose `at` is a date.
    pub unit: Option<Tick>,
    /// Seconds east of Greenwich of the zone `text` is in, if the time has a date.
    pub offset: Option<i32>,
}

impl Stamp<'_> {
    /// The time as a calendar and a clock on the wall show it: nanoseconds since the start of 1970
    /// there.
    #[must_use]
    pub fn local(&self) -> Option<Time> {
        Some(self.at?.in_zone(self.offset.unwrap_or(0)))
    }

    /// The day of a time with a date, counted from 1970.
    #[must_use]
    #[inline]
    pub fn day(&self) -> Option<i64> {
        self.offset?;
        Some(self.local()?.nanos().div_euclid(DAY_NANOS))
    }
}

const DAY_NANOS: i64 = 86_400_000_000_000;

/// The first line of a `verbose/1` log: `# verbose/1 test=backup_2b seed=42 peers=5 unit=ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The whole line.
    pub text: &'a [u8],
    /// The number of peers of the run, if the line gives it.
    pub peers: Option<u16>,
}
