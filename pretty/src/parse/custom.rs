//! A format given by the user: a regular expression with named groups.

use std::borrow::Cow;

use regex::bytes::{Captures, Regex};

use crate::line::{Event, Stamp};
use crate::time::{Fraction, Number, Tick};

/// A compiled expression with at least one of the groups `time`, `topic`, `peer`, `msg`.
#[derive(Clone, Debug)]
pub struct CustomFormat(Regex);

/// Errors of an expression for a format.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The expression does not compile.
    #[error(transparent)]
    Expression(#[from] regex::Error),
    /// Nothing would come of a match.
    #[error("no named group; use at least one of time, topic, peer, msg")]
    NoGroups,
}

impl CustomFormat {
    /// A format given as a regular expression with at least one of the named groups `time`,
    /// `topic`, `peer` and `msg`.
    ///
    /// # Errors
    /// If the expression does not compile or has none of these groups.
    pub fn new(expression: &str) -> Result<Self, FormatError> {
        let regex = Regex::new(expression)?;
        let known = |name: &str| ["time", "topic", "peer", "msg"].contains(&name);
        if !regex.capture_names().flatten().any(known) {
            return Err(FormatError::NoGroups);
        }
        Ok(Self(regex))
    }

    /// The event in a line; `None` if the expression does not match, or if a name or time in it
    /// is too long for a column.
    pub(super) fn parse<'a>(&self, line: &'a [u8], tick: Option<Tick>) -> Option<Event<'a>> {
        let captures = self.0.captures(line)?;
        let topic = group(&captures, "topic").unwrap_or_default();
        let peer = group(&captures, "peer").filter(|peer| !peer.is_empty());
        let time = group(&captures, "time");
        let longest = [Some(topic), peer, time].into_iter().flatten().map(<[u8]>::len).max();
        if longest > Some(super::text_fields::NAME_BYTES_MAX) {
            return None;
        }
        Some(Event {
            stamp: time.map(|time| stamp(time, tick)),
            topic: Cow::Borrowed(topic),
            peer: Cow::Borrowed(peer.unwrap_or(Event::NO_PEER)),
            // Without a group for it the text is the whole line, so that nothing is lost.
            text: Cow::Borrowed(group(&captures, "msg").unwrap_or(line)),
            ..Event::default()
        })
    }
}

fn group<'a>(captures: &Captures<'a>, name: &str) -> Option<&'a [u8]> {
    captures.name(name).map(|found| found.as_bytes())
}

/// Numbers with a point are seconds and whole numbers milliseconds, unless the user gives
/// another unit; anything else is shown but is not a point in time.
fn stamp(time: &[u8], tick: Option<Tick>) -> Stamp<'_> {
    let number = Number::parse(time);
    let unit = number.map(|number| {
        tick.unwrap_or(match number.fraction {
            Fraction::Present => Tick::SECOND,
            Fraction::Absent => Tick::MILLISECOND,
        })
    });
    let at = number.zip(unit).map(|(number, unit)| number.at(unit));
    Stamp { text: Cow::Borrowed(time), at, unit, offset: None }
}
