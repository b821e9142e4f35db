//! The line of a log as plain data: made by the [`Parser`](crate::Parser), drawn by the renderer.

use std::borrow::Cow;

use crate::class::Class;
use crate::event_name::split_event;
use crate::time::{Tick, Time};

/// One line of a log, understood as far as it could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Something a peer did.
    Event(Event<'a>),
    /// The first line of a `verbose/1` log.
    Header(Header<'a>),
    /// Anything else, byte for byte: test output, panics, blank lines, words.
    Other(Class, &'a [u8]),
}

/// Something a peer did, with its fields as bytes of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The time, if the line has one.
    pub stamp: Option<Stamp<'a>>,
    /// The topic as written (`VOTE`); empty if the format has none.
    pub topic: Cow<'a, [u8]>,
    /// The peer's name; [`Event::NO_PEER`] if the line belongs to no single peer.
    pub peer: Cow<'a, [u8]>,
    /// The text. For JSON lines: the message, then the other fields as `key=value`.
    pub text: Cow<'a, [u8]>,
}

impl Event<'_> {
    /// The text as columns show it, and the ` kind=… event=…` they leave out because it repeats the
    /// text. Only lines with the time of a run have one: the facts of other programs are all shown.
    #[must_use]
    pub fn split_text(&self) -> (&[u8], &[u8]) {
        match self.stamp.as_ref().and_then(|stamp| stamp.unit) {
            Some(_) => split_event(&self.text),
            None => (&self.text, b""),
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
}

/// The first line of a `verbose/1` log: `# verbose/1 test=backup_2b seed=42 peers=5 unit=ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The whole line.
    pub text: &'a [u8],
    /// The number of peers of the run, if the line gives it.
    pub peers: Option<u16>,
}
