//! A log as one page for a browser, readable without a server or a network.
//!
//! The log stands in the page as text, `time⇥topic⇥peer⇥text` or `kind⇥text` a line (`more` continues
//! the event before it, the first letter of a warning's or an error's level follows the peer behind a
//! separator, another separator stands for a line feed in a text, and the
//! `event=` of a text, which columns leave out, behind a further tab), which the page's script
//! draws in columns, only as much of it as is near the screen: elements for every line take a
//! browser a minute for 200 000 lines. Without scripts the text itself is shown.
//!
//! A diagram beside the log shows messages and states; its script reads them from a further field of
//! each line.
//!
//! Invariants: every byte of the log passes through [`make_safe`] and then [`Escaped`], so no log
//! can add markup or script to the page, nor a tab or a line end to the text; the page is written
//! as the lines come, in constant memory, and what is only known at the end (peers, topics)
//! follows the log as style rules and lists.

mod meaning;

use std::collections::HashMap;
use std::io::{self, Write};

use self::meaning::MeaningWriter;
use crate::class::{Class, Owner};
use crate::filter::Filter;
use crate::level::Level;
use crate::line::{Event, Line, Stamp};
use crate::meaning::rule_set::Rules;
use crate::name_usage::NameUsage;
use crate::parse::{Parser, date_of};
use crate::peer::Peers;
use crate::style::color::Rgb;
use crate::style::theme::{Background, Palette, Theme};
use crate::style::topic::OTHER;
use crate::text::markup::Escaped;
use crate::text::{make_safe, make_safe_lines};
use crate::time::Time;

/// Writes a page, line by line.
///
/// ```
/// use pretty::{Filter, HtmlPage, Parser};
///
/// let mut page = HtmlPage::new(Parser::default(), Filter::default(), Vec::new())?;
/// page.line(b"1 | VOTE | 0 | is 1 < 2? <script>")?;
/// let html = String::from_utf8(page.finish()?).expect("pages are UTF-8");
/// assert!(html.contains("is 1 &lt; 2? &lt;script&gt;"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct HtmlPage<W> {
    writer: W,
    parser: Parser,
    filter: Filter,
    name_usage: Option<NameUsage>,
    palette: Palette,
    peers: Peers,
    /// The numbers of topics and peers in the page's class names.
    topics: HashMap<Box<[u8]>, usize>,
    peer_classes: HashMap<Box<[u8]>, usize>,
    origin: Option<Time>,
    meaning: MeaningWriter,
    owner: Owner,
    /// The day of the last event shown.
    day: Option<i64>,
    scratch: String,
}

