//! Colours → the escape codes that switch them on.

use std::io::Write as _;

use super::code::Code;
use crate::style::color::{Depth, Rgb};
use crate::style::theme::Theme;

/// A theme on a terminal with a number of colours.
#[derive(Clone, Debug)]
pub(crate) struct AnsiTheme {
    pub(crate) theme: Theme,
    depth: Depth,
}

impl AnsiTheme {
    pub(crate) fn new(theme: Theme, depth: Depth) -> Self {
        Self { theme, depth }
    }

    /// The code of a text colour.
    pub(crate) fn sgr(&self, color: Rgb) -> Code {
        let mut code = Vec::new();
        let background = self.theme.background;
        let written = match self.depth {
            Depth::None => Ok(()),
            Depth::Ansi16 => write!(code, "\x1b[{}m", color.to_16(background)),
            Depth::Ansi256 => write!(code, "\x1b[38;5;{}m", color.to_256(background)),
            Depth::True => write!(code, "\x1b[38;2;{};{};{}m", color.0, color.1, color.2),
        };
        debug_assert!(written.is_ok(), "writing to a vector cannot fail");
        Code::new(&code)
    }

    /// The same for lines between columns, which may be fainter than text.
    pub(crate) fn line_sgr(&self) -> Code {
        match self.depth {
            Depth::Ansi16 => Code::new(b"\x1b[90m"),
            // The grey ramp of xterm, without the contrast asked of text.
            Depth::Ansi256 => {
                Code::new(format!("\x1b[38;5;{}m", 232 + self.theme.line.0 / 10).as_bytes())
            }
            Depth::None | Depth::True => self.sgr(self.theme.line),
        }
    }

    /// The same, in bold.
    pub(crate) fn bold_sgr(&self, color: Rgb) -> Code {
        let bold = self.code("\x1b[1m");
        Code::new(&[&*bold, &*self.sgr(color)].concat())
    }

    /// The code that ends all of these.
    pub(crate) fn off(&self) -> Code {
        self.code("\x1b[0m")
    }

    /// The codes that begin and end the mark on a match.
    pub(crate) fn mark(&self) -> [Code; 2] {
        [self.code("\x1b[7m"), self.code("\x1b[27m")]
    }

    fn code(&self, code: &str) -> Code {
        match self.depth {
            Depth::None => Code::default(),
            Depth::Ansi16 | Depth::Ansi256 | Depth::True => Code::new(code.as_bytes()),
        }
    }
}
