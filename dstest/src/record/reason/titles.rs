//! Titles of failures, in outputs where nothing else marks the message below.

use super::message::{Language, Message};
use super::scripts::Expects;
use super::{Weight, begun, named_test, scripts, without_quotes};

/// The last title, and what may follow it.
#[derive(Debug, Default)]
pub(super) struct Titles {
    expects: Option<Expects>,
    /// Mocha lists its failures, of which each has a number and a title of several lines.
    is_mocha: bool,
    /// The title goes on.
    is_open: bool,
}

impl Titles {
    /// `true` while a title or its message is awaited.
    pub(super) const fn is_open(&self) -> bool {
        self.expects.is_some() || self.is_open
    }

    /// Reads a line; returns the message that begins with it because of the title above.
    pub(super) fn line(&mut self, text: &str, test: &mut Option<String>) -> Option<Message> {
        let bare = text.trim();
        if bare.is_empty() {
            return None;
        }
        if let Some(expects) = self.expects.take()
            && begun(text).is_none()
            && named_test(text).is_none()
            && !bare.starts_with(scripts::NO_MESSAGE)
        {
            let is_quoted = bare.len() > 2 && bare.starts_with('\'') && bare.ends_with('\'');
            if expects == Expects::Message || is_quoted && !bare.ends_with(" failed'") {
                let message = without_quotes(bare);
                return Some(Message::new(Language::Scripts, Weight::Framework, message));
            }
        }
        if scripts::begins_failures_of_mocha(text) {
            self.is_mocha = true;
        } else if self.is_mocha {
            self.title_of_mocha(bare, test);
        }
        self.expects = scripts::title(text);
        None
    }

    fn title_of_mocha(&mut self, bare: &str, test: &mut Option<String>) {
        if self.is_open {
            if let Some(test) = test {
                *test = format!("{test} {}", bare.trim_end_matches(':'));
            }
            self.is_open = !bare.ends_with(':');
        } else if let Some(title) = scripts::numbered(bare) {
            *test = Some(title.trim_end_matches(':').to_owned());
            self.is_open = !title.ends_with(':');
        }
    }
}
