//! One JSON object a line.
//!
//! Ours have `t_us`, `topic`, `peer`, `msg` and then fields; those of other loggers have a time, a
//! level, a text and fields, some of them nested. `formats/keys.toml` has the names.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::context::ReadContext;
use super::fields::StructuredFields;
use super::keys::{Keys, Role};
use super::record::Record;
use super::timestamp::is_time;

/// The record in a line; `None` if it is not an object or has neither time nor text.
pub(super) fn read<'a>(line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
    let mut fields = StructuredFields::default();
    for (key, value) in members(line)?.0 {
        add(&mut fields, key, value, context.keys, 0);
    }
    fields.into_record(context)
}

/// A text and the fields of the object that ends it, as `text key=value`.
pub(super) fn text_with_fields(text: &[u8]) -> Option<Vec<u8>> {
    let start = match text.first() {
        Some(b'{') => 0,
        _ => memchr::memmem::find(text, b"\t{").or_else(|| memchr::memmem::find(text, b" {\""))?,
    };
    let object = text[start..].trim_ascii();
    // Behind the object of an event PHP programs have one about themselves.
    let object = object.strip_suffix(b" []").unwrap_or(object);
    let mut fields = StructuredFields::default();
    for (key, value) in members(object)?.0 {
        fields.push(key, text_of(value));
    }
    let message = std::str::from_utf8(&text[..start]).ok()?;
    Some(fields.into_text(message).into_bytes())
}

/// The members of an object with all keys in `when`; strings without their quotes.
pub(super) fn strings<'a>(
    line: &'a [u8],
    when: &[String],
) -> Option<Vec<(Cow<'a, str>, Cow<'a, str>)>> {
    // A look at the bytes rules out nearly all objects.
    if when.iter().any(|wanted| memchr::memmem::find(line, wanted.as_bytes()).is_none()) {
        return None;
    }
    let members = members(line)?.0;
    if when.iter().any(|wanted| members.iter().all(|(key, _)| key != wanted)) {
        return None;
    }
    Some(members.into_iter().map(|(key, value)| (key, text_of(value))).collect())
}

/// The member of an object, where a point leads into an object.
pub(super) fn string_in(object: &[u8], key: &str) -> Option<String> {
    let members = members(object)?.0;
    let find = |key: &str| members.iter().find(|(own, _)| own == key).map(|(_, value)| *value);
    find(key).map(|value| text_of(value).into_owned()).or_else(|| {
        let (outer, inner) = key.split_once('.')?;
        string_in(find(outer)?.get().as_bytes(), inner)
    })
}

/// Adds a member; the fields of an event are added as if they were not nested.
fn add<'a>(
    fields: &mut StructuredFields<'a>,
    key: Cow<'a, str>,
    value: &'a RawValue,
    keys: &Keys,
    depth: usize,
) {
    let raw = value.get();
    if raw.starts_with('{') && depth < DEPTH_MAX {
        let role = keys.meaning(&key).map(|meaning| meaning.role);
        if role == Some(Role::Nested)
            && let Ok(members) = read_members(value)
        {
            for (key, value) in members.0 {
                add(fields, key, value, keys, depth + 1);
            }
            return;
        }
        if role == Some(Role::Time)
            && let Ok(members) = read_members(value)
            && let Some(time) = time_of(&members.0)
        {
            return fields.push(key, time);
        }
        // An object about the peer or the level.
        if (role.is_some() || keys.is_outer(&key))
            && let Ok(members) = read_members(value)
        {
            return add_members(fields, &key, members, keys, depth + 1);
        }
    }
    if raw.starts_with('[') && keys.meaning(&key).is_some_and(|meaning| meaning.role == Role::Spans)
    {
        fields.span_peer = span_peer(value, keys);
    }
    fields.push(key, text_of(value));
}

/// Adds the members of an object as `key.member`; its `id` or `name` as what the key means.
fn add_members<'a>(
    fields: &mut StructuredFields<'a>,
    outer: &str,
    members: Members<'a>,
    keys: &Keys,
    depth: usize,
) {
    let has_role = keys.meaning(outer).is_some();
    let mut named = false;
    for (key, value) in members.0 {
        let is_name = has_role && !named && NAME_KEYS.contains(&&*key);
        named |= is_name;
        let key = if is_name { outer.to_owned() } else { format!("{outer}.{key}") };
        add(fields, Cow::Owned(key), value, keys, depth);
    }
}

/// Members that name an object.
const NAME_KEYS: [&str; 2] = ["id", "name"];

/// The time in extended JSON, `{"$date": …}`, or in seconds and nanoseconds.
fn time_of<'a>(members: &[(Cow<'a, str>, &'a RawValue)]) -> Option<Cow<'a, str>> {
    if let [(_, seconds), (_, nanos)] = members
        && let Ok(nanos) = text_of(nanos).parse::<u32>()
        && nanos < 1_000_000_000
    {
        return Some(Cow::Owned(format!("{}.{nanos:09}", text_of(seconds))));
    }
    let texts = members.iter().map(|(_, value)| text_of(value));
    texts.into_iter().find(|text| is_time(text.as_bytes()))
}

/// The peer that the fields of a list of spans name.
fn span_peer<'a>(value: &'a RawValue, keys: &Keys) -> Option<Cow<'a, str>> {
    let spans: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let mut found: Option<(u8, Cow<'a, str>)> = None;
    for (key, value) in
        spans.into_iter().filter_map(|span| read_members(span).ok()).flat_map(|own| own.0)
    {
        let Some(meaning) = keys.meaning(&key).filter(|own| own.role == Role::Peer) else {
            continue;
        };
        if found.as_ref().is_none_or(|(rank, _)| meaning.rank < *rank) {
            found = Some((meaning.rank, text_of(value)));
        }
    }
    found.map(|(_, peer)| peer)
}

fn members(line: &[u8]) -> Option<Members<'_>> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let members = json.deserialize_map(MembersVisitor).ok()?;
    json.end().ok()?;
    Some(members)
}

fn read_members(value: &RawValue) -> serde_json::Result<Members<'_>> {
    serde_json::Deserializer::from_str(value.get()).deserialize_map(MembersVisitor)
}

/// A string's contents; anything else as written.
fn text_of(value: &RawValue) -> Cow<'_, str> {
    let raw = value.get();
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => Cow::Borrowed(plain),
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
        let mut members = Vec::with_capacity(MEMBERS_USUAL);
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            members.push((key.0, value));
        }
        Ok(Members(members))
    }
}

/// A key that borrows from the line unless it holds an escape; a plain `Cow` would always copy.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

const MEMBERS_USUAL: usize = 12;

/// Objects nested deeper stay as they were written.
const DEPTH_MAX: usize = 4;
