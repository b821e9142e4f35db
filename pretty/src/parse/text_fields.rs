//! The four fields of the text formats, and the names two of them hold.

use std::borrow::Cow;

use crate::line::{Event, Stamp};
use crate::time::{Number, Tick};

/// The four fields of the text formats, as they are in the line.
pub(super) struct TextFields<'a> {
    pub(super) time: &'a [u8],
    pub(super) topic: &'a [u8],
    pub(super) peer: &'a [u8],
    pub(super) text: &'a [u8],
}

impl<'a> TextFields<'a> {
    pub(super) fn event(self, number: Number, unit: Tick) -> Event<'a> {
        let stamp = Stamp {
            text: Cow::Borrowed(without_leading_zeros(self.time)),
            at: Some(number.at(unit)),
            unit: Some(unit),
            offset: None,
        };
        Event {
            stamp: Some(stamp),
            topic: Cow::Borrowed(self.topic),
            peer: Cow::Borrowed(self.peer),
            text: Cow::Borrowed(self.text),
            ..Event::default()
        }
    }
}

/// `000123` → `123`, `000000.500` → `0.500`.
fn without_leading_zeros(time: &[u8]) -> &[u8] {
    let zeros = time.iter().take_while(|byte| **byte == b'0').count();
    match time.get(zeros) {
        Some(b'0'..=b'9') => &time[zeros..],
        Some(_) | None => &time[zeros.saturating_sub(1)..],
    }
}

/// A name of a topic or peer: short, and one word, so that prose with bars in it is not an event.
pub(super) fn is_name(field: &[u8]) -> bool {
    (1..=NAME_BYTES_MAX).contains(&field.len()) && !field.iter().any(u8::is_ascii_whitespace)
}

/// Longer "names" are text. The longest topic of `verbose/1` has 7 bytes, a host with its port
/// and domain rarely more than 64.
pub(super) const NAME_BYTES_MAX: usize = 64;
