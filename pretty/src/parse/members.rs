//! The members of a JSON object, in order, values unread.
//!
//! Nearly every object of a log is plain: keys without escapes, few values that are objects
//! themselves. Such objects are read here in one pass; serde_json reads values inside others, and
//! decides about all that is not plain.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// A key, and its value.
pub(super) type Member<'a> = (Cow<'a, str>, Value<'a>);

/// A value, which is read no further than it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// The contents of a string without escapes.
    Plain(&'a str),
    /// Another string, with its quotes.
    Escaped(&'a str),
    /// All else, as written.
    Object(&'a str),
    List(&'a str),
    Word(&'a str),
}

impl<'a> Value<'a> {
    /// A string's contents; anything else as written.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Escaped(text) => {
                serde_json::from_str(text).map_or(Cow::Borrowed(text), Cow::Owned)
            }
            Self::Plain(text) | Self::Object(text) | Self::List(text) | Self::Word(text) => {
                Cow::Borrowed(text)
            }
        }
    }

    /// A value as it is written.
    fn of(text: &'a str) -> Self {
        match text.as_bytes() {
            [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => {
                Self::Plain(&text[1..text.len() - 1])
            }
            [b'"', ..] => Self::Escaped(text),
            [b'{', ..] => Self::Object(text),
            [b'[', ..] => Self::List(text),
            _ => Self::Word(text),
        }
    }
}

/// The members of an object that is all of a text; `None` if it is not one.
pub(super) fn members(object: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::with_capacity(MEMBERS_USUAL);
    match scan(object, |member| members.push(member)) {
        Scanned::Whole => Some(members),
        Scanned::NotPlain(text) => by_serde(text),
        Scanned::NotText => None,
    }
}

/// The result of a scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scanned<'a> {
    /// The text is an object, and these are its members.
    Whole,
    /// Only [`by_serde`] can tell; the members so far do not count.
    NotPlain(&'a str),
    /// It is not UTF-8.
    NotText,
}

/// Gives the members of a plain object to `take`.
#[inline]
pub(super) fn scan<'a>(object: &'a [u8], take: impl FnMut(Member<'a>)) -> Scanned<'a> {
    let Ok(text) = std::str::from_utf8(object) else { return Scanned::NotText };
    match (Scan { text, at: 0 }).object(take) {
        Some(()) => Scanned::Whole,
        None => Scanned::NotPlain(text),
    }
}

/// A text that is read from its start on; `None` where it is not plain, or not JSON.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    #[inline]
    fn object(mut self, mut take: impl FnMut(Member<'a>)) -> Option<()> {
        // Blanks between values, and not allowed in them.
        let has_control = self.text.bytes().fold(false, |any, byte| any | (byte < b' '));
        if has_control {
            return None;
        }
        self.skip(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return self.is_at_end().then_some(());
        }
        loop {
            let key = self.plain_string()?;
            self.skip(b':')?;
            take((Cow::Borrowed(key), self.value()?));
            match self.next()? {
                b',' => {}
                b'}' => return self.is_at_end().then_some(()),
                _ => return None,
            }
        }
    }

    /// The next byte that is not a blank.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while *bytes.get(self.at)? == b' ' {
            self.at += 1;
        }
        Some(bytes[self.at])
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn skip(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// A string without escapes, without its quotes.
    #[inline]
    fn plain_string(&mut self) -> Option<&'a str> {
        self.skip(b'"')?;
        let rest = &self.text[self.at..];
        // A key has a few bytes: a plain loop beats a vectorised search here.
        let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
        self.at += end + 1;
        (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
    }

    fn value(&mut self) -> Option<Value<'a>> {
        let first = self.peek()?;
        let rest = &self.text[self.at..];
        let (length, value) = match first {
            b'"' => {
                let (length, is_plain) = string_length(rest.as_bytes())?;
                let plain = is_plain.then(|| Value::Plain(&rest[1..length - 1]));
                (length, plain.unwrap_or(Value::Escaped(&rest[..length])))
            }
            b'-' | b'0'..=b'9' => {
                let length = number_length(rest.as_bytes())?;
                (length, Value::Word(&rest[..length]))
            }
            b'{' | b'[' => {
                let length = nested_length(rest)?;
                (length, Value::of(&rest[..length]))
            }
            _ => {
                let mut words = ["true", "false", "null"].into_iter();
                let word = words.find(|word| rest.starts_with(word))?;
                (word.len(), Value::Word(word))
            }
        };
        self.at += length;
        Some(value)
    }
}

/// The length of the string at the start of a text, with its quotes, and whether it has no escapes.
fn string_length(text: &[u8]) -> Option<(usize, bool)> {
    let mut at = 1;
    let mut is_plain = true;
    loop {
        at += memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some((at + 1, is_plain));
        }
        is_plain = false;
        at += match text.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if text.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
    }
}

fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(text[0] == b'-');
    let whole = digits(sign);
    if whole == 0 || (whole > 1 && text[sign] == b'0') {
        return None;
    }
    let mut at = sign + whole;
    if text.get(at) == Some(&b'.') {
        let decimals = digits(at + 1);
        at += 1 + decimals;
        if decimals == 0 {
            return None;
        }
    }
    // An exponent is rare enough for serde_json.
    (!matches!(text.get(at), Some(b'e' | b'E'))).then_some(at)
}

