//! One JSON object a line: `t_us`, `topic`, `peer`, `msg`, then any other keys, which are shown
//! after the message as `key=value` in the order they were written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::line::{Event, Stamp};
use crate::time::{Tick, Time};

/// The event in a line; `None` if it is no object or lacks a time, a topic or a peer.
pub(super) fn parse(line: &[u8]) -> Option<Event<'_>> {
    let fields = Fields::read(line)?;
    let micros: i64 = fields.get("t_us")?.get().parse().ok()?;
    let topic = text_of(fields.get("topic")?)?;
    let peer = text_of(fields.get("peer")?)?;
    Some(Event {
        stamp: Some(stamp(micros)),
        topic: bytes(topic),
        peer: bytes(peer),
        text: bytes(Cow::Owned(fields.message())),
    })
}

/// Microseconds as the text form writes them: milliseconds with three decimals.
fn stamp(micros: i64) -> Stamp<'static> {
    let sign = if micros < 0 { "-" } else { "" };
    let size = micros.unsigned_abs();
    let text = format!("{sign}{}.{:03}", size / 1000, size % 1000);
    Stamp {
        text: Cow::Owned(text.into_bytes()),
        at: Some(Time::from_nanos(micros.saturating_mul(1000))),
        unit: Some(Tick::MILLISECOND),
    }
}

/// The top-level fields of an object, in order, values unread.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_slice(line);
        let fields = json.deserialize_map(FieldsVisitor).ok()?;
        json.end().ok()?;
        Some(fields)
    }

    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    fn message(&self) -> String {
        let mut message = String::new();
        if let Some(text) = self.get("msg").and_then(text_of) {
            message.push_str(&text);
        }
        for (key, value) in &self.0 {
            if !FIXED_KEYS.contains(&&**key) {
                let gap = if message.is_empty() { "" } else { " " };
                let value = fact(value);
                message.extend([gap, key, "=", &value]);
            }
        }
        message
    }
}

const FIXED_KEYS: [&str; 4] = ["t_us", "topic", "peer", "msg"];

/// A value as it stands in a text line: a string of one word without its quotes.
fn fact(value: &RawValue) -> Cow<'_, str> {
    match text_of(value) {
        Some(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => text,
        Some(_) | None => Cow::Borrowed(value.get()),
    }
}

/// A string's contents, or a number as written.
fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        b'"' => match raw.strip_prefix('"')?.strip_suffix('"')? {
            plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
            _ => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
        },
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            fields.push((key.0, value));
        }
        Ok(Fields(fields))
    }
}

/// A key that borrows from the line unless it holds an escape; a plain `Cow` would always copy.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
