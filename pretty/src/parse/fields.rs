//! Named fields of a structured line → an event.
//!
//! The names of fields decide which is the time, the topic, the peer or the text; all others follow
//! the text as `key=value`, in the order they were written.

use std::borrow::Cow;

use super::timestamp;
use crate::level::Level;
use crate::line::{Event, Stamp};

/// The fields of one line, in order.
#[derive(Default)]
pub(super) struct StructuredFields<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> StructuredFields<'a> {
    pub(super) fn push(&mut self, key: Cow<'a, str>, value: Cow<'a, str>) {
        self.0.push((key, value));
    }

    /// The event; `None` without a time, or if there is neither a text nor a topic and a peer.
    pub(super) fn into_event(mut self) -> Option<Event<'a>> {
        let stamp = self.take_stamp()?;
        let level = |fields: &Self| {
            let (_, value) = fields.0.iter().find(|(key, _)| LEVEL_KEYS.contains(&&**key))?;
            Level::of(value.as_bytes())
        };
        let level = level(&self);
        let topic = self.take(&["topic"]).or_else(|| self.take(&LEVEL_KEYS));
        let peer = self.take(&["peer", "node", "server"]);
        let text = self.take(&["msg", "message"]);
        if text.is_none() && (topic.is_none() || peer.is_none()) {
            return None;
        }
        // A name too long for a column is a fact like others.
        let name = |name: Cow<'a, str>| {
            (1..=super::text_fields::NAME_BYTES_MAX).contains(&name.len()).then(|| bytes(name))
        };
        Some(Event {
            stamp: Some(stamp),
            level,
            topic: topic.and_then(name).unwrap_or_default(),
            peer: peer.and_then(name).unwrap_or(Cow::Borrowed(Event::NO_PEER)),
            text: bytes(self.text(text)),
            left_out: 0,
        })
    }

    fn take_stamp(&mut self) -> Option<Stamp<'a>> {
        if let Some(micros) = self.take(&["t_us"]) {
            return timestamp::micros(micros.parse().ok()?);
        }
        timestamp::wall(self.take(&["timestamp", "time", "ts", "t"])?)
    }

    /// Takes out the first fact with one of these names.
    fn take(&mut self, names: &[&str]) -> Option<Cow<'a, str>> {
        let at = self.0.iter().position(|(key, _)| names.contains(&&**key))?;
        Some(self.0.remove(at).1)
    }

    fn text(self, first: Option<Cow<'a, str>>) -> Cow<'a, str> {
        let mut text = first.unwrap_or_default();
        for (key, value) in self.0 {
            let gap = if text.is_empty() { "" } else { " " };
            let text = text.to_mut();
            text.extend([gap, &*key, "="]);
            if value.is_empty() || (value.contains([' ', '"', '=']) && !is_nested(&value)) {
                text.push_str(&format!("{value:?}"));
            } else {
                text.push_str(&value);
            }
        }
        text
    }
}

/// The keys of a level.
const LEVEL_KEYS: [&str; 3] = ["level", "lvl", "severity"];

/// Arrays and objects are shown as they were written.
fn is_nested(value: &str) -> bool {
    value.starts_with(['[', '{'])
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
