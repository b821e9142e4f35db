//! The key map: the default keys, with the user's own over them.
//!
//! Invariants: no key does two things, and some key closes the view.

use std::sync::LazyLock;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::suggestion::suggestion;
use crate::view::ui::actions::{ACTIONS, Action};
use crate::view::ui::binding;
use crate::view::ui::binding::Binding;

/// A key, with Ctrl or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    control: bool,
}

/// Errors of a key or its action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An unknown key.
    #[error(
        "unknown key `{0}`; keys: single characters, ctrl-x, up, down, left, right, home, end, \
         page-up, page-down, space, enter, tab, esc, backspace, insert, delete, f1 to f12"
    )]
    Unknown(String),
    /// The digits switch peers.
    #[error("reserved key `{0}`: it hides or shows a peer")]
    Digit(char),
    /// An unknown action.
    #[error("unknown action `{name}`; {suggestion}")]
    Action {
        /// As written.
        name: String,
        /// A suggestion.
        suggestion: String,
    },
    /// A view must have an end.
    #[error("`quit` is unbound; bind it to a key")]
    NoQuit,
}

/// The actions of all keys.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Binding<Action>>);

/// The default keys.
pub static BINDINGS: LazyLock<Vec<Binding<Action>>> = LazyLock::new(|| {
    let bindings = |(_, action, help, keys): (_, Action, &'static str, &'static str)| {
        let keys = keys.split(' ').filter_map(|key| Key::parse(key).ok());
        keys.map(move |Key { code, control }| Binding { code, control, action, help })
    };
    ACTIONS.into_iter().flat_map(bindings).collect()
});

impl Default for Keys {
    fn default() -> Self {
        Self(BINDINGS.clone())
    }
}

impl Key {
    /// Reads a key: `x`, `X`, `ctrl-x`, `page-down`, `f5`.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], and [`KeyError::Digit`] for `1` to `9`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let unknown = || KeyError::Unknown(text.to_owned());
        let lower = text.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("ctrl-").or_else(|| caret(&lower)) {
            let letter = only_char(rest).filter(char::is_ascii_lowercase).ok_or_else(unknown)?;
            return Ok(Self { code: KeyCode::Char(letter), control: true });
        }
        let code = match only_char(text) {
            Some(digit @ '1'..='9') => return Err(KeyError::Digit(digit)),
            Some(c) if !c.is_control() => KeyCode::Char(c),
            Some(_) | None => special(&lower).ok_or_else(unknown)?,
        };
        Ok(Self { code, control: false })
    }

    fn is_of(self, binding: &Binding<Action>) -> bool {
        binding.code == self.code && binding.control == self.control
    }
}

impl Action {
    /// The action of a name such as `page-down`, one of [`ACTIONS`].
    ///
    /// # Errors
    /// [`KeyError::Action`].
    pub fn named(text: &str) -> Result<Self, KeyError> {
        let renamed = FORMER_NAMES.iter().find(|(former, _)| *former == text);
        let current = renamed.map_or(text, |(_, current)| current);
        let found = ACTIONS.iter().find(|(own, ..)| *own == current);
        found.map(|(_, action, ..)| *action).ok_or_else(|| KeyError::Action {
            name: text.to_owned(),
            suggestion: suggestion("actions", text, ACTIONS.iter().map(|(name, ..)| *name)),
        })
    }
}

impl Keys {
    /// Lets a key do something else, or nothing.
    pub fn bind(&mut self, key: Key, action: Option<Action>) {
        self.0.retain(|own| !key.is_of(own));
        let words = action.and_then(|action| ACTIONS.iter().find(|(_, own, ..)| *own == action));
        if let Some((_, action, help, _)) = words {
            let Key { code, control } = key;
            self.0.push(Binding { code, control, action: *action, help });
        }
    }

    /// The same keys, if some of them closes the view.
    ///
    /// # Errors
    /// [`KeyError::NoQuit`].
    pub fn checked(self) -> Result<Self, KeyError> {
        let quits = self.0.iter().any(|own| own.action == Action::Quit);
        if quits { Ok(self) } else { Err(KeyError::NoQuit) }
    }

    /// The action of a key. Shift is part of the character.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "keys are an open set")]
    pub fn action(&self, event: KeyEvent) -> Option<Action> {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        // Settings may bind `0`: it was free once.
        let bound = self.0.iter().find(|own| own.is_for(event)).map(|own| own.action);
        bound.or_else(|| match event.code {
            KeyCode::Char(digit @ '0'..='9') if !control => {
                u8::try_from(digit).ok().map(|digit| Action::TogglePeer(digit - b'0'))
            }
            _ => None,
        })
    }

