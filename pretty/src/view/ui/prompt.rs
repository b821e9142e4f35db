//! A line the user types: a search, a filter, a place.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A prompt, and the text typed so far.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) kind: PromptKind,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptKind {
    Search,
    Filter,
    GoTo,
}

/// The effect of a key on a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptKey {
    Continue,
    Submit,
    Cancel,
}

impl Prompt {
    pub(crate) fn new(kind: PromptKind) -> Self {
        Self { kind, text: String::new() }
    }

    /// The sign before the typed text: the key of the prompt.
    pub(crate) fn sign(&self) -> char {
        match self.kind {
            PromptKind::Search => '/',
            PromptKind::Filter => '&',
            PromptKind::GoTo => ':',
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "keys are an open set")]
    pub(crate) fn press(&mut self, event: KeyEvent) -> PromptKey {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Enter => return PromptKey::Submit,
            KeyCode::Esc => return PromptKey::Cancel,
            KeyCode::Char('c') if control => return PromptKey::Cancel,
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char(c) if !control => self.text.push(c),
            KeyCode::Backspace if self.text.pop().is_none() => return PromptKey::Cancel,
            _ => {}
        }
        PromptKey::Continue
    }
}
