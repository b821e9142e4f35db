//! The terminal: its size, its background, the streams connected to it.

use std::io::IsTerminal as _;
use std::time::Duration;

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use crate::style::theme::Background;

/// The terminal of this process, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    pub(crate) output: Stream,
    pub(crate) size: Option<Size>,
}

/// The other end of a standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Terminal,
    Other,
}

/// Columns and rows of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

impl Terminal {
    /// Looks at the standard streams of this process.
    pub(crate) fn current() -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self {
            output: if terminal { Stream::Terminal } else { Stream::Other },
            size: Size::current(),
        }
    }
}

/// Asks the terminal for the colour of its background; `None` without an answer. Nothing else may
/// read from the terminal meanwhile, so both standard streams must be connected to it.
pub(crate) fn background() -> Option<Background> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return None;
    }
    let mut options = QueryOptions::default();
    options.timeout = ANSWER_MAX;
    match theme_mode(options).ok()? {
        ThemeMode::Dark => Some(Background::Dark),
        ThemeMode::Light => Some(Background::Light),
    }
}

/// Terminals answer within a millisecond or two, those far away within a tenth of a second; the few
/// that never do should not be felt.
const ANSWER_MAX: Duration = Duration::from_millis(200);

impl Size {
    /// The size of the screen standard output goes to, or standard error if the output goes into a
    /// pipe: a pager, most likely, on the same screen.
    pub(crate) fn current() -> Option<Self> {
        let of = |size: rustix::io::Result<rustix::termios::Winsize>| {
            let size = size.ok()?;
            (size.ws_col > 0).then_some(Self { columns: size.ws_col, rows: size.ws_row })
        };
        of(rustix::termios::tcgetwinsize(std::io::stdout()))
            .or_else(|| of(rustix::termios::tcgetwinsize(std::io::stderr())))
    }
}
