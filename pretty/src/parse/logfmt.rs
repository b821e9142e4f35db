//! `ts=2026-11-23T06:12:00Z level=info peer=1 msg="grants vote" term=3`.

use std::borrow::Cow;

use super::context::ReadContext;
use super::fields::StructuredFields;
use super::record::Record;

/// The record in a line; `None` unless all of it is `key=value` pairs, with a time or a level.
pub(super) fn read<'a>(line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
    fields(line)?.into_record(context)
}

/// The fields of a line that has nothing else.
pub(super) fn fields(line: &[u8]) -> Option<StructuredFields<'_>> {
    let mut rest = std::str::from_utf8(line).ok()?.trim_ascii();
    let mut fields = StructuredFields::default();
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| !is_key_byte(byte))?;
        let (key, behind) = (&rest[..end], rest[end..].strip_prefix('=')?);
        if key.is_empty() {
            return None;
        }
        let (value, behind) = value(behind)?;
        fields.push(Cow::Borrowed(key), value);
        rest = behind.trim_ascii_start();
    }
    Some(fields)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@')
}

/// A word, or a text in quotes; and what follows it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = memchr::memchr(b' ', text.as_bytes()).unwrap_or(text.len());
        return Some((Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let mut end = memchr::memchr2(b'"', b'\\', quoted.as_bytes())?;
    while quoted.as_bytes()[end] == b'\\' {
        let after = end + 2;
        end = after + memchr::memchr2(b'"', b'\\', quoted.as_bytes().get(after..)?)?;
    }
    let (inner, behind) = (&quoted[..end], &quoted[end + 1..]);
    if !inner.contains('\\') {
        return Some((Cow::Borrowed(inner), behind));
    }
    // The quoting is JSON's; what is not is shown as written.
    let whole = &text[..end + 2];
    Some((serde_json::from_str(whole).map_or(Cow::Borrowed(inner), Cow::Owned), behind))
}
