//! Actions of keys, and the default keys.

use ratatui::crossterm::event::KeyCode;

use crate::view::cause::index::CausalFilter;
use crate::view::ui::binding::{Binding, control, key, special};

/// An action of a key.
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
    /// Searches for lines with the text of this one and other numbers.
    SearchAlike,
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
    /// Shows or hides the state of the peers.
    ToggleState,
    /// Shows or hides the strip of terms, leaders and errors.
    ToggleTimeline,
    /// Folds repeats, or no longer.
    ToggleFold,
    /// Gives a line as many rows as it needs, or only one.
    ToggleWrap,
    /// Stays at the end while the log grows, or no longer.
    ToggleFollow,
    /// Shows only the causes of the selected line, or everything again.
    ToggleCausalFilter(CausalFilter),
    /// Shows or hides the keys.
    ToggleHelp,
    /// Undoes one thing: help, note, search, filter.
    Back,
    /// Asks the embedding program to copy the selected line.
    Copy,
    /// Asks the embedding program to open the log in an editor.
    Edit,
    /// Asks the embedding program to leave the mouse to the terminal, or no longer.
    ToggleMouse,
    /// Takes the colours for the other background.
    ToggleTheme,
    /// Asks the embedding program to redraw everything.
    Redraw,
    /// Asks the embedding program to suspend the program.
    Suspend,
    /// Closes the view.
    Quit,
}

/// The target of a jump.
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
    NextAnomaly,
    /// To such a thing before.
    PreviousAnomaly,
    /// To the next line of a test runner.
    NextTest,
    /// To the line of a test runner before.
    PreviousTest,
    /// To what is the nearest cause: where a message was sent, else what the peer knew last.
    Cause,
    /// To where the message was received or sent; else to another line with the same `id=`.
    OtherEnd,
}

/// All keys. The digits `1` to `9` come on top: they switch peers.
pub const BINDINGS: [Binding<Action>; 66] = [
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
    key('N', Action::Jump(Jump::PreviousMatch), "previous match"),
    key('*', Action::SearchAlike, "search lines like this one"),
    key('&', Action::AskFilter, "show only matches"),
    key('e', Action::Jump(Jump::NextError), "next failure, panic or race"),
    key('E', Action::Jump(Jump::PreviousError), "previous failure, panic or race"),
    key('t', Action::Jump(Jump::NextTerm), "next term"),
    key('T', Action::Jump(Jump::PreviousTerm), "previous term"),
    key('l', Action::Jump(Jump::NextLeader), "next leader"),
    key('L', Action::Jump(Jump::PreviousLeader), "previous leader"),
    key('!', Action::Jump(Jump::NextAnomaly), "next anomaly"),
    key('@', Action::Jump(Jump::PreviousAnomaly), "previous anomaly"),
    key('}', Action::Jump(Jump::NextTest), "next test line"),
    key('x', Action::Jump(Jump::NextTest), "next test line"),
    key('{', Action::Jump(Jump::PreviousTest), "previous test line"),
    key('X', Action::Jump(Jump::PreviousTest), "previous test line"),
    key('%', Action::Jump(Jump::OtherEnd), "other end of the message"),
    key('<', Action::Jump(Jump::Cause), "nearest cause of this line"),
    key('W', Action::ToggleCausalFilter(CausalFilter::DirectCauses), "only the direct causes"),
    key('P', Action::ToggleCausalFilter(CausalFilter::CausalPast), "only the causal past"),
    key('i', Action::HideTopic, "hide this line's topic"),
    key('a', Action::ShowAll, "show all peers and topics"),
    key('I', Action::OpenMenu, "menu of topics"),
    key('m', Action::Mark, "mark with a letter"),
    key('\'', Action::GoToMark, "go to a mark; '' goes back"),
    key('z', Action::ToggleFold, "fold repeats"),
    key('w', Action::ToggleWrap, "wrap long lines"),
    key('v', Action::ToggleTimeline, "timeline of terms and leaders"),
    key('y', Action::Copy, "copy this line"),
    key('o', Action::Edit, "open in $EDITOR at this line"),
    key('M', Action::ToggleMouse, "give the mouse to the terminal"),
    key('c', Action::ToggleTheme, "dark or light colours"),
    control('l', Action::Redraw, "redraw"),
    control('z', Action::Suspend, "suspend"),
    key('s', Action::ToggleState, "state of the peers at this line"),
    key('F', Action::ToggleFollow, "follow the end"),
    key('?', Action::ToggleHelp, "these keys"),
    key('h', Action::ToggleHelp, "these keys"),
    special(KeyCode::F(1), Action::ToggleHelp, "these keys"),
    special(KeyCode::Esc, Action::Back, "undo: help, causes, search, filter"),
    special(KeyCode::Backspace, Action::Back, "undo: help, causes, search, filter"),
    key('q', Action::Quit, "close"),
    key('Q', Action::Quit, "close"),
    control('c', Action::Quit, "close"),
    special(KeyCode::F(10), Action::Quit, "close"),
];

