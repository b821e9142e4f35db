//! Logs of distributed systems as coloured columns, one per peer; a viewer for large ones.
//!
//! # Pipeline
//!
//! ```text
//! bytes → Parser → Line → Filter → Layout ─┬→ Printer    rows with escape codes
//!                                          ├→ HtmlPage   a page for a browser
//!                                          └→ view::LogView   a widget for terminal programs
//! ```
//!
//! | step | here | in the source |
//! |---|---|---|
//! | formats: `verbose/1`, Go labs, JSON, logfmt, custom | [`Parser`], [`Format`], [`CustomFormat`] | `parse/` |
//! | a line: event, header, test output, panic | [`Line`], [`Event`], [`Class`] | `line.rs`, `class.rs` |
//! | times and their units | [`Time`], [`Tick`] | `time.rs` |
//! | filters by topic, peer, time, expression | [`Filter`], [`NameSet`], [`Bound`] | `filter.rs`, `bound.rs` |
//! | widths of columns | [`Layout`], [`Columns`] | `layout.rs` |
//! | colours of topics, themes, contrast | [`Theme`], [`Palette`], [`Rgb`], [`Depth`] | `style/` |
//! | harmless text, wrapping | [`make_safe`], [`Safe`], [`Cut`] | `text/` |
//! | rows: cells, headers, rules | | `render/` |
//! | output as a stream, folding, context of matches | [`Printer`], [`Options`] | `printer/` |
//! | export for a browser | [`HtmlPage`] | `html/` |
//! | space–time diagrams | [`DiagramBuilder`], [`Diagram`] | `diagram/` |
//! | log view: index, search, filters, keys, drawing | [`view::LogView`] | `view/` |
//! | meaning of lines: messages, state of peers, rules | [`view::Rules`], [`view::Message`] | `meaning/` |
//! | terms, leaders, errors, anomalies | [`view::LogView::anomalies`] | `view/history/` |
//! | causes, happened-before | [`view::Causes`] | `view/cause/` |
//! | the terminal of a full-screen program | [`screen::Screen`] | `screen.rs` |
//! | options, settings, files, pipes, following | [`cli`] | `cli/` |
//!
//! # Features
//!
//! `cli` (default): the program `pretty`. `view`: the log view. Neither: the library alone, without
//! clap, ratatui and a terminal; width, colours and input are given to it.
//!
//! # Examples
//!
//! A log as columns:
//!
//! ```
//! use pretty::{Options, Printer};
//!
//! let mut printer = Printer::new(Options { width: 40, ..Options::default() }, Vec::new());
//! printer.line(b"001234.567 | VOTE | 0 | grants vote to 1 term=3")?;
//! printer.line(b"001235.001 | LEAD | 1 | is leader term=3")?;
//! let text = String::from_utf8(printer.finish()?).expect("rows are UTF-8");
//! assert_eq!(
//!     text,
//!     "───────ms─────┬─0──────────┬─1──────────\n\
//!      \u{20}1234.567 VOTE│grants vote │\n\
//!      \u{20}             ┊to 1 term=3 │\n\
//!      \u{20}1235.001 LEAD│            │is leader\n\
//!      \u{20}             │            ┊term=3\n"
//! );
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The events of a log in a format of one's own:
//!
//! ```
//! use pretty::{Filter, Format, Line, NameSet, Parser};
//!
//! let format = Format::custom(r"^(?<time>[\d.]+) (?<peer>\w+) (?<topic>\w+): (?<msg>.*)$")?;
//! let filter = Filter { just: Some(NameSet::new(["vote"])), ..Filter::default() };
//! let mut parser = Parser::new(format, None);
//! let log = "0.5 n1 VOTE: asks n2\n0.6 n2 LEAD: follows n1\npanic: oops";
//! let shown = log.lines().filter(|line| match parser.parse(line.as_bytes()) {
//!     Line::Event(event) => filter.shows(&event, None),
//!     Line::Header(_) | Line::Other(..) => true,
//! });
//! assert_eq!(shown.collect::<Vec<_>>(), ["0.5 n1 VOTE: asks n2", "panic: oops"]);
//! # Ok::<(), pretty::FormatError>(())
//! ```
//!
//! `examples/open.rs` embeds the log view; the tests of `view` press its keys.
//!
//! # Invariants, each held by tests
//!
//! * Parsing never fails and never loses a byte: a line that is not an event is a [`Line::Other`] and
//!   is shown as it is.
//! * Output is harmless: no control byte of the log reaches the terminal; characters that cannot be
//!   shown as themselves are spelled out, as in `\x1b`.
//! * No row is wider than the width asked for, and no text is cut to make it so. Columns leave out
//!   one thing: the `event=` of a line, which repeats its text ([`Event::split_text`]).
//!
//! # Extending
//!
//! * A topic: a line in `KNOWN` of `style/topic.rs`.
//! * A format: a file in `formats/`, named in `parse/catalog.rs`.
//! * The meaning of lines of another program: a file in `dialects/`, or rules in `pretty.toml`.
//! * A word for a level, a role, a key of the state, a line of a test runner: in `words/`.
//! * An action of a key: [`view::Action`], and a line in `ACTIONS` of `view/ui/actions.rs`.
//!
//! Tests fail until the rest follows, and name it: colours, sample, documentation.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
pub mod cli;

mod bound;
mod class;
#[cfg(feature = "view")]
mod diagram;
#[cfg(feature = "view")]
mod editor;
mod event_name;
mod expression;
mod filter;
#[cfg(feature = "view")]
mod html;
mod layout;
mod level;
mod line;
#[cfg(feature = "view")]
mod meaning;
mod name_hash;
mod name_usage;
mod parse;
mod peer;
mod printer;
mod render;
#[cfg(feature = "view")]
pub mod screen;
mod shapes;
mod style;
#[cfg(feature = "view")]
mod suggestion;
mod text;
mod time;
#[cfg(feature = "view")]
pub mod view;
mod words;

pub use bound::{BareNumber, Bound, WallTime};
pub use class::Class;
#[cfg(feature = "view")]
pub use diagram::{Diagram, DiagramBuilder, DiagramError};
pub use filter::{Filter, NameSet};
#[cfg(feature = "view")]
pub use html::HtmlPage;
pub use layout::{Columns, Layout, Shape};
pub use level::{Level, OwnLevels};
pub use line::{Event, Header, Line, Stamp};
pub use name_usage::{FilterList, NameUsage, UnknownName};
pub use parse::{
    BuiltIn, Calendar, CustomFormat, CustomTransport, Format, FormatError, OwnKeys, Parser,
    ParserSettings, PeerFrom, SourceName, Transports, UnpairedLine, WrittenTime, ZoneError,
};
pub use printer::{Options, Printer, Repeats, Tally, TimeColumn};
pub use style::color::{ColorError, Depth, Rgb};
pub use style::theme::{Background, Palette, Theme};
pub use text::{Charset, Cut, Safe, make_safe, make_safe_lines};
pub use time::{Tick, Time, TimeError};