impl<W: Write> HtmlPage<W> {
    /// Begins a page of the events that pass `filter`, and of all other lines.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(parser: Parser, filter: Filter, mut writer: W) -> io::Result<Self> {
        writer.write_all(HEAD.as_bytes())?;
        writeln!(writer, "<style>{STYLE}</style><main></main>")?;
        // The line end right after the tag is not part of the text.
        writeln!(
            writer,
            "<noscript><style>#log{{display:block}}</style></noscript><pre id=\"log\">"
        )?;
        Ok(Self {
            writer,
            parser,
            name_usage: NameUsage::of(&filter),
            filter,
            palette: Palette::default(),
            peers: Peers::default(),
            topics: HashMap::new(),
            peer_classes: HashMap::new(),
            origin: None,
            meaning: MeaningWriter::default(),
            owner: Owner::None,
            day: None,
            scratch: String::new(),
        })
    }

    /// The same page with the user's own colours for topics.
    #[must_use]
    pub fn with_palette(mut self, palette: Palette) -> Self {
        self.palette = palette;
        self
    }

    /// The same page with rules of the user's own for the meaning of lines.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.meaning = MeaningWriter::with_rules(rules);
        self
    }

    /// The names in the log so far, if the filter has any.
    #[must_use]
    pub fn name_usage(&self) -> Option<&NameUsage> {
        self.name_usage.as_ref()
    }

    /// The parser of lines.
    pub fn parser_mut(&mut self) -> &mut Parser {
        &mut self.parser
    }

    /// Adds a line, given without its line end.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let read = self.parser.parse(line);
        for first in self.parser.take_unpaired().into_iter().flatten() {
            self.non_event(Class::Plain, &first.text)?;
        }
        match read {
            Line::Event(event) => self.event(&event),
            Line::Header(header) => {
                self.owner = Owner::None;
                self.other("test", header.text)
            }
            Line::Other(class, text) => self.non_event(class, &text),
        }
    }

    fn non_event(&mut self, class: Class, text: &[u8]) -> io::Result<()> {
        match (self.owner.of_line(class, text), class) {
            (Owner::Hidden, _) | (_, Class::Lead) => Ok(()),
            (Owner::Shown, _) => self.other("more", text),
            (Owner::None, Class::Blank | Class::Plain) => self.other("plain", text),
            (Owner::None, Class::Test) => self.other("test", text),
            (Owner::None, Class::Passed) => self.other("good", text),
            (Owner::None, Class::Failed | Class::Panic | Class::Race) => self.other("bad", text),
        }
    }

    /// Ends the page and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        for (_, first) in self.parser.take_unpaired_at_end() {
            self.non_event(Class::Plain, &first.text)?;
        }
        writeln!(self.writer, "</pre>")?;
        self.write_columns()?;
        self.write_names("topics", &self.topics.clone())?;
        self.write_names("peers", &self.peer_classes.clone())?;
        writeln!(self.writer, "<script>{SCRIPT}</script>")?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        if let Some(name_usage) = &mut self.name_usage {
            name_usage.record(event);
        }
        let date = event.stamp.as_ref().filter(|stamp| stamp.unit.is_none());
        self.origin = self.origin.or_else(|| date?.at);
        let text = make_safe(&event.text, &mut self.scratch).text();
        let is_shown = self.filter.shows(event, self.origin) && self.filter.shows_text(text);
        self.owner = Owner::event(is_shown);
        if !is_shown {
            return Ok(());
        }
        let day = event.stamp.as_ref().and_then(Stamp::day);
        if let Some(number) = day.filter(|_| self.day != day) {
            self.day = day;
            let (year, month, day) = date_of(number);
            writeln!(self.writer, "day\t{year:04}-{month:02}-{day:02}")?;
        }
        self.peers.insert(&event.peer);
        number(&mut self.topics, &event.topic);
        number(&mut self.peer_classes, &event.peer);
        let stamp = event.stamp.as_ref().map_or(&b""[..], |stamp: &Stamp<'_>| &stamp.text);
        let mut scratch = String::new();
        for field in [stamp, &event.topic] {
            write!(self.writer, "{}\t", Escaped(make_safe(field, &mut scratch).text()))?;
        }
        write!(self.writer, "{}", Escaped(make_safe(&event.peer, &mut scratch).text()))?;
        if let Some(level) = event.level.filter(|level| *level >= Level::Warn) {
            write!(self.writer, "{LEVEL_MARK}{}", &level.name()[..1])?;
        }
        write!(self.writer, "\t")?;
        let (shown, hidden) = event.split_text();
        let shown = make_safe_lines(shown, &mut scratch).text().replace('\n', LINE_FEED);
        write!(self.writer, "{}", Escaped(&shown))?;
        let meaning = self.meaning.meaning(event);
        if !hidden.is_empty() || meaning.is_some() {
            write!(self.writer, "\t{}", Escaped(make_safe(hidden, &mut scratch).text()))?;
        }
        if let Some(meaning) = meaning {
            write!(
                self.writer,
                "\t{}",
                Escaped(make_safe(meaning.as_bytes(), &mut scratch).text())
            )?;
        }
        writeln!(self.writer)
    }

    fn other(&mut self, kind: &str, text: &[u8]) -> io::Result<()> {
        let text = Escaped(make_safe(text, &mut self.scratch).text());
        writeln!(self.writer, "{kind}\t{text}")
    }

    /// The rules that put each peer into its column and give each topic its colour.
    fn write_columns(&mut self) -> io::Result<()> {
        let names: Vec<Vec<u8>> = self.peers.arrange().into_iter().map(<[u8]>::to_vec).collect();
        writeln!(self.writer, "<style>:root{{--peers:{}}}", names.len().max(1))?;
        self.write_term_colors()?;
        if let Some(no_peer) = self.peer_classes.get(Event::NO_PEER) {
            // What belongs to no single peer runs across all columns, without lines between them.
            writeln!(self.writer, ".p{no_peer}::after{{display:none}}")?;
        }
        for (column, name) in names.iter().enumerate() {
            if let Some(peer) = self.peer_classes.get(&**name) {
                writeln!(self.writer, ".p{peer} p{{grid-column:{}}}", column + 3)?;
            }
        }
        let theme = |background| Theme::with_palette(background, self.palette.clone());
        let (dark, light) = (theme(Background::Dark), theme(Background::Light));
        let rgb = |color: Rgb| format!("rgb({},{},{})", color.0, color.1, color.2);
        let mut topics: Vec<_> = self.topics.iter().collect();
        topics.sort_by_key(|(_, number)| **number);
        for (name, topic) in topics {
            let (dark, light) = (rgb(dark.topic(name)), rgb(light.topic(name)));
            writeln!(self.writer, ".t{topic}{{color:light-dark({light},{dark})}}")?;
        }
        for level in Level::ALL.into_iter().filter(|level| *level >= Level::Warn) {
            let (dark, light) =
                (rgb(dark.event(b"", Some(level))), rgb(light.event(b"", Some(level))));
            let letter = &level.name()[..1];
            writeln!(self.writer, ".l{letter}{{color:light-dark({light},{dark})}}")?;
        }
        writeln!(self.writer, "</style>")
    }

    /// Colours of terms, for the diagram.
    fn write_term_colors(&mut self) -> io::Result<()> {
        let css = |color: Rgb| format!("rgb({},{},{})", color.0, color.1, color.2);
        write!(self.writer, ":root{{")?;
        for (number, color) in OTHER.iter().enumerate() {
            let (dark, light) = (css(color.dark), css(color.light));
            write!(self.writer, "--e{number}:light-dark({light},{dark});")?;
        }
        writeln!(self.writer, "}}")
    }

    /// Names with their numbers, from which the page's script makes its switches.
    fn write_names(&mut self, id: &str, names: &HashMap<Box<[u8]>, usize>) -> io::Result<()> {
        writeln!(self.writer, "<datalist id=\"{id}\">")?;
        let mut order: Vec<_> = names.iter().collect();
        order.sort_by(|(a, _), (b, _)| crate::peer::natural(a, b));
        for (name, number) in order {
            let name = Escaped(make_safe(name, &mut self.scratch).text());
            writeln!(self.writer, "<option value=\"{number}\">{name}</option>")?;
        }
        writeln!(self.writer, "</datalist>")
    }
}

fn number(numbers: &mut HashMap<Box<[u8]>, usize>, name: &[u8]) -> usize {
    if let Some(number) = numbers.get(name) {
        return *number;
    }
    let number = numbers.len();
    numbers.insert(name.into(), number);
    number
}

/// A line feed in a text: a separator, which no safe text has.
const LINE_FEED: &str = "\u{2028}";

/// The separator between a peer and the level of a warning or an error behind it.
const LEVEL_MARK: &str = "\u{2029}";

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log</title>
<meta http-equiv=\"Content-Security-Policy\" \
content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width\"></head>
<body><header id=\"bar\"></header>
";
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(
    "\n\"use strict\";\n{",
    include_str!("page.js"),
    include_str!("diagram.js"),
    "  readLink();\n}\n"
);
