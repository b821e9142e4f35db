//! A message of a failure, from the line with which it begins to its place in the sources.

use super::{Weight, begun, jvm, named_test, python, rust, scripts, without_quotes};

/// The language of a message, which decides the form of the places that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Go,
    Python,
    Scripts,
    Jvm,
    Native,
}

/// A message that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) language: Language,
    pub(super) weight: Weight,
    pub(super) text: String,
    pub(super) place: Option<String>,
    /// Further lines that belong to its text.
    pub(super) more: u32,
    /// Further lines that do if they are values.
    pub(super) values: u32,
    /// The signs of a difference have been explained: only lines with one are values.
    pub(super) has_legend: bool,
    /// It explains little unless a place follows, which is near.
    pub(super) is_vague: bool,
}

impl Message {
    pub(super) fn new(language: Language, weight: Weight, text: impl Into<String>) -> Self {
        let text = text.into();
        let (place, has_legend, is_vague) = (None, false, false);
        Self { language, weight, text, place, more: 0, values: 0, has_legend, is_vague }
    }

    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub(super) fn with_more(mut self, lines: u32) -> Self {
        self.more = lines;
        self
    }

    pub(super) fn if_placed(mut self) -> Self {
        self.is_vague = true;
        self
    }

    /// The lines within which its place must come: a later one belongs to another message.
    pub(super) const fn lines_max(&self) -> u32 {
        if self.is_vague { 6 } else { 40 }
    }

    /// Takes only lines of a difference from here on.
    pub(super) fn with_legend(mut self) -> Self {
        (self.has_legend, self.more) = (true, DIFFERENT_LINES);
        self
    }

    pub(super) fn with_values(mut self, lines: u32) -> Self {
        self.values = lines;
        self
    }

    /// Adds a line to the text.
    fn add(&mut self, line: &str) {
        let line = line.strip_prefix("what():").or(line.strip_prefix('#')).unwrap_or(line);
        let line = python::marked(line).unwrap_or(line);
        let words: Vec<&str> = without_quotes(line.trim()).split_whitespace().collect();
        append(&mut self.text, &words.join(" "));
    }

    /// Takes a line below the message as a part of it: of its text, its place, or what stands between
    /// them; `false` if the message has ended before it.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let bare = text.trim();
        if self.language == Language::Rust {
            return self.take_of_panic(bare);
        }
        if let Some(place) = self.place_in(bare) {
            self.place.get_or_insert(place);
            return true;
        }
        // The block of testify is indented, and nothing else stands in it.
        let is_other = self.language != Language::Go
            && begun(text).is_some_and(|other| other.language != self.language);
        if is_other || named_test(text).is_some() || self.ends_at(bare) {
            return false;
        }
        if scripts::is_legend(bare) {
            self.has_legend = true;
            self.more = if self.more > 0 { DIFFERENT_LINES } else { 0 };
        } else if self.more > 0 && self.is_part(bare) {
            self.more -= 1;
            if self.has_legend { append(&mut self.text, &difference(bare)) } else { self.add(bare) }
        } else if self.more == 0 && self.values > 0 {
            if !scripts::is_value(bare) {
                return false;
            }
            self.values -= 1;
            self.add(bare);
        }
        true
    }

    /// The message of a panic, and the values of an assertion below it.
    fn take_of_panic(&mut self, bare: &str) -> bool {
        if self.more > 0 {
            self.more -= 1;
            append(&mut self.text, bare);
            return true;
        }
        if !bare.is_empty() {
            let is_announced = self.text.ends_with(':') && !bare.starts_with("note: ");
            if self.values == 0 || !is_announced && !rust::is_value(bare) {
                return false;
            }
            self.values -= 1;
            append(&mut self.text, bare);
        }
        true
    }

    fn is_part(&self, bare: &str) -> bool {
        match self.has_legend {
            true => bare.starts_with(['+', '-']) && bare.len() > 1,
            // The last line of a traceback in a message that quotes its source first.
            false if self.language == Language::Python && self.text.is_empty() => {
                python::is_exception(python::marked(bare).unwrap_or(bare).trim())
            }
            false => !bare.is_empty() && !scripts::is_decoration(bare),
        }
    }

    /// `true` if nothing more of the message follows.
    fn ends_at(&self, bare: &str) -> bool {
        self.language == Language::Native
            && (bare.starts_with("[  FAILED") || bare.is_empty() && !self.text.is_empty())
    }

    /// The place that a line below the message names.
    fn place_in(&self, line: &str) -> Option<String> {
        match self.language {
            Language::Rust | Language::Go | Language::Native => None,
            Language::Python => python::place_after(line),
            Language::Scripts => scripts::place(line),
            Language::Jvm => jvm::place(line),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        let names_place_below =
            matches!(self.language, Language::Python | Language::Scripts | Language::Jvm);
        let is_whole = self.more == 0 && self.values == 0;
        is_whole && (self.place.is_some() || !names_place_below)
    }
}

/// Adds a line to a text that is to be one.
pub(super) fn append(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push_str(if text.ends_with([':', ',']) { " " } else { ", " });
    }
    text.push_str(line);
}

/// `- "a": 2` of a line in a difference.
pub(super) fn difference(line: &str) -> String {
    let (sign, value) = line.split_at(1);
    format!("{sign} {}", value.trim().trim_end_matches(','))
}

/// One line of each side says what differs.
const DIFFERENT_LINES: u32 = 2;
