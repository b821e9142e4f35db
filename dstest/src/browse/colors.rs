//! Colours of the terminal: background and depth.

use std::io;

use pretty::{Background, Depth};

use crate::text::style::{Color, Paint};

/// Colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColorScheme {
    pub(crate) background: Background,
    pub(crate) depth: Depth,
}

impl ColorScheme {
    /// The colours that the option and the terminal's variables ask for.
    pub(crate) fn of_terminal(color: Color) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let depth = match Paint::choose(color, &io::stdout()) {
            Paint::Plain => Depth::None,
            Paint::Colours => Depth::of_terminal(variable).unwrap_or(Depth::Ansi256),
        };
        Self { background: Background::of_terminal(variable), depth }
    }

    /// Changes between dark and light.
    pub(super) fn toggle(&mut self) {
        self.background = match self.background {
            Background::Dark => Background::Light,
            Background::Light => Background::Dark,
        };
    }
}
