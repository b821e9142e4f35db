//! A log as one JSON object a line, for jq and other programs.

use std::fs::File;
use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::class::{Class, Owner};
use crate::cli::error::RunError;
use crate::cli::output::sink::{Sink, warn_unknown_names};
use crate::filter::Filter;
use crate::line::{Event, Line, Stamp};
use crate::meaning::facts::trailing_facts;
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::peer_state::{dialect_of, state_updates};
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{STATE_KEYS, StateUpdate};
use crate::name_usage::NameUsage;
use crate::parse::{Parser, UnpairedLine, date_of};
use crate::text::make_safe;
use crate::time::Time;

/// Writes an object for each event that passes the filter, and for each line that is not an event.
pub(crate) struct JsonSink {
    parser: Parser,
    filter: Filter,
    rules: Rules,
    output: io::BufWriter<File>,
    /// The name of each source, and its lines so far.
    sources: Vec<(String, u64)>,
    source: usize,
    origin: Option<Time>,
    owner: Owner,
    name_usage: Option<NameUsage>,
}

/// An event or another line. Empty fields are left out.
#[derive(Default, Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    message: String,
    /// The lines of a stack trace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stack: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    facts: Map<String, Value>,
    /// The state of the peer that this line sets.
    #[serde(skip_serializing_if = "Map::is_empty")]
    state: Map<String, Value>,
    /// The message sent, received or lost at this line.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
    /// The kind of a line that is not an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    file: &'a str,
    line: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect: Option<String>,
}

