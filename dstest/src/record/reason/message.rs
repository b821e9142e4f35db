//! A message of a failure, as the line says with which it begins.

use super::Weight;

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

/// `- "a": 2` of a line in a difference; `None` of one that is on both sides, or empty.
pub(super) fn difference(line: &str) -> Option<String> {
    let (sign, value) = line.split_at_checked(1).filter(|(sign, _)| ["+", "-"].contains(sign))?;
    (!value.is_empty()).then(|| format!("{sign} {}", value.trim().trim_end_matches(',')))
}

/// One line of each side says what differs.
pub(super) const DIFFERENT_LINES: u32 = 2;
