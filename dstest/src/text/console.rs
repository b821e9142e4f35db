//! Output of the whole program: results to standard output, notes to standard error.

use std::io::{self, Write};

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
