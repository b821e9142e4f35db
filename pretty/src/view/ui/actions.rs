//! Actions of keys, and the default keys.

use crate::view::cause::index::CausalFilter;

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
    /// Switches the peer with this number in its name off or on; among peers without numbers the
    /// one in this column, counted from 1.
    TogglePeer(u8),
    /// Switches the topic of the selected event off.
    HideTopic,
    /// Opens a menu.
    OpenMenu(Menu),
    /// Shows everything again.
    ShowAll,
    /// Shows or hides the state of the peers.
    ToggleState,
    /// Scrolls the state of the peers a row up.
    StateUp,
    /// Scrolls it a row down.
    StateDown,
    /// Shows or hides the timeline of terms, leaders and errors.
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
    /// Asks the embedding program to keep a diagram of the lines around the selected one.
    ExportDiagram,
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

/// A menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Topics.
    Topics,
    /// Peers.
    Peers,
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
    /// To the next anomaly: a second leader, a commit index that decreases.
    NextAnomaly,
    /// To the previous anomaly.
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

/// The actions a key can be bound to: name in a configuration, action, text of the help, and
/// default keys.
///
/// The digits come on top: they hide or show a peer.
pub const ACTIONS: [(&str, Action, &str, &str); 51] = [
    ("down", Action::Down, "line down", "j down"),
    ("up", Action::Up, "line up", "k up"),
    ("page-down", Action::PageDown, "screen down", "space f ctrl-f page-down"),
    ("page-up", Action::PageUp, "screen up", "b ctrl-b page-up"),
    ("half-down", Action::HalfDown, "half a screen down", "d ctrl-d"),
    ("half-up", Action::HalfUp, "half a screen up", "u ctrl-u"),
    ("first", Action::First, "first line", "g home"),
    ("last", Action::Last, "last line", "G end"),
    ("go-to", Action::AskGoTo, "go to a line, or @time", ":"),
    ("search", Action::AskSearch, "search", "/"),
    ("next-match", Action::Jump(Jump::NextMatch), "next match", "n"),
    ("previous-match", Action::Jump(Jump::PreviousMatch), "previous match", "N"),
    ("search-alike", Action::SearchAlike, "search lines like this one", "*"),
    ("filter", Action::AskFilter, "show only matches; &!x: all others", "&"),
    ("next-error", Action::Jump(Jump::NextError), "next failure, panic or race", "e"),
    ("previous-error", Action::Jump(Jump::PreviousError), "previous failure, panic or race", "E"),
    ("next-term", Action::Jump(Jump::NextTerm), "next term", "t"),
    ("previous-term", Action::Jump(Jump::PreviousTerm), "previous term", "T"),
    ("next-leader", Action::Jump(Jump::NextLeader), "next leader", "l"),
    ("previous-leader", Action::Jump(Jump::PreviousLeader), "previous leader", "L"),
    ("next-anomaly", Action::Jump(Jump::NextAnomaly), "next anomaly", "!"),
    ("previous-anomaly", Action::Jump(Jump::PreviousAnomaly), "previous anomaly", "@"),
    ("next-test", Action::Jump(Jump::NextTest), "next test line", "} x"),
    ("previous-test", Action::Jump(Jump::PreviousTest), "previous test line", "{ X"),
    ("other-end", Action::Jump(Jump::OtherEnd), "other end of the message", "%"),
    ("cause", Action::Jump(Jump::Cause), "nearest cause of this line", "<"),
    (
        "led-to",
        Action::ToggleCausalFilter(CausalFilter::DirectCauses),
        "only the direct causes",
        "W",
    ),
    ("past", Action::ToggleCausalFilter(CausalFilter::CausalPast), "only the causal past", "P"),
    ("hide-topic", Action::HideTopic, "hide this line's topic", "i"),
    ("show-all", Action::ShowAll, "show all peers and topics", "a"),
    ("menu", Action::OpenMenu(Menu::Topics), "menu of topics", "I"),
    ("peer-menu", Action::OpenMenu(Menu::Peers), "menu of peers", "C"),
    ("mark", Action::Mark, "mark with a letter", "m"),
    ("go-to-mark", Action::GoToMark, "go to a mark; '' goes back", "'"),
    ("toggle-fold", Action::ToggleFold, "fold repeats", "z"),
    ("toggle-wrap", Action::ToggleWrap, "wrap long lines", "w"),
    ("toggle-timeline", Action::ToggleTimeline, "timeline of terms and leaders", "v"),
    ("copy", Action::Copy, "copy this line", "y"),
    ("export-diagram", Action::ExportDiagram, "write a diagram around this line", "V"),
    ("edit", Action::Edit, "open in $EDITOR at this line", "o"),
    ("toggle-mouse", Action::ToggleMouse, "give the mouse to the terminal", "M"),
    ("toggle-theme", Action::ToggleTheme, "dark or light colours", "c"),
    ("redraw", Action::Redraw, "redraw", "ctrl-l"),
    ("suspend", Action::Suspend, "suspend", "ctrl-z"),
    ("toggle-state", Action::ToggleState, "state of the peers at this line", "s"),
    ("state-down", Action::StateDown, "scroll the state", "]"),
    ("state-up", Action::StateUp, "scroll the state", "["),
    ("toggle-follow", Action::ToggleFollow, "follow the end", "F"),
    ("toggle-help", Action::ToggleHelp, "these keys", "? h f1"),
    ("back", Action::Back, "undo: help, causes, search, filter", "esc backspace"),
    ("quit", Action::Quit, "close", "q Q ctrl-c f10"),
];
