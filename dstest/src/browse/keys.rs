//! Keys as data: their actions, and the help made from them.

use pretty::view::binding::{self, Binding, control, key, special};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

/// Actions of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    /// Open the selected row.
    Open,
    /// Close the page.
    Close,
    /// Ask for a text that rows must have.
    AskFilter,
    Sort,
    /// The report of the selected run.
    Report,
    /// The selected run again, with its log switched on.
    Replay,
    /// The selected test with the seeds that follow.
    Rerun,
    /// Diff of the selected run and one that passed.
    Diff,
    /// Diff of the selected run and the same seed of another campaign, for example of another
    /// build.
    DiffBuilds,
    /// The command that repeats the run, into the clipboard.
    CopyReplay,
    /// The log in an editor.
    Edit,
    /// The log as a page for a browser.
    Export,
    /// A diagram of what led to the failure.
    ExportDiagram,
    /// Shrink the failure to a small case.
    Shrink,
    /// Marks the selected failure as known, or no longer.
    MarkKnown,
    /// Deletes the selected campaign, or the logs of the selected run.
    Delete,
    Help,
    Theme,
    ToggleMouse,
    Redraw,
    Suspend,
    Quit,
}

impl Action {
    /// `true` for actions on a run, which need one to be selected.
    pub(crate) const fn needs_run(self) -> bool {
        matches!(
            self,
            Self::Report
                | Self::Replay
                | Self::Rerun
                | Self::Diff
                | Self::DiffBuilds
                | Self::CopyReplay
                | Self::Edit
                | Self::Export
                | Self::ExportDiagram
                | Self::Shrink
                | Self::MarkKnown
        )
    }
}

/// All keys. Each action on a run has one without a meaning in the view of a log, which gets its keys
/// first.
const BINDINGS: [Binding<Action>; 44] = [
    key('j', Action::Down, "down"),
    special(KeyCode::Down, Action::Down, "down"),
    key('k', Action::Up, "up"),
    special(KeyCode::Up, Action::Up, "up"),
    key(' ', Action::PageDown, "screen down"),
    control('f', Action::PageDown, "screen down"),
    special(KeyCode::PageDown, Action::PageDown, "screen down"),
    control('b', Action::PageUp, "screen up"),
    special(KeyCode::PageUp, Action::PageUp, "screen up"),
    key('g', Action::First, "first"),
    special(KeyCode::Home, Action::First, "first"),
    key('G', Action::Last, "last"),
    special(KeyCode::End, Action::Last, "last"),
    special(KeyCode::Enter, Action::Open, "open"),
    special(KeyCode::Right, Action::Open, "open"),
    key('l', Action::Open, "open"),
    special(KeyCode::Esc, Action::Close, "back"),
    special(KeyCode::Left, Action::Close, "back"),
    special(KeyCode::Backspace, Action::Close, "back"),
    key('/', Action::AskFilter, "filter rows by text"),
    key('s', Action::Sort, "next sort order"),
    key('p', Action::Report, "failure report"),
    key('O', Action::Report, "failure report"),
    key('r', Action::Replay, "replay the run with VERBOSE"),
    key('R', Action::Rerun, "run the test with 200 seeds from this one on"),
    key('D', Action::Diff, "diff with a run that passed"),
    key('B', Action::DiffBuilds, "diff with the same seed of another campaign"),
    key('Y', Action::CopyReplay, "copy the replay command"),
    key('o', Action::Edit, "open the log in $EDITOR"),
    key('H', Action::Export, "write the log as an HTML page"),
    key('V', Action::ExportDiagram, "write a diagram of the failure"),
    key('S', Action::Shrink, "shrink the failure to a small case"),
    key('K', Action::MarkKnown, "mark the failure as known"),
    key('A', Action::MarkKnown, "mark the failure as known"),
    special(KeyCode::Delete, Action::Delete, "delete a campaign, or a run's logs"),
    key('?', Action::Help, "this help"),
    special(KeyCode::F(1), Action::Help, "this help"),
    key('c', Action::Theme, "toggle dark and light"),
    key('M', Action::ToggleMouse, "toggle the mouse"),
    control('l', Action::Redraw, "redraw"),
    control('z', Action::Suspend, "suspend"),
    key('q', Action::Quit, "close"),
    key('Q', Action::Quit, "close"),
    control('c', Action::Quit, "close"),
];

/// The action of a key.
pub(crate) fn action(event: KeyEvent) -> Option<Action> {
    BINDINGS.iter().find(|own| own.is_for(event)).map(|own| own.action)
}

/// The keys of the actions that are possible, and what they do.
pub(crate) fn help(is_possible: impl Fn(Action) -> bool) -> Vec<(String, &'static str)> {
    let lines = binding::help(&BINDINGS).into_iter();
    lines
        .filter(|(_, help)| BINDINGS.iter().any(|b| b.help == *help && is_possible(b.action)))
        .collect()
}

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

    #[test]
    fn every_key_is_in_the_help() {
        let help = help(|_| true);
        for binding in &BINDINGS {
            let line = help.iter().find(|(_, words)| *words == binding.help);
            assert!(line.is_some_and(|(keys, _)| keys.contains(&binding.name())));
        }
    }

    #[test]
    fn keys_for_runs_work_while_a_log_is_shown() {
        let taken = |own: &Binding<Action>| {
            pretty::view::BINDINGS
                .iter()
                .any(|other| other.code == own.code && other.control == own.control)
        };
        // These two are keys of the log with the same meaning.
        let shared =
            |own: &Binding<Action>| matches!(own.action, Action::Edit | Action::ExportDiagram);
        for own in BINDINGS.iter().filter(|own| own.action.needs_run() && !shared(own)) {
            let mut keys = BINDINGS.iter().filter(|other| other.action == own.action);
            assert!(!keys.all(taken), "{} means something to the log", own.name());
        }
    }
}
