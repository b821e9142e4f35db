//! Cargo on the copied workspace: its programs, or the compiler's errors and the canaries whose code
//! they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::schema::{Piece, Rewritten};

/// An error of the compiler.
#[derive(Debug, Deserialize)]
pub(crate) struct Diagnostic {
    level: String,
    rendered: Option<String>,
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Self>,
}

#[derive(Debug, Deserialize)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

/// A line of cargo's output.
#[derive(Deserialize)]
struct Line {
    message: Option<Diagnostic>,
}

/// The result of a build.
pub(crate) enum Compiled {
    Programs,
    /// The compiler's errors, and cargo's own words.
    Errors(Vec<Diagnostic>, String),
}

/// Builds the programs of the copied workspace, with the dependencies that are built already in the
/// `target` directory of the original.
///
/// # Errors
/// Cargo cannot be started.
pub(crate) fn compile(root: &Path, copy: &Path) -> io::Result<Compiled> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--profile", "sim", "--message-format", "json"]);
    cargo.args(["-p", "meta-tests", "--bins"]);
    cargo.env("CARGO_BUILD_BUILD_DIR", root.join("target"));
    cargo.env("CARGO_TARGET_DIR", copy.join("build"));
    // Warnings are for code that people read. Without flags of the user's own they are no errors.
    if let Ok(flags) = std::env::var("RUSTFLAGS") {
        cargo.env("RUSTFLAGS", format!("{flags} --cap-lints allow"));
    }
    let output = cargo.current_dir(copy).output()?;
    if output.status.success() {
        return Ok(Compiled::Programs);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()?.message);
    let errors = messages.filter(|message| message.level == "error").collect();
    Ok(Compiled::Errors(errors, String::from_utf8_lossy(&output.stderr).into_owned()))
}

impl Diagnostic {
    /// The error as the compiler shows it.
    pub(crate) fn text(&self) -> &str {
        self.rendered.as_deref().unwrap_or_default().trim_end()
    }

    /// The canaries whose wrong code the error is about; where it points at none, those of the
    /// choice it is in.
    pub(crate) fn canaries(&self, files: &BTreeMap<&str, Rewritten>) -> BTreeSet<usize> {
        type Code = fn(&Piece) -> &Range<usize>;
        let (wrong, choice): (Code, Code) = (|piece| &piece.wrong, |piece| &piece.choice);
        let (own, all) = (self.spans.iter(), self.spans());
        let primary: Vec<&Span> = own.filter(|span| span.is_primary).collect();
        let candidates = [(&primary, wrong), (&all, wrong), (&primary, choice), (&all, choice)];
        candidates
            .map(|(spans, code)| {
                let pieces = spans.iter().flat_map(|span| {
                    let pieces = files.get(span.file_name.as_str()).map(|file| &file.pieces[..]);
                    let pieces = pieces.unwrap_or_default().iter();
                    pieces.filter(move |piece| span.touches(code(piece)))
                });
                pieces.map(|piece| piece.number).collect::<BTreeSet<_>>()
            })
            .into_iter()
            .find(|numbers| !numbers.is_empty())
            .unwrap_or_default()
    }

    fn spans(&self) -> Vec<&Span> {
        let nested = self.children.iter().flat_map(Self::spans);
        self.spans.iter().chain(nested).collect()
    }
}

impl Span {
    const fn touches(&self, code: &Range<usize>) -> bool {
        self.byte_start < code.end && code.start < self.byte_end
    }
}
