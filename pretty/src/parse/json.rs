//! One JSON object a line.
//!
//! Ours have `t_us`, `topic`, `peer`, `msg` and then fields; those of `tracing-subscriber` and of
//! other loggers have a `timestamp`, a `level`, a `message` and fields, some of them nested.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::StructuredFields;
use crate::line::Event;

/// The event in a line; `None` if it is not an object or has no time and text.
pub(super) fn parse(line: &[u8]) -> Option<Event<'_>> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let members = json.deserialize_map(MembersVisitor).ok()?;
    json.end().ok()?;
    let mut fields = StructuredFields::default();
    for (key, value) in members.0 {
        add(&mut fields, key, value);
    }
    fields.into_event()
}

/// Adds a member; the fields of an event are added as if they were not nested.
fn add<'a>(fields: &mut StructuredFields<'a>, key: Cow<'a, str>, value: &'a RawValue) {
    if NESTS.contains(&&*key)
        && let Ok(members) = read_members(value)
    {
        for (key, value) in members.0 {
            fields.push(key, text_of(value));
        }
        return;
    }
    fields.push(key, text_of(value));
}

/// Members whose own members are the fields: `tracing-subscriber` puts an event's fields and the
/// innermost span there.
const NESTS: [&str; 2] = ["fields", "span"];

fn read_members(value: &RawValue) -> serde_json::Result<Members<'_>> {
    serde_json::Deserializer::from_str(value.get()).deserialize_map(MembersVisitor)
}

/// A string's contents; anything else as written.
fn text_of(value: &RawValue) -> Cow<'_, str> {
    let raw = value.get();
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        Some(_) => serde_json::from_str(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
        None => Cow::Borrowed(raw),
    }
}

/// The members of an object, in order, values unread.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            members.push((key.0, value));
        }
        Ok(Members(members))
    }
}

/// A key that borrows from the line unless it holds an escape; a plain `Cow` would always copy.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