fn nested_length(text: &str) -> Option<usize> {
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// The same by a reader of all of JSON.
pub(super) fn by_serde(text: &str) -> Option<Vec<Member<'_>>> {
    let mut json = Deserializer::from_str(text);
    let members = json.deserialize_map(MembersVisitor).ok()?;
    json.end().ok()?;
    Some(members)
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(MEMBERS_USUAL);
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            members.push((key.0, Value::of(value.get())));
        }
        Ok(members)
    }
}

/// A key that borrows from the line unless it holds an escape; a plain `Cow` would always copy.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

const MEMBERS_USUAL: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanned(text: &str) -> Option<Vec<Member<'_>>> {
        let mut members = Vec::new();
        let result = scan(text.as_bytes(), |member| members.push(member));
        (result == Scanned::Whole).then_some(members)
    }

    #[test]
    fn whatever_is_scanned_is_what_serde_json_reads() {
        for text in [
            "{}",
            "{ }",
            "{ } ",
            "{}x",
            "{,}",
            "{",
            "",
            "[]",
            r#"{"a":1}"#,
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":-0.5,"b":-}"#,
            r#"{"a":1.}"#,
            r#"{"a":1e5,"b":2E-3}"#,
            r#"{"a":-0}"#,
            r#"{"a":1.5x}"#,
            r#"{"a":true,"b":nul}"#,
            r#"{"a":null , "b" : false }"#,
            r#"{"a":truee}"#,
            r#"{"a":"x\"y\\","b":"\u00e9\ud800","c":"\u12"}"#,
            r#"{"a":"\x"}"#,
            r#"{"a\n":1}"#,
            r#"{"a":{"b":[1,{"c":"}"}]},"d":[]}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":"torn"#,
            "{\"a\":\"tab\there\"}",
            "{\t\"a\":1}",
            r#"{"ü":"日本"}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
        ] {
            let scanned = scanned(text);
            assert!(scanned.is_none() || scanned == by_serde(text), "{text}: {scanned:?}");
            assert_eq!(members(text.as_bytes()), by_serde(text), "{text}");
        }
        assert_eq!(members(b"{\"a\":\"\xff\"}"), None);
    }

    proptest! {
        #[test]
        fn the_same_for_any_text(text in r#"\{("[a-zé\\"]{0,3}":? ?([-0-9.e]{1,4}|"[a-z\\"u0-9]{0,6}"|[\[{][]},:"a1 {\[]{0,6}|true|null)[,}]){0,4}\}? ?"#) {
            let scanned = scanned(&text);
            prop_assert!(scanned.is_none() || scanned == by_serde(&text), "{text}: {scanned:?}");
        }
    }
}
