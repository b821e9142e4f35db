//! Output of the whole program: results to standard output, notes to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use unicode_width::UnicodeWidthChar;

use super::sink;
use super::style::Color;
use super::width::folded_report;

/// Writes a result for people to standard output, or to standard error where the former holds data.
/// A closed pipe is not an error: the store has everything.
pub fn print(text: &str) {
    let text = sink::terminal(text);
    if OUTPUT_IS_DATA.load(Ordering::Relaxed) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    } else {
        print_data(&text);
    }
}

/// Writes data for programs to standard output.
pub(crate) fn print_data(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Leaves standard output to an export (`--export-json -`).
pub(crate) fn leave_output_to_data() {
    OUTPUT_IS_DATA.store(true, Ordering::Relaxed);
}

static OUTPUT_IS_DATA: AtomicBool = AtomicBool::new(false);

/// Writes a line to standard error, like [`print()`].
pub fn note(text: &str) {
    let mut out = io::stderr().lock();
    let _ = writeln!(out, "{}", sink::terminal(text));
}

/// Writes a remark of dstest itself to standard error. It may hold names of any kind.
pub fn warn(text: &str) {
    note(&format!("dstest: {}", sink::paragraph(text)));
}

/// The columns of the terminal on standard output; `None` if it is not a terminal, as files and
/// pipes have room for everything.
#[must_use]
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// The lines of a report, folded between words where a terminal is too narrow. Those to be copied, such
/// as commands and paths, stay whole.
#[must_use]
pub(crate) fn folded(text: &str, is_copied: impl Fn(&str) -> bool) -> String {
    let Some(width) = width() else { return text.to_owned() };
    let fold = |line: &str| match is_copied(line) {
        true => line.to_owned(),
        false => folded_report(line, width).join("\n"),
    };
    text.lines().map(|line| fold(line) + "\n").collect()
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
