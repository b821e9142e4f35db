//! A line the user types: a search, a filter, a place.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What is being asked for, and what has been typed.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    pub(super) question: Question,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Search,
    Filter,
    GoTo,
}

/// What a key did to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    More,
    Done,
    Given,
}

impl Prompt {
    pub(super) fn new(question: Question) -> Self {
        Self { question, text: String::new() }
    }

    /// The sign before the typed text: the key that asked.
    pub(super) fn sign(&self) -> char {
        match self.question {
            Question::Search => '/',
            Question::Filter => '&',
            Question::GoTo => ':',
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "keys are an open set")]
    pub(super) fn press(&mut self, event: KeyEvent) -> Typed {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Enter => return Typed::Done,
            KeyCode::Esc => return Typed::Given,
            KeyCode::Char('c') if control => return Typed::Given,
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char(c) if !control => self.text.push(c),
            KeyCode::Backspace if self.text.pop().is_none() => return Typed::Given,
            _ => {}
        }
        Typed::More
    }
}
