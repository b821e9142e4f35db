//! `--explain`: for each shape of line how many there are, which layers read it, and what is read
//! from an example.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};

use crate::class::{Class, is_continuation};
use crate::cli::error::RunError;
use crate::cli::output::sink::Sink;
use crate::level::Level;
use crate::line::{Event, Line};
use crate::meaning::peer_state::dialect_of;
use crate::meaning::rule_set::Rules;
use crate::parse::{Parser, short_name};
use crate::text::safe_text;

/// Counts the shapes of lines; writes them when the log has ended.
pub(crate) struct ExplainSink {
    parser: Parser,
    rules: Rules,
    shapes: HashMap<Shape, Found>,
    lines: u64,
    output: File,
}

/// Lines that differ in their texts alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Shape {
    layers: String,
    is_read: bool,
    /// The form of a line that is not read.
    form: String,
}

struct Found {
    count: u64,
    first: u64,
    example: String,
    fields: String,
    /// A file of a format that would read it, if it is not read.
    format: Option<String>,
}

impl ExplainSink {
    pub(crate) fn new(parser: Parser, rules: Rules, output: File) -> Self {
        Self { parser, rules, shapes: HashMap::new(), lines: 0, output }
    }

    fn write(&self) -> io::Result<()> {
        let mut output = io::BufWriter::new(&self.output);
        let read: u64 =
            self.shapes.iter().filter(|(own, _)| own.is_read).map(|(_, own)| own.count).sum();
        writeln!(output, "{read} of {} lines are events\n", self.lines)?;
        let mut shapes: Vec<_> = self.shapes.iter().collect();
        shapes.sort_by_key(|(_, found)| (std::cmp::Reverse(found.count), found.first));
        for (shape, found) in shapes.iter().take(SHAPES_MAX) {
            writeln!(output, "{:>8}  {}", found.count, shape.layers)?;
            writeln!(output, "          line {}: {}", found.first, found.example)?;
            writeln!(output, "          {}", found.fields)?;
        }
        if shapes.len() > SHAPES_MAX {
            writeln!(output, "          … and {} more shapes", shapes.len() - SHAPES_MAX)?;
        }
        let unread = shapes.iter().find_map(|(_, found)| found.format.as_deref());
        if let Some(format) = unread {
            writeln!(
                output,
                "\na file for the first of the unread shapes, to begin with (see `pretty formats --help`):"
            )?;
            writeln!(output, "\n{format}")?;
        }
        output.flush()
    }
}

impl Sink for ExplainSink {
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let read = self.parser.parse(line);
        let (transports, format) = self.parser.last_layers();
        let is_record = format.is_some();
        let mut layers = transports;
        layers.extend(format);
        let layers = layers.join(" > ");
        let shape = match &read {
            Line::Event(event) => {
                let dialect = dialect_of(&event.text, &self.rules)
                    .map_or(String::new(), |name| format!(", dialect {name}"));
                Shape { layers: layers + &dialect, is_read: true, form: String::new() }
            }
            Line::Header(_) => {
                Shape { layers: "header".to_owned(), is_read: true, form: String::new() }
            }
            Line::Other(Class::Lead, _) => {
                let layers = format!("{layers}, for the lines behind it");
                Shape { layers, is_read: true, form: String::new() }
            }
            Line::Other(class, text) => {
                let layers = format!("not an event ({})", class.title());
                Shape { layers, is_read: false, form: form(text) }
            }
        };
        let lines = self.lines;
        let found = self.shapes.entry(shape).or_insert_with(|| Found {
            count: 0,
            first: lines,
            example: shortened(&safe_text(line)),
            format: match &read {
                Line::Other(Class::Plain, text) if !is_continuation(text) => format_file(text),
                Line::Event(_) | Line::Header(_) | Line::Other(..) => None,
            },
            fields: match &read {
                Line::Event(event) => fields(event),
                Line::Header(header) => format!(
                    "peers={}",
                    header.peers.map_or("?".to_owned(), |peers| peers.to_string())
                ),
                Line::Other(Class::Lead, _) if is_record => {
                    "not shown: the event behind it has what it says; shown if none is".to_owned()
                }
                Line::Other(Class::Lead, _) => {
                    "not shown: those lines have what it says".to_owned()
                }
                Line::Other(_, text) if is_continuation(text) => {
                    "continues the line before it".to_owned()
                }
                Line::Other(_, text) => format!("to read it: --format '{}'", expression(text)),
            },
        });
        found.count += 1;
        if self.shapes.len() > SHAPES_KEPT {
            // A log with so many shapes has no shape; the frequent ones stay.
            self.shapes.retain(|_, found| found.count > 1);
        }
        Ok(())
    }

    fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.parser.look_at_source(source, sample);
    }

    fn set_source(&mut self, source: usize) {
        self.parser.set_source(source);
    }

    fn finish(self) -> Result<(), RunError> {
        self.write().map_err(RunError::Write)
    }
}

