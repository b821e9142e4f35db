//! `ts=2026-11-23T06:12:00Z level=info peer=1 msg="grants vote" term=3`.

use std::borrow::Cow;

use super::fields::StructuredFields;
use crate::line::Event;

/// The event in a line; `None` unless all of it is `key=value` pairs, a time among them.
pub(super) fn parse(line: &[u8]) -> Option<Event<'_>> {
    let mut rest = std::str::from_utf8(line).ok()?.trim_ascii();
    let mut fields = StructuredFields::default();
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=')?;
        if key.is_empty() || !key.bytes().all(is_key_byte) {
            return None;
        }
        let (value, behind) = value(behind)?;
        fields.push(Cow::Borrowed(key), value);
        rest = behind.trim_ascii_start();
    }
    fields.into_event()
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// A word, or a text in quotes; and what follows it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        return Some((Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let (inner, behind) = (&quoted[..end], &quoted[end + 1..]);
    if !inner.contains('\\') {
        return Some((Cow::Borrowed(inner), behind));
    }
    // The quoting is JSON's; what is not is shown as written.
    let whole = &text[..end + 2];
    Some((serde_json::from_str(whole).map_or(Cow::Borrowed(inner), Cow::Owned), behind))
}
