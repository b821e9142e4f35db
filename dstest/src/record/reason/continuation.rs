//! The lines below the one with which a message begins: the rest of its text, values, its place in the
//! sources.

use super::message::{DIFFERENT_LINES, Language, Message, append, difference};
use super::{begun, jvm, named_test, python, rust, scripts, without_quotes};

impl Message {
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
        } else if let (1.., true, Some(line)) = (self.more, self.has_legend, difference(bare)) {
            self.more -= 1;
            append(&mut self.text, &line);
        } else if self.more > 0 && !self.has_legend && self.is_part(bare) {
            self.more -= 1;
            self.add(bare);
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
        // The last line of a traceback in a message that quotes its source first.
        if self.language == Language::Python && self.text.is_empty() {
            return python::is_exception(python::marked(bare).unwrap_or(bare).trim());
        }
        !bare.is_empty() && !scripts::is_decoration(bare)
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
}
