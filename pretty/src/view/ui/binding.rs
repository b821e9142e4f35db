//! Keys as data, for this view and for programs around it: a table of what each key does, from
//! which both the look-up and the help are made.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Binding<A> {
    /// The key.
    pub code: KeyCode,
    /// Ctrl is held.
    pub control: bool,
    /// Its action.
    pub action: A,
    /// The text of the help; keys with the same text share a line there.
    pub help: &'static str,
}

/// A character.
pub const fn key<A>(c: char, action: A, help: &'static str) -> Binding<A> {
    Binding { code: KeyCode::Char(c), control: false, action, help }
}

/// A character with Ctrl.
pub const fn control<A>(c: char, action: A, help: &'static str) -> Binding<A> {
    Binding { code: KeyCode::Char(c), control: true, action, help }
}

/// Any other key.
pub const fn special<A>(code: KeyCode, action: A, help: &'static str) -> Binding<A> {
    Binding { code, control: false, action, help }
}

impl<A> Binding<A> {
    /// Tells whether this is the key of an event. Shift is part of the character.
    #[must_use]
    pub fn is_for(&self, event: KeyEvent) -> bool {
        self.code == event.code && self.control == event.modifiers.contains(KeyModifiers::CONTROL)
    }

    /// The key as the help shows it.
    #[must_use]
    pub fn name(&self) -> String {
        let symbol = KEY_SYMBOLS.iter().find(|(code, _)| *code == self.code);
        let name = symbol.map_or_else(|| self.code.to_string(), |(_, name)| (*name).to_owned());
        if self.control { format!("^{}", name.to_uppercase()) } else { name }
    }
}

/// The lines of the help: keys, and what they do.
#[must_use]
pub fn help<A>(bindings: &[Binding<A>]) -> Vec<(String, &'static str)> {
    let mut lines: Vec<(String, &'static str)> = Vec::new();
    for binding in bindings {
        let name = binding.name();
        match lines.iter_mut().find(|(_, help)| *help == binding.help) {
            Some((names, _)) => *names = format!("{names} {name}"),
            None => lines.push((name, binding.help)),
        }
    }
    lines
}

const KEY_SYMBOLS: [(KeyCode, &str); 5] = [
    (KeyCode::Char(' '), "Space"),
    (KeyCode::Up, "↑"),
    (KeyCode::Down, "↓"),
    (KeyCode::Left, "←"),
    (KeyCode::Right, "→"),
];
