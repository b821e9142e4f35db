//! What the owner of a printer wants: plain data.

use crate::color::Depth;
use crate::filter::Filter;
use crate::parse::Format;
use crate::theme::{Background, Palette};
use crate::time::Tick;

/// How a log is shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns of the screen; at least 1.
    pub width: usize,
    /// Rows of the screen, if the header is to be repeated every so many rows.
    pub page: Option<usize>,
    /// How many peers have a column from the start, named `0`, `1`, …
    pub columns: Option<u16>,
    /// Whether times are shown.
    pub time: TimeColumn,
    /// Which background the colours are for.
    pub background: Background,
    /// The user's own colours for topics.
    pub palette: Palette,
    /// How many colours there are.
    pub depth: Depth,
    /// Which events are shown.
    pub filter: Filter,
    /// Which lines are events.
    pub format: Format,
    /// How many events before a match of `filter.grep` are shown with it.
    pub before: usize,
    /// How many events after a match of `filter.grep` are shown with it.
    pub after: usize,
    /// What happens to repeats.
    pub repeats: Repeats,
    /// The unit of whole-number times, if it is not the usual one.
    pub tick: Option<Tick>,
}

/// Whether the time column is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeColumn {
    /// It is.
    #[default]
    Shown,
    /// It is not; the room goes to the peers.
    Hidden,
}

/// What happens to an event that says what its peer has said a moment before.
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
            format: Format::Auto,
            before: 0,
            after: 0,
            repeats: Repeats::Show,
            tick: None,
        }
    }
}
