//! Per-peer logs as coloured columns, one per peer.
//!
//! ```text
//! bytes → Parser → Line → Filter → Layout → rows of cells → Printer (escape codes)
//! ```
//!
//! Invariants, each held by tests:
//!
//! * Parsing never fails and never loses a byte: a line that is not an event is a
//!   [`Line::Other`] and is shown as it came.
//! * What is shown is harmless: no control byte of the log reaches the terminal; what cannot be
//!   shown as itself is shown in a visible form such as `\x1b`.
//! * No row is wider than the width asked for, and no text is cut to make it so.
//!
//! The library has neither a command line nor a terminal: width, colours and input are given
//! to it. The program around it lives behind the `cli` feature.
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
#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
pub mod cli;

mod class;
mod color;
mod event_name;
mod filter;
mod html;
mod layout;
mod line;
mod name_usage;
mod parse;
mod peer;
mod printer;
mod render;
#[cfg(feature = "view")]
pub mod screen;
#[cfg(feature = "view")]
mod suggestion;
mod text;
mod theme;
mod time;
mod topic;
#[cfg(feature = "view")]
pub mod view;

pub use class::Class;
pub use color::{ColorError, Depth, Rgb};
pub use filter::{BareNumber, Bound, Filter, NameSet};
pub use html::HtmlPage;
pub use layout::{Columns, Layout, Shape};
pub use line::{Event, Header, Line, Stamp};
pub use name_usage::{FilterList, NameUsage, UnknownName};
pub use parse::{CustomFormat, Format, FormatError, Parser};
pub use printer::{Options, Printer, Repeats, Tally, TimeColumn};
pub use text::{Charset, Cut, Safe, make_safe};
pub use theme::{Background, Palette, Theme};
pub use time::{Tick, Time, TimeError};
