//! Values of peers, four bytes each.

use std::collections::HashMap;

use crate::text::safe_text;
/// A value that holds at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownValue {
    pub(crate) text: String,
    pub(crate) since: Since,
}

/// Since when a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// The line itself sets it.
    Now,
    Before,
}

/// A value in four bytes: a small number, or the place of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value(u32);

impl Value {
    /// No value.
    pub(crate) const NONE: Self = Self(u32::MAX);
    /// Numbers are below, values from here on.
    pub(crate) const WORDS: u32 = 1 << 31;

    pub(crate) fn number(self) -> Option<u64> {
        (self.0 < Self::WORDS).then_some(u64::from(self.0))
    }
}

/// All values that are not small numbers.
#[derive(Debug, Default)]
pub(crate) struct ValueTable {
    ids: HashMap<Box<[u8]>, u32>,
    texts: Vec<String>,
}

impl ValueTable {
    pub(crate) fn value(&mut self, text: &[u8]) -> Value {
        let digits = (text == b"0" || text.first() != Some(&b'0')) && text.is_ascii();
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok());
        if let Some(number) = number.filter(|number| digits && *number < Value::WORDS) {
            return Value(number);
        }
        if let Some(id) = self.ids.get(text) {
            return Value(Value::WORDS + id);
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        if id >= Value::WORDS - 1 {
            return Value::NONE;
        }
        self.texts.push(safe_text(text));
        self.ids.insert(text.into(), id);
        Value(Value::WORDS + id)
    }

    pub(crate) fn text(&self, value: Value) -> Option<String> {
        match value.number() {
            Some(number) => Some(number.to_string()),
            None => self.texts.get((value.0 - Value::WORDS) as usize).cloned(),
        }
    }
}