    /// The help: keys, and what they do.
    pub(crate) fn help(&self) -> Vec<(String, &'static str)> {
        let mut lines = binding::help(&self.0);
        lines.push(("0…9".to_owned(), "hide or show a peer"));
        lines
    }
}

/// Names of actions in older configurations, and those they have now.
const FORMER_NAMES: [(&str, &str); 3] = [
    ("next-oddity", "next-anomaly"),         // kept: old settings
    ("previous-oddity", "previous-anomaly"), // kept: old settings
    ("toggle-strip", "toggle-timeline"),
];

fn only_char(text: &str) -> Option<char> {
    let mut all = text.chars();
    all.next().filter(|_| all.next().is_none())
}

/// `^x`, another way to write `ctrl-x`; a caret alone is a key of its own.
fn caret(text: &str) -> Option<&str> {
    text.strip_prefix('^').filter(|rest| !rest.is_empty())
}

fn special(name: &str) -> Option<KeyCode> {
    if let Some(number) = name.strip_prefix('f').and_then(|number| number.parse().ok()) {
        return (1..=12).contains(&number).then_some(KeyCode::F(number));
    }
    let found = SPECIAL_KEYS.iter().find(|(own, _)| *own == name.replace(['-', '_'], ""));
    found.map(|(_, code)| *code)
}

const SPECIAL_KEYS: [(&str, KeyCode); 15] = [
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("esc", KeyCode::Esc),
    ("backspace", KeyCode::Backspace),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn press(keys: &Keys, text: &str) -> Option<Action> {
        press_key(keys, key(text))
    }

    fn press_key(keys: &Keys, Key { code, control }: Key) -> Option<Action> {
        let modifiers = if control { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        keys.action(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_have_names() {
        assert_eq!(key("ctrl-n"), key("^N"));
        assert_eq!(key("Page-Down"), key("pagedown"));
        assert_eq!(key("^"), Key { code: KeyCode::Char('^'), control: false });
        assert_ne!(key("x"), key("X"));
        for bad in ["", "xx", "ctrl-", "ctrl-page-up", "f13", "f0", "\x1b", "ctrl-é"] {
            assert_eq!(Key::parse(bad), Err(KeyError::Unknown(bad.to_owned())), "{bad}");
        }
        assert_eq!(Key::parse("7"), Err(KeyError::Digit('7')));
    }

    #[test]
    fn a_key_can_do_something_else_or_nothing() {
        let mut keys = Keys::default();
        assert_eq!(press(&keys, "j"), Some(Action::Down));
        keys.bind(key("j"), Some(Action::Up));
        keys.bind(key("ctrl-n"), Some(Action::Down));
        keys.bind(key("k"), None);
        assert_eq!(press(&keys, "j"), Some(Action::Up));
        assert_eq!(press(&keys, "ctrl-n"), Some(Action::Down));
        assert_eq!(press(&keys, "k"), None);
        let help = keys.help();
        let line = |words: &str| help.iter().find(|(_, help)| *help == words).unwrap().0.clone();
        assert_eq!(line("line down"), "↓ ^N");
        assert_eq!(line("line up"), "↑ j");
    }

    #[test]
    fn a_view_can_always_be_closed() {
        let mut keys = Keys::default();
        for quit in ["q", "Q", "ctrl-c"] {
            keys.bind(key(quit), None);
        }
        assert!(keys.clone().checked().is_ok());
        keys.bind(key("f10"), Some(Action::Up));
        assert_eq!(keys.checked().err(), Some(KeyError::NoQuit));
    }

    #[test]
    fn every_action_has_keys_and_no_key_two_actions() {
        for (name, action, _, keys) in ACTIONS {
            for key in keys.split(' ') {
                let found = Key::parse(key).map(|key| press_key(&Keys::default(), key));
                assert_eq!(found, Ok(Some(action)), "{name}: its key `{key}` has another action");
            }
        }
    }

    #[test]
    fn former_names_of_actions_are_still_read() {
        for (former, current) in FORMER_NAMES {
            assert_eq!(Action::named(former), Action::named(current), "{former}");
            assert!(Action::named(former).is_ok(), "{former}");
        }
    }

    #[test]
    fn a_wrong_action_names_the_right_ones() {
        let error = Action::named("page-dwon").unwrap_err().to_string();
        assert_eq!(error, "unknown action `page-dwon`; did you mean page-down?");
    }

    #[test]
    fn every_key_is_in_the_help() {
        let help = Keys::default().help();
        for binding in BINDINGS.iter() {
            let line = help.iter().find(|(_, words)| *words == binding.help);
            assert!(line.is_some_and(|(keys, _)| keys.contains(&binding.name())));
        }
    }
}
