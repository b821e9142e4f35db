//! Output of the whole program: results to standard output, notes to standard error.

use std::io::{self, IsTerminal, Write};

use unicode_width::UnicodeWidthChar;

use super::style::Color;

/// Writes to standard output. A closed pipe is not an error: the store has everything.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error, like [`print()`].
pub fn note(text: &str) {
    let mut out = io::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Writes a remark of dstest itself to standard error.
pub fn warn(text: &str) {
    note(&format!("dstest: {text}"));
}

/// `true` if lines on standard error can be redrawn.
pub(crate) fn is_live(color: Color) -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    color != Color::Never && io::stderr().is_terminal() && !is_dumb
}

/// The beginning of the text that fits into so many columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < width
    };
    text.chars().take_while(fits).collect()
}