/// The actions a key can be bound to: name in a configuration, action, text of the help.
pub const NAMES: [(&str, Action, &str); 47] = [
    ("down", Action::Down, "line down"),
    ("up", Action::Up, "line up"),
    ("page-down", Action::PageDown, "screen down"),
    ("page-up", Action::PageUp, "screen up"),
    ("half-down", Action::HalfDown, "half a screen down"),
    ("half-up", Action::HalfUp, "half a screen up"),
    ("first", Action::First, "first line"),
    ("last", Action::Last, "last line"),
    ("go-to", Action::AskGoTo, "go to a line, or @time"),
    ("search", Action::AskSearch, "search"),
    ("cause", Action::Jump(Jump::Cause), "nearest cause of this line"),
    ("led-to", Action::ToggleCausalFilter(CausalFilter::DirectCauses), "only the direct causes"),
    ("past", Action::ToggleCausalFilter(CausalFilter::CausalPast), "only the causal past"),
    ("next-match", Action::Jump(Jump::NextMatch), "next match"),
    ("previous-match", Action::Jump(Jump::PreviousMatch), "previous match"),
    ("search-alike", Action::SearchAlike, "search lines like this one"),
    ("filter", Action::AskFilter, "show only matches"),
    ("next-error", Action::Jump(Jump::NextError), "next failure, panic or race"),
    ("previous-error", Action::Jump(Jump::PreviousError), "previous failure, panic or race"),
    ("next-term", Action::Jump(Jump::NextTerm), "next term"),
    ("previous-term", Action::Jump(Jump::PreviousTerm), "previous term"),
    ("next-leader", Action::Jump(Jump::NextLeader), "next leader"),
    ("previous-leader", Action::Jump(Jump::PreviousLeader), "previous leader"),
    ("next-anomaly", Action::Jump(Jump::NextAnomaly), "next anomaly"),
    ("previous-anomaly", Action::Jump(Jump::PreviousAnomaly), "previous anomaly"),
    ("next-test", Action::Jump(Jump::NextTest), "next test line"),
    ("previous-test", Action::Jump(Jump::PreviousTest), "previous test line"),
    ("other-end", Action::Jump(Jump::OtherEnd), "other end of the message"),
    ("hide-topic", Action::HideTopic, "hide this line's topic"),
    ("show-all", Action::ShowAll, "show all peers and topics"),
    ("menu", Action::OpenMenu, "menu of topics"),
    ("mark", Action::Mark, "mark with a letter"),
    ("go-to-mark", Action::GoToMark, "go to a mark; '' goes back"),
    ("toggle-fold", Action::ToggleFold, "fold repeats"),
    ("toggle-wrap", Action::ToggleWrap, "wrap long lines"),
    ("toggle-timeline", Action::ToggleTimeline, "timeline of terms and leaders"),
    ("copy", Action::Copy, "copy this line"),
    ("edit", Action::Edit, "open in $EDITOR at this line"),
    ("toggle-mouse", Action::ToggleMouse, "give the mouse to the terminal"),
    ("redraw", Action::Redraw, "redraw"),
    ("suspend", Action::Suspend, "suspend"),
    ("toggle-state", Action::ToggleState, "state of the peers at this line"),
    ("toggle-follow", Action::ToggleFollow, "follow the end"),
    ("toggle-help", Action::ToggleHelp, "these keys"),
    ("back", Action::Back, "undo: help, causes, search, filter"),
    ("quit", Action::Quit, "close"),
    ("toggle-theme", Action::ToggleTheme, "dark or light colours"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        for (at, one) in BINDINGS.iter().enumerate() {
            let same =
                |other: &&Binding<Action>| other.code == one.code && other.control == one.control;
            assert_eq!(BINDINGS[..at].iter().find(same).map(Binding::name), None);
        }
    }
}
