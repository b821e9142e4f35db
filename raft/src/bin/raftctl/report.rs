//! Output of a command, as text or JSON, and its end.

use std::io::{self, Write};

use serde_json::{Value, json};

/// The end of a command that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Damage was found, or nothing was done without consent.
    NotDone,
}

/// An error, as text for a person.
pub(crate) type CommandError = Box<dyn std::error::Error>;

pub(crate) type CommandResult = Result<Outcome, CommandError>;

/// The place of a command's output.
pub(crate) struct Printer {
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl Printer {
    pub(crate) const fn new(json: bool) -> Self {
        Self { format: if json { Format::Json } else { Format::Text } }
    }

    /// Prints one result in the wanted form, and a line's end.
    pub(crate) fn print(&self, value: &Value, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Text => writeln!(out, "{}", text.trim_end()),
            Format::Json => writeln!(out, "{value:#}"),
        }?;
        out.flush()
    }

    /// Prints lines, without keeping them.
    pub(crate) fn lines<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        value: impl Fn(&T) -> Value,
        text: impl Fn(&T) -> String,
    ) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for item in items {
            match self.format {
                Format::Text => writeln!(out, "{}", text(&item)),
                Format::Json => writeln!(out, "{}", value(&item)),
            }?;
        }
        out.flush()
    }

    /// Prints an error, for a person always.
    pub(crate) fn error(&self, error: &CommandError) {
        // Nothing more can be done if these fail.
        let _ = writeln!(io::stderr(), "raftctl: {error}");
        if self.format == Format::Json {
            let _ = writeln!(io::stdout(), "{:#}", json!({ "error": error.to_string() }));
        }
    }
}

/// Lines of names and values, aligned.
#[derive(Default)]
pub(crate) struct Facts(String);

impl Facts {
    pub(crate) fn title(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0 += title;
        self.0.push('\n');
    }

    pub(crate) fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0 += &format!("  {name:<12} {value}\n");
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A list of numbers in a sentence.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(" ") }
}

/// A count of things in a sentence.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
