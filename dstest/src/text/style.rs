//! Colours, and only when they are wanted.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use comfy_table::{Attribute, Cell};

/// The use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Text with or without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// With.
    Colours,
    /// Without.
    Plain,
}

/// The meaning of a piece of text, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextStyle {
    /// As the terminal writes.
    Normal,
    /// A heading.
    Strong,
    /// Of less interest.
    Faint,
    /// All is well.
    Good,
    /// Something failed.
    Bad,
    /// Something needs a look.
    Warning,
}

impl Paint {
    /// The choice of the option, the environment (`NO_COLOR`, `CLICOLOR_FORCE`) and the stream.
    #[must_use]
    pub fn choose(color: Color, stream: &impl IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let wanted = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if set("NO_COLOR") => false,
            Color::Auto if set("CLICOLOR_FORCE") => true,
            Color::Auto => {
                stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        if wanted { Self::Colours } else { Self::Plain }
    }

    /// The text as a cell of a table, in the colour of its style.
    #[must_use]
    pub fn cell(self, style: TextStyle, text: &str) -> Cell {
        let cell = Cell::new(text);
        match (self, style) {
            (Self::Plain, _) | (Self::Colours, TextStyle::Normal) => cell,
            (Self::Colours, TextStyle::Strong) => cell.add_attribute(Attribute::Bold),
            (Self::Colours, TextStyle::Faint) => cell.add_attribute(Attribute::Dim),
            (Self::Colours, TextStyle::Good) => cell.fg(comfy_table::Color::DarkGreen),
            (Self::Colours, TextStyle::Bad) => {
                cell.fg(comfy_table::Color::DarkRed).add_attribute(Attribute::Bold)
            }
            (Self::Colours, TextStyle::Warning) => cell.fg(comfy_table::Color::DarkYellow),
        }
    }

    /// The text in the colour of its style.
    #[must_use]
    pub fn apply(self, style: TextStyle, text: &str) -> String {
        let style = style.style();
        match self {
            Self::Colours if style != Style::new() => {
                format!("{}{text}{}", style.render(), style.render_reset())
            }
            Self::Colours | Self::Plain => text.to_owned(),
        }
    }
}

impl TextStyle {
    const fn style(self) -> Style {
        match self {
            Self::Normal => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default(),
        }
    }
}
