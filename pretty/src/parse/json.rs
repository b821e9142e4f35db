//! One JSON object a line.
//!
//! Ours have `t_us`, `topic`, `peer`, `msg` and then fields; those of other loggers have a time, a
//! level, a text and fields, some of them nested. `formats/keys.toml` has the names.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::context::ReadContext;
use super::fields::StructuredFields;
use super::keys::{Keys, Role};
use super::members::{Member, Scanned, Value, by_serde, members, scan};
use super::record::Record;
use super::timestamp::is_time;

/// The record in a line; `None` if it is not an object or has neither time nor text.
pub(super) fn read<'a>(line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
    fields(line, context)?.into_record(context)
}

/// The fields of an object.
pub(super) fn fields<'a>(
    line: &'a [u8],
    context: &ReadContext<'_>,
) -> Option<StructuredFields<'a>> {
    let mut fields = StructuredFields::default();
    match scan(line, |(key, value)| add(&mut fields, key, value, context.keys, 0)) {
        Scanned::Whole => {}
        Scanned::NotPlain(text) => {
            fields = StructuredFields::default();
            for (key, value) in by_serde(text)? {
                add(&mut fields, key, value, context.keys, 0);
            }
        }
        Scanned::NotText => return None,
    }
    Some(fields)
}

/// A text in two: up to the object that ends it, and the members of that.
pub(super) fn message_and_fields(text: &[u8]) -> Option<(&str, StructuredFields<'_>)> {
    let start = start_of_object(text)?;
    let object = text[start..].trim_ascii();
    // Behind the object of an event PHP programs have one about themselves.
    let object = object.strip_suffix(b" []").unwrap_or(object);
    let mut fields = StructuredFields::default();
    for (key, value) in members(object)? {
        fields.push(key, value.text());
    }
    Some((std::str::from_utf8(&text[..start]).ok()?, fields))
}

/// The place of the object that ends a text.
fn start_of_object(text: &[u8]) -> Option<usize> {
    match text.first() {
        Some(b'{') => Some(0),
        _ => memchr::memmem::find(text, b"\t{").or_else(|| memchr::memmem::find(text, b" {\"")),
    }
}

/// The places of numbers in a line with JSON at its end that must not begin with a zero: those of
/// several digits, outside strings.
pub(super) fn long_numbers(line: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut is_string = false;
    let start = start_of_object(line).unwrap_or(0);
    for (at, byte) in line.iter().enumerate().skip(start) {
        is_string ^= *byte == b'"';
        let begins = byte.is_ascii_digit() && !line[at - 1].is_ascii_digit();
        let is_long = line.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !is_string && begins && is_long && line[at - 1] != b'.' {
            found.push(at);
        }
    }
    found
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
    let members = members(line)?;
    if when.iter().any(|wanted| members.iter().all(|(key, _)| key != wanted)) {
        return None;
    }
    Some(members.into_iter().map(|(key, value)| (key, value.text())).collect())
}

/// The member of an object, where a point leads into an object.
pub(super) fn string_in(object: &[u8], key: &str) -> Option<String> {
    let members = members(object)?;
    let find = |key: &str| members.iter().find(|(own, _)| own == key).map(|(_, value)| *value);
    find(key).map(|value| value.text().into_owned()).or_else(|| {
        let (outer, inner) = key.split_once('.')?;
        let Value::Object(object) = find(outer)? else { return None };
        string_in(object.as_bytes(), inner)
    })
}

/// Adds a member; the fields of an event are added as if they were not nested.
fn add<'a>(
    fields: &mut StructuredFields<'a>,
    key: Cow<'a, str>,
    value: Value<'a>,
    keys: &Keys,
    depth: usize,
) {
    let role = || keys.meaning(&key).map(|meaning| meaning.role);
    match value {
        Value::Object(object) if depth < DEPTH_MAX => {
            let role = role();
            let inner = role.is_some() || keys.is_outer(&key);
            let members = if inner { members(object.as_bytes()) } else { None };
            if role == Some(Role::Time) {
                fields.digits_decide();
            }
            let time = members.as_deref().filter(|_| role == Some(Role::Time)).and_then(time_of);
            match (role, members, time) {
                (Some(Role::Nested), Some(members), _) => {
                    let members = members.into_iter();
                    members.for_each(|(key, value)| add(fields, key, value, keys, depth + 1));
                }
                (_, _, Some(time)) => fields.push(key, time),
                // An object about the peer or the level.
                (_, Some(members), None) => add_members(fields, &key, members, keys, depth + 1),
                (_, None, None) => fields.push(key, value.text()),
            }
        }
        Value::List(list) => {
            if role() == Some(Role::Spans) {
                fields.span_peer = span_peer(list, keys);
            }
            fields.push(key, value.text());
        }
        Value::Object(_) | Value::Plain(_) | Value::Escaped(_) | Value::Word(_) => {
            fields.push(key, value.text());
        }
    }
}

/// Adds the members of an object as `key.member`; its `id` or `name` as what the key means.
fn add_members<'a>(
    fields: &mut StructuredFields<'a>,
    outer: &str,
    members: Vec<Member<'a>>,
    keys: &Keys,
    depth: usize,
) {
    let has_role = keys.meaning(outer).is_some();
    let mut named = false;
    for (key, value) in members {
        let is_name = has_role && !named && NAME_KEYS.contains(&&*key);
        named |= is_name;
        let key = if is_name { outer.to_owned() } else { format!("{outer}.{key}") };
        add(fields, Cow::Owned(key), value, keys, depth);
    }
}

/// Members that name an object.
const NAME_KEYS: [&str; 2] = ["id", "name"];

/// The time in extended JSON, `{"$date": …}`, or in seconds and nanoseconds.
fn time_of<'a>(members: &[Member<'a>]) -> Option<Cow<'a, str>> {
    if let [(_, seconds), (_, nanos)] = members
        && let Ok(nanos) = nanos.text().parse::<u32>()
        && nanos < 1_000_000_000
    {
        return Some(Cow::Owned(format!("{}.{nanos:09}", seconds.text())));
    }
    let mut texts = members.iter().map(|(_, value)| value.text());
    texts.find(|text| is_time(text.as_bytes()))
}

/// The peer that the fields of a list of spans name.
fn span_peer<'a>(list: &'a str, keys: &Keys) -> Option<Cow<'a, str>> {
    let spans: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    let spans = spans.into_iter().filter_map(|span| members(span.get().as_bytes()));
    let named = spans.flatten().filter_map(|(key, value)| {
        let meaning = keys.meaning(&key).filter(|own| own.role == Role::Peer)?;
        Some((meaning.rank, value))
    });
    named.min_by_key(|(rank, _)| *rank).map(|(_, value)| value.text())
}

/// Objects nested deeper stay as they were written.
const DEPTH_MAX: usize = 4;