#[derive(Serialize)]
struct Network {
    fate: &'static str,
    kind: String,
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl JsonSink {
    pub(crate) fn new(
        parser: Parser,
        filter: Filter,
        rules: Rules,
        names: Vec<String>,
        output: File,
    ) -> Self {
        Self {
            parser,
            name_usage: NameUsage::of(&filter),
            filter,
            rules,
            output: io::BufWriter::with_capacity(BUFFER_BYTES, output),
            sources: names.into_iter().map(|name| (name, 0)).collect(),
            source: 0,
            origin: None,
            owner: Owner::None,
        }
    }

    fn write(&mut self, line: &Line<'_>) -> Result<(), RunError> {
        let (file, number) = &self.sources[self.source];
        let (transports, format) = self.parser.last_layers();
        let base = Row {
            file,
            line: *number,
            transports: transports.into_iter().map(str::to_owned).collect(),
            format: format.map(str::to_owned),
            ..Row::default()
        };
        let row = match line {
            Line::Event(event) => self.event(event, base),
            Line::Header(header) => {
                Row { class: Some("header"), message: lossy(header.text), ..base }
            }
            Line::Other(class, text) => {
                Row { class: Some(class.title()), message: lossy(text), ..base }
            }
        };
        write_row(&mut self.output, &row)
    }

    /// Writes a line that was not written when it came.
    fn write_unpaired(&mut self, source: usize, first: &UnpairedLine) -> Result<(), RunError> {
        let (file, lines) = &self.sources[source];
        let (class, message) = (Some(Class::Plain.title()), lossy(&first.text));
        let line = lines - first.lines_ago;
        write_row(&mut self.output, &Row { class, message, file, line, ..Row::default() })
    }

    fn event<'a>(&self, event: &Event<'_>, base: Row<'a>) -> Row<'a> {
        let (shown, hidden) = event.split_text();
        let mut lines = shown.split(|byte| *byte == b'\n');
        let (message, mut facts) = trailing_facts(lines.next().unwrap_or_default());
        facts.extend(trailing_facts(hidden).1);
        let facts = facts.into_iter().map(|(key, value)| (lossy(key), Value::String(lossy(value))));
        let mut state = Map::new();
        state_updates(&event.text, &self.rules, |update| match update {
            StateUpdate::Restart => state.clear(),
            StateUpdate::Status(of, status) => {
                let status = status.map_or(Value::Null, |status| Value::String(lossy(&status)));
                state.insert("status".to_owned(), status);
                if let Some(of) = of {
                    state.insert("of".to_owned(), Value::String(lossy(&of)));
                }
            }
            StateUpdate::Increment(key) => {
                state.insert(STATE_KEYS[key as usize].to_owned(), Value::String("+1".to_owned()));
            }
            StateUpdate::Set(key, value) => {
                state.insert(STATE_KEYS[key as usize].to_owned(), Value::String(lossy(&value)));
            }
        });
        Row {
            time: event.stamp.as_ref().map(written),
            time_ns: event.stamp.as_ref().and_then(|stamp| stamp.at).map(Time::nanos),
            peer: (&*event.peer != Event::NO_PEER).then(|| lossy(&event.peer)),
            level: event.level.map(crate::level::Level::name),
            topic: (!event.topic.is_empty()).then(|| lossy(&event.topic)),
            message: lossy(message),
            stack: lines.map(lossy).collect(),
            facts: facts.collect(),
            state,
            network: Message::of(event, &self.rules).map(|message| network(&message)),
            dialect: dialect_of(&event.text, &self.rules).map(str::to_owned),
            ..base
        }
    }
}

fn write_row(output: &mut impl io::Write, row: &Row<'_>) -> Result<(), RunError> {
    serde_json::to_writer(&mut *output, row).map_err(|error| RunError::Write(error.into()))?;
    output.write_all(b"\n").map_err(RunError::Write)
}

fn network(message: &Message<'_>) -> Network {
    let fate = match message.fate {
        MessageFate::Sent => "sent",
        MessageFate::Received => "received",
        MessageFate::Lost(_) => "lost",
        MessageFate::Answered => "answered",
    };
    let (kind, from, to) = (lossy(message.kind), lossy(message.from), lossy(message.to));
    Network { fate, kind, from, to, id: message.id.map(lossy) }
}

/// RFC 3339 where there is a date; else the time as columns show it.
fn written(stamp: &Stamp<'_>) -> String {
    let shown = String::from_utf8_lossy(&stamp.text).into_owned();
    let (Some(local), Some(offset)) = (stamp.local(), stamp.offset) else { return shown };
    let local = local.nanos();
    let (year, month, day) = date_of(local.div_euclid(86_400_000_000_000));
    let of_day = local.rem_euclid(86_400_000_000_000);
    let (seconds, nanos) = (of_day / 1_000_000_000, of_day % 1_000_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut fraction = format!(".{nanos:09}");
    fraction.truncate(fraction.trim_end_matches('0').trim_end_matches('.').len());
    let zone = match offset {
        0 => "Z".to_owned(),
        _ => {
            let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
            format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60)
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Sink for JsonSink {
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.sources[self.source].1 += 1;
        let read = self.parser.parse(line);
        for first in self.parser.take_unpaired().into_iter().flatten() {
            self.write_unpaired(self.source, &first)?;
        }
        match &read {
            Line::Event(event) => {
                if let Some(name_usage) = &mut self.name_usage {
                    name_usage.record(event);
                }
                let date = event.stamp.as_ref().filter(|stamp| stamp.unit.is_none());
                self.origin = self.origin.or_else(|| date?.at);
                let mut scratch = String::new();
                let is_shown = self.filter.shows(event, self.origin)
                    && self.filter.shows_text(make_safe(&event.text, &mut scratch).text());
                self.owner = Owner::event(is_shown);
                if !is_shown {
                    return Ok(());
                }
            }
            Line::Header(_) => self.owner = Owner::None,
            Line::Other(class, text) => {
                if self.owner.of_line(*class, text) == Owner::Hidden || *class == Class::Lead {
                    return Ok(());
                }
            }
        }
        self.write(&read)
    }

    fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.parser.look_at_source(source, sample);
    }

    fn set_source(&mut self, source: usize) {
        self.source = source.min(self.sources.len() - 1);
        self.parser.set_source(source);
    }

    fn pause(&mut self) -> Result<(), RunError> {
        self.output.flush().map_err(RunError::Write)
    }

    fn finish(mut self) -> Result<(), RunError> {
        for (source, first) in self.parser.take_unpaired_at_end() {
            self.write_unpaired(source, &first)?;
        }
        warn_unknown_names(self.name_usage.as_ref());
        self.output.flush().map_err(RunError::Write)
    }
}

const BUFFER_BYTES: usize = 64 * 1024;