/// The fields of an event.
fn fields(event: &Event<'_>) -> String {
    let text = |bytes: &[u8]| safe_text(bytes);
    let time = event.stamp.as_ref().map_or("none".to_owned(), |stamp| {
        let known = if stamp.at.is_some() { "" } else { " (not a time)" };
        format!("{}{known}", text(&stamp.text))
    });
    let level = event.level.map_or("none", Level::name);
    let topic = if event.topic.is_empty() { "none".to_owned() } else { text(&event.topic) };
    format!(
        "time={time} level={level} peer={} topic={topic} text={}",
        text(&event.peer),
        shortened(&text(&event.text))
    )
}

/// The beginning of a line with its letters and digits made alike.
fn form(text: &[u8]) -> String {
    let mut form = String::new();
    for character in safe_text(text).chars().take(FORM_CHARACTERS) {
        let sign = match character {
            'a'..='z' | 'A'..='Z' => 'a',
            '0'..='9' => '0',
            other => other,
        };
        if !(matches!(sign, 'a' | '0') && form.ends_with(sign)) {
            form.push(sign);
        }
    }
    form
}

/// An expression that would read a line: time, level and peer by their looks, then the text.
fn expression(text: &[u8]) -> String {
    let (start, _) = start_of(&safe_text(text));
    start + "(?<msg>.*)$"
}

/// A file of a format that would read a line, with the line as a sample.
fn format_file(text: &[u8]) -> Option<String> {
    let text = safe_text(text);
    let (start, fields) = start_of(&text);
    if fields.is_empty() || text.contains('\'') || text.contains('\\') {
        return None;
    }
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let fields = fields.map(|(name, value)| format!("{name} = \"{value}\"\n"));
    let fields: String = fields.collect();
    Some(format!("[[record]]\nmatch = '{start}'\n\n[[sample]]\nline = '{text}'\n{fields}"))
}

/// The beginning of an expression for a line, and the fields it reads.
fn start_of(text: &str) -> (String, Vec<(&'static str, String)>) {
    let mut expression = "^".to_owned();
    let mut fields: Vec<(&'static str, String)> = Vec::new();
    for word in text.split(' ').take(WORDS_MAX) {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let group = match group(core) {
            Some((name, group)) if fields.iter().all(|(own, _)| *own != name) => {
                fields.push((name, shown(name, core)));
                group
            }
            Some(_) | None => break,
        };
        let (before, after) = word.split_once(core).unwrap_or_default();
        expression += &format!("{}{group}{} ?", escaped(before), escaped(after));
    }
    (expression, fields)
}

/// A field as columns show it; nothing for a date, of which they show a part.
fn shown(name: &str, word: &str) -> String {
    match name {
        "level" => match Level::of(word.as_bytes()) {
            Some(level) => level.name().to_owned(),
            None => String::new(),
        },
        "peer" => String::from_utf8_lossy(short_name(word.as_bytes())).into_owned(),
        _ if word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => word.to_owned(),
        _ => String::new(),
    }
}

/// A text as an expression; signs that mean nothing in one stay as they are.
fn escaped(text: &str) -> String {
    regex::escape(text)
        .replace("\\#", "#")
        .replace("\\-", "-")
        .replace("\\&", "&")
        .replace("\\~", "~")
}

/// The name of a group that may read a word, and the group.
fn group(word: &str) -> Option<(&'static str, String)> {
    let first_is_digit = word.starts_with(|c: char| c.is_ascii_digit());
    let is_number =
        first_is_digit && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number || (first_is_digit && word.len() >= 4) {
        return Some(("time", format!("(?<time>{})", kinds(word))));
    }
    if word.len() > 1 && Level::of(word.as_bytes()).is_some() {
        return Some(("level", "(?<level>\\w+)".to_owned()));
    }
    let is_peer = word.ends_with(|c: char| c.is_ascii_digit()) && word.len() < 12;
    is_peer.then(|| ("peer", "(?<peer>[\\w-]+)".to_owned()))
}

/// An expression for a word of digits and marks.
fn kinds(word: &str) -> String {
    let mut kinds = String::new();
    for character in word.chars() {
        let kind = if character.is_ascii_digit() {
            "\\d+".to_owned()
        } else {
            regex::escape(&character.to_string())
        };
        if !(kind == "\\d+" && kinds.ends_with("\\d+")) {
            kinds += &kind;
        }
    }
    kinds
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(EXAMPLE_CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

const SHAPES_MAX: usize = 40;
const SHAPES_KEPT: usize = 10_000;
const EXAMPLE_CHARACTERS: usize = 140;
const FORM_CHARACTERS: usize = 24;
const WORDS_MAX: usize = 5;
