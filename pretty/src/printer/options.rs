//! The options of a printer: plain data.

use crate::filter::Filter;
use crate::parse::Parser;
use crate::style::color::Depth;
use crate::style::theme::{Background, Palette};

/// Options of a printer.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns of the screen; at least 1.
    pub width: usize,
    /// Rows of the screen, if the header is to be repeated once a screen.
    pub page: Option<usize>,
    /// The number of peers that have a column from the start, named `0`, `1`, …
    pub columns: Option<u16>,
    /// The time column.
    pub time: TimeColumn,
    /// The background the colours are for.
    pub background: Background,
    /// The user's own colours for topics.
    pub palette: Palette,
    /// The number of colours.
    pub depth: Depth,
    /// The filter of events.
    pub filter: Filter,
    /// The parser of lines.
    pub parser: Parser,
    /// The number of events shown before a match of `filter.grep`.
    pub before: usize,
    /// The number of events shown after a match of `filter.grep`.
    pub after: usize,
    /// The treatment of repeats.
    pub repeats: Repeats,
}

/// The visibility of the time column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeColumn {
    /// It is.
    #[default]
    Shown,
    /// It is hidden; the peers get its room.
    Hidden,
}

/// The treatment of an event that repeats a recent one of its peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// It is shown like any other.
    #[default]
    Show,
    /// It is counted; the count is shown before the next event of the peer that is new.
    Fold,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 100,
            page: None,
            columns: None,
            time: TimeColumn::Shown,
            background: Background::Dark,
            palette: Palette::default(),
            depth: Depth::None,
            filter: Filter::default(),
            parser: Parser::default(),
            before: 0,
            after: 0,
            repeats: Repeats::Show,
        }
    }
}
