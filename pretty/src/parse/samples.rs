//! The samples in the files of formats: each line is read as the file says, by its own format alone
//! and in a log of such lines.

use super::catalog::Sample;
use super::own_format::CustomFormat;
use super::{Calendar, Format, Parser, ParserSettings};
use crate::line::{Event, Line};
use crate::time::Time;

impl CustomFormat {
    /// Fields of its samples that are read in another way than they say.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        differences(&self.0.samples, &Format::AutoAnd(vec![self.clone()]))
    }
}

/// Fields of samples that this format reads in another way than they say.
pub(super) fn differences(samples: &[Sample], format: &Format) -> Vec<String> {
    samples.iter().flat_map(|sample| wrong(sample, format)).collect()
}

fn wrong(sample: &Sample, format: &Format) -> Vec<String> {
    let Some(text) = sample.get("line").and_then(toml::Value::as_str) else {
        return vec!["a [[sample]] has no `line`".to_owned()];
    };
    let mut parser = parser(format.clone());
    // A log of nothing but such lines.
    parser.look_at(format!("{text}\n{text}\n{text}\n").as_bytes());
    let is_event = sample.get("read").is_none_or(|read| read.as_bool() == Some(true));
    match (&parser.parse(text.as_bytes()), is_event) {
        (Line::Event(event), true) => {
            let fields =
                sample.iter().filter(|(name, _)| !["line", "read"].contains(&name.as_str()));
            let different = fields.filter_map(|(name, wanted)| match field(name, event) {
                Some(found) if wanted.as_str() == Some(&*found) => None,
                Some(found) => Some(format!("{name} is {found:?}, not {wanted}: {text}")),
                None => {
                    Some(format!("unknown field `{name}`; fields: {}: {text}", FIELDS.join(", ")))
                }
            });
            different.collect()
        }
        (Line::Event(event), false) => vec![format!("read: {text} as {event:?}")],
        (_, true) => vec![format!("not read: {text}")],
        (_, false) => Vec::new(),
    }
}

fn field(name: &str, event: &Event<'_>) -> Option<String> {
    let field = match FIELDS.iter().position(|own| *own == name)? {
        0 => event.stamp.as_ref().map_or(&b""[..], |stamp| &stamp.text),
        1 => event.level.map_or(&b""[..], |level| level.name().as_bytes()),
        2 => &event.topic,
        3 => &event.peer,
        _ => event.split_text().0,
    };
    Some(String::from_utf8_lossy(field).into_owned())
}

const FIELDS: [&str; 5] = ["time", "level", "topic", "peer", "text"];

fn parser(format: Format) -> Parser {
    // 2027-01-15, which is the year of dates without one.
    let calendar = Calendar::default().with_now(Time::from_nanos(1_800_000_000_000_000_000));
    Parser::with_settings(ParserSettings { format, calendar, ..ParserSettings::default() })
}

#[cfg(test)]
mod tests;
