//! Keys as data: what each does, and the help that is made from it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::why::Why;

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// Half a screen up.
    HalfUp,
    /// Half a screen down.
    HalfDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// To the nearest other line of some kind.
    Jump(Jump),
    /// Asks for a regular expression to search for.
    AskSearch,
    /// Asks for a regular expression; only matching events are shown.
    AskFilter,
    /// Marks the line with the letter that follows.
    Mark,
    /// Goes to the line with the letter that follows.
    GoToMark,
    /// Asks for a line number or `@` and a time.
    AskGoTo,
    /// Switches the peer in this column, counted from 0, off or on.
    TogglePeer(u8),
    /// Switches the topic of the selected event off.
    HideTopic,
    /// Opens the menu of topics.
    OpenMenu,
    /// Shows everything again.
    ShowAll,
    /// Shows or hides what each peer last said of itself.
    ToggleState,
    /// Shows or hides the strip of terms, leaders and errors.
    ToggleStrip,
    /// Folds repeats, or no longer.
    ToggleFold,
    /// Gives a line as many rows as it needs, or only one.
    ToggleWrap,
    /// Stays at the end while the log grows, or no longer.
    ToggleFollow,
    /// Shows only what answers why the selected line came about, or everything again.
    ToggleWhy(Why),
    /// Shows or hides the keys.
    ToggleHelp,
    /// Undoes one thing: help, note, search, filter.
    Back,
    /// Asks the owner to copy the selected line.
    Copy,
    /// Asks the owner to open the log in an editor.
    Edit,
    /// Asks the owner to leave the mouse to the terminal, or no longer.
    ToggleMouse,
    /// Asks the owner to draw everything anew.
    Redraw,
    /// Asks the owner to suspend the program.
    Suspend,
    /// Closes the view.
    Quit,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// To the next match.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// To the next failure, panic or race.
    NextError,
    /// To the failure, panic or race before.
    PreviousError,
    /// To where the next higher term starts.
    NextTerm,
    /// To where a higher term started before.
    PreviousTerm,
    /// To where the next peer becomes leader.
    NextLeader,
    /// To where a peer became leader before.
    PreviousLeader,
    /// To the next thing that should never be: a second leader, a commit going back.
    NextOddity,
    /// To such a thing before.
    PreviousOddity,
    /// To the next line of a test runner.
    NextTest,
    /// To the line of a test runner before.
    PreviousTest,
    /// To what is the nearest cause: where a message was sent, else what the peer knew last.
    Cause,
    /// To where the message was received or sent; else to another line with the same `id=`.
    OtherEnd,
}

/// A key and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The key.
    pub code: KeyCode,
    /// Whether Ctrl is held.
    pub control: bool,
    /// What it does.
    pub action: Action,
    /// What it does, in the words of the help; keys with the same words share a line there.
    pub help: &'static str,
}

const fn key(c: char, action: Action, help: &'static str) -> Binding {
    Binding { code: KeyCode::Char(c), control: false, action, help }
}

const fn control(c: char, action: Action, help: &'static str) -> Binding {
    Binding { code: KeyCode::Char(c), control: true, action, help }
}

const fn special(code: KeyCode, action: Action, help: &'static str) -> Binding {
    Binding { code, control: false, action, help }
}

/// All keys. The digits `1` to `9` come on top: they switch peers.
pub const BINDINGS: [Binding; 64] = [
    key('j', Action::Down, "line down"),
    special(KeyCode::Down, Action::Down, "line down"),
    key('k', Action::Up, "line up"),
    special(KeyCode::Up, Action::Up, "line up"),
    key(' ', Action::PageDown, "screen down"),
    key('f', Action::PageDown, "screen down"),
    control('f', Action::PageDown, "screen down"),
    special(KeyCode::PageDown, Action::PageDown, "screen down"),
    key('b', Action::PageUp, "screen up"),
    control('b', Action::PageUp, "screen up"),
    special(KeyCode::PageUp, Action::PageUp, "screen up"),
    key('d', Action::HalfDown, "half a screen down"),
    control('d', Action::HalfDown, "half a screen down"),
    key('u', Action::HalfUp, "half a screen up"),
    control('u', Action::HalfUp, "half a screen up"),
    key('g', Action::First, "first line"),
    special(KeyCode::Home, Action::First, "first line"),
    key('G', Action::Last, "last line"),
    special(KeyCode::End, Action::Last, "last line"),
    key(':', Action::AskGoTo, "go to a line, or @time"),
    key('/', Action::AskSearch, "search"),
    key('n', Action::Jump(Jump::NextMatch), "next match"),
    key('N', Action::Jump(Jump::PreviousMatch), "match before"),
    key('&', Action::AskFilter, "show only matches"),
    key('e', Action::Jump(Jump::NextError), "next failure, panic or race"),
    key('E', Action::Jump(Jump::PreviousError), "failure, panic or race before"),
    key('t', Action::Jump(Jump::NextTerm), "next term"),
    key('T', Action::Jump(Jump::PreviousTerm), "term before"),
    key('l', Action::Jump(Jump::NextLeader), "next leader"),
    key('L', Action::Jump(Jump::PreviousLeader), "leader before"),
    key('!', Action::Jump(Jump::NextOddity), "next suspicious thing"),
    key('@', Action::Jump(Jump::PreviousOddity), "suspicious thing before"),
    key('}', Action::Jump(Jump::NextTest), "next test line"),
    key('x', Action::Jump(Jump::NextTest), "next test line"),
    key('{', Action::Jump(Jump::PreviousTest), "test line before"),
    key('X', Action::Jump(Jump::PreviousTest), "test line before"),
    key('%', Action::Jump(Jump::OtherEnd), "other end of the message"),
    key('<', Action::Jump(Jump::Cause), "back to the cause of this line"),
    key('c', Action::ToggleWhy(Why::LedTo), "only what led to this line"),
    key('C', Action::ToggleWhy(Why::Past), "only what could have influenced it"),
    key('i', Action::HideTopic, "hide this line's topic"),
    key('a', Action::ShowAll, "show all peers and topics"),
    key('I', Action::OpenMenu, "menu of topics"),
    key('m', Action::Mark, "mark with a letter"),
    key('\'', Action::GoToMark, "go to a mark; '' goes back"),
    key('z', Action::ToggleFold, "fold repeats"),
    key('w', Action::ToggleWrap, "wrap long lines"),
    key('v', Action::ToggleStrip, "strip of terms and leaders"),
    key('y', Action::Copy, "copy this line"),
    key('o', Action::Edit, "open in $EDITOR at this line"),
    key('M', Action::ToggleMouse, "mouse for the terminal"),
    control('l', Action::Redraw, "draw anew"),
    control('z', Action::Suspend, "suspend"),
    key('s', Action::ToggleState, "state of the peers at this line"),
    key('F', Action::ToggleFollow, "follow the end"),
    key('?', Action::ToggleHelp, "these keys"),
    key('h', Action::ToggleHelp, "these keys"),
    special(KeyCode::F(1), Action::ToggleHelp, "these keys"),
    special(KeyCode::Esc, Action::Back, "undo: help, why, search, filter"),
    special(KeyCode::Backspace, Action::Back, "undo: help, why, search, filter"),
    key('q', Action::Quit, "close"),
    key('Q', Action::Quit, "close"),
    control('c', Action::Quit, "close"),
    special(KeyCode::F(10), Action::Quit, "close"),
];

/// What a key does.
pub(super) fn action(event: KeyEvent) -> Option<Action> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    if let (KeyCode::Char(digit @ '1'..='9'), false) = (event.code, control) {
        // The pattern makes it a digit from 1 on.
        return digit
            .to_digit(10)
            .and_then(|digit| u8::try_from(digit - 1).ok())
            .map(Action::TogglePeer);
    }
    let mut found = BINDINGS.iter();
    found.find(|own| own.code == event.code && own.control == control).map(|own| own.action)
}

/// The help: keys, and what they do.
pub(super) fn help() -> Vec<(String, &'static str)> {
    let mut lines: Vec<(String, &'static str)> = Vec::new();
    for binding in &BINDINGS {
        let name = name(binding);
        match lines.iter_mut().find(|(_, help)| *help == binding.help) {
            Some((names, _)) => *names = format!("{names} {name}"),
            None => lines.push((name, binding.help)),
        }
    }
    lines.push(("1…9".to_owned(), "peer off and on"));
    lines
}

fn name(binding: &Binding) -> String {
    let pictures = [(KeyCode::Char(' '), "Space"), (KeyCode::Up, "↑"), (KeyCode::Down, "↓")];
    let picture = pictures.iter().find(|(code, _)| *code == binding.code);
    let name = picture.map_or_else(|| binding.code.to_string(), |(_, name)| (*name).to_owned());
    if binding.control { format!("^{}", name.to_uppercase()) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        for (at, one) in BINDINGS.iter().enumerate() {
            let same = |other: &&Binding| other.code == one.code && other.control == one.control;
            assert_eq!(BINDINGS[..at].iter().find(same).map(name), None);
        }
    }

    #[test]
    fn every_key_is_in_the_help() {
        let help = help();
        for binding in &BINDINGS {
            let line = help.iter().find(|(_, words)| *words == binding.help);
            assert!(line.is_some_and(|(keys, _)| keys.contains(&name(binding))));
        }
    }
}
