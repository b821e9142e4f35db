//! Keys → changes of the state. Nothing here draws.

use ratatui::crossterm::event::{KeyEvent, KeyEventKind};
use regex::Regex;

use crate::diagram::Diagram;
use crate::peer::trailing_number;
use crate::style::theme::Background;
use crate::text::safe_text;
use crate::view::filter::folding::Folding;
use crate::view::log::ids::PeerId;
use crate::view::log::scan::Keep;
use crate::view::log_view::{Follow, LogView, Pane};
use crate::view::ui::actions::Action;
use crate::view::ui::marks::PendingKey;
use crate::view::ui::prompt::{Prompt, PromptKey, PromptKind};

/// The result of a key, which may be a request to the embedding program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The view has used it.
    Used,
    /// It has no meaning here: the embedding program may use it.
    Unused,
    /// A request to copy this text to the clipboard.
    Copy(String),
    /// A request to open an editor at this line, counted from 0.
    Edit(usize),
    /// A request to write this diagram to a file.
    Diagram(Box<Diagram>),
    /// A request to give the mouse to the terminal, or to take it back.
    ToggleMouse,
    /// A request to redraw everything.
    Redraw,
    /// A request to suspend the program.
    Suspend,
    /// A request to close the view.
    Quit,
}

impl LogView {
    /// Takes a key.
    pub fn press(&mut self, event: KeyEvent) -> Outcome {
        if event.kind == KeyEventKind::Release {
            return Outcome::Unused;
        }
        if self.prompt.is_some() {
            self.press_prompt_key(event);
            return Outcome::Used;
        }
        if let Some(pending) = self.marks.pending.take() {
            self.press_mark_key(pending, event);
            return Outcome::Used;
        }
        if let Pane::Menu(menu) = self.pane
            && self.press_menu_key(menu, event)
        {
            return Outcome::Used;
        }
        if self.pane == Pane::Help && self.press_help_key(event) {
            return Outcome::Used;
        }
        self.keys.action(event).map_or(Outcome::Unused, |action| self.apply(action))
    }

    /// Performs an action, or returns a request to the embedding program.
    pub fn apply(&mut self, action: Action) -> Outcome {
        self.note.clear();
        if let Some(search) = &mut self.search {
            search.pending = None;
        }
        let page = isize::try_from(self.body_rows()).unwrap_or(isize::MAX);
        match action {
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::PageUp => self.move_by(-page),
            Action::PageDown => self.move_by(page),
            Action::HalfUp => self.move_by(-page / 2),
            Action::HalfDown => self.move_by(page / 2),
            Action::First => self.go_to_line(0),
            Action::Last => self.go_to_end(),
            Action::AskSearch => self.prompt = Some(Prompt::new(PromptKind::Search)),
            Action::SearchAlike => self.search_alike(),
            Action::AskFilter => self.prompt = Some(Prompt::new(PromptKind::Filter)),
            Action::AskGoTo => self.prompt = Some(Prompt::new(PromptKind::GoTo)),
            Action::Jump(jump) => self.jump(jump),
            Action::TogglePeer(column) => self.toggle_peer(column),
            Action::HideTopic => self.hide_topic(),
            Action::ShowAll => self.show_all(),
            Action::OpenMenu(menu) => self.open_menu(menu),
            Action::Mark => self.await_mark(PendingKey::Mark),
            Action::GoToMark => self.await_mark(PendingKey::GoTo),
            Action::ToggleFold => self.toggle_fold(),
            Action::ToggleWrap => self.toggle_wrap(),
            Action::ToggleTimeline => self.toggle_timeline(),
            Action::ToggleState => self.toggle(Pane::State),
            Action::StateUp => self.scroll_state(-1),
            Action::StateDown => self.scroll_state(1),
            Action::ToggleCausalFilter(filter) => self.toggle_causal_filter(filter),
            Action::ToggleHelp => self.toggle(Pane::Help),
            Action::ToggleFollow => self.toggle_follow(),
            Action::Back => self.back(),
            Action::Copy => return self.copy(),
            Action::Edit => return self.cursor().map_or(Outcome::Used, Outcome::Edit),
            Action::ExportDiagram => return self.export_diagram(),
            Action::ToggleMouse => return Outcome::ToggleMouse,
            Action::ToggleTheme => self.toggle_theme(),
            Action::Redraw => return Outcome::Redraw,
            Action::Suspend => return Outcome::Suspend,
            Action::Quit => return Outcome::Quit,
        }
        Outcome::Used
    }

    /// Shows a note in the status line until the next key.
    pub fn set_note(&mut self, note: &str) {
        self.note = safe_text(note.as_bytes());
    }

    fn export_diagram(&mut self) -> Outcome {
        match self.diagram() {
            Ok(diagram) => Outcome::Diagram(Box::new(diagram)),
            Err(error) => {
                self.note = format!("no diagram: {error}");
                Outcome::Used
            }
        }
    }

    fn copy(&mut self) -> Outcome {
        let Some(line) = self.cursor() else {
            return Outcome::Used;
        };
        "copied".clone_into(&mut self.note);
        Outcome::Copy(String::from_utf8_lossy(&self.store.text(line)).into_owned())
    }

    fn toggle_fold(&mut self) {
        let fold = self.folding.is_none();
        self.folding = fold.then(Folding::default);
        self.refilter();
        let note = if fold { "repeats folded" } else { "repeats shown" };
        note.clone_into(&mut self.note);
    }

    fn toggle_wrap(&mut self) {
        self.wrap.toggle();
        self.scroll_to_cursor();
        self.fill_screen();
    }

    /// The background itself is the terminal's: this is for one that could not be found out.
    fn toggle_theme(&mut self) {
        self.background = self.background.other();
        self.theme = self.theme.on(self.background);
        let note = match self.background {
            Background::Dark => "colours for a dark background",
            Background::Light => "colours for a light background",
        };
        note.clone_into(&mut self.note);
    }

    fn toggle_timeline(&mut self) {
        self.timeline.toggle();
        self.scroll_to_cursor();
        self.fill_screen();
    }

    /// Goes to a line, or the nearest one after it that is shown.
    pub(crate) fn go_to_line(&mut self, line: usize) {
        let last = self.visible.previous(self.store.len());
        self.cursor = self.visible.next(line).or(last).unwrap_or(0);
        self.chosen = self.cursor;
        if last.is_some_and(|last| self.cursor < last) {
            self.follow = Follow::Off;
        }
        self.scroll_to_cursor();
    }

    /// Goes to the last line; while the log is still being read, to what will be the last one.
    fn go_to_end(&mut self) {
        self.go_to_line(usize::MAX);
        if self.follow == Follow::Off && !self.busy.is_empty() {
            self.follow = Follow::UntilRead;
        }
    }

    /// The same for a line that may be far away: unless it is on the screen already, it is shown
    /// with what surrounds it.
    pub(crate) fn jump_to_line(&mut self, line: usize) {
        let top = self.top;
        self.go_to_line(line);
        if self.top != top {
            self.center();
        }
    }

    pub(crate) fn move_by(&mut self, lines: isize) {
        let last = self.visible.len().saturating_sub(1);
        let position = self.visible.position(self.cursor).saturating_add_signed(lines).min(last);
        if let Some(line) = self.visible.line(position) {
            self.go_to_line(line);
        }
    }

    /// Moves the screen as little as possible so that the selected line is on it.
    pub(crate) fn scroll_to_cursor(&mut self) {
        self.top = self.top.min(self.cursor);
        let mut first = self.cursor;
        let mut room = self.body_rows().saturating_sub(self.rows_of(first));
        while let Some(before) = self.visible.previous(first).filter(|line| *line >= self.top) {
            let Some(less) = room.checked_sub(self.rows_of(before)) else {
                break;
            };
            room = less;
            first = before;
        }
        self.top = first;
    }

    /// Puts the selected line into the middle of the screen.
    pub(crate) fn center(&mut self) {
        let mut room = self.body_rows().saturating_sub(self.rows_of(self.cursor)) / 2;
        self.top = self.cursor;
        while let Some(before) = self.visible.previous(self.top) {
            let Some(less) = room.checked_sub(self.rows_of(before)) else {
                break;
            };
            room = less;
            self.top = before;
        }
        self.fill_screen();
    }

    /// Scrolls back as far as there is empty room below the last line.
    pub(crate) fn fill_screen(&mut self) {
        let mut room = self.body_rows();
        let mut next = self.visible.next(self.top);
        while let Some(line) = next {
            let Some(less) = room.checked_sub(self.rows_of(line)) else {
                return;
            };
            room = less;
            next = self.visible.next(line + 1);
        }
        while let Some(before) = self.visible.previous(self.top) {
            let Some(less) = room.checked_sub(self.rows_of(before)) else {
                return;
            };
            room = less;
            self.top = before;
        }
    }

    fn press_prompt_key(&mut self, event: KeyEvent) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        match prompt.press(event) {
            PromptKey::Continue => {}
            PromptKey::Cancel => self.prompt = None,
            PromptKey::Submit => {
                if let Some(prompt) = self.prompt.take() {
                    self.submit_prompt(&prompt);
                }
            }
        }
    }

    fn submit_prompt(&mut self, prompt: &Prompt) {
        let (keep, text) = match (prompt.kind, prompt.text.strip_prefix('!')) {
            (PromptKind::Filter, Some(others)) => (Keep::Others, others),
            _ => (Keep::Matches, &*prompt.text),
        };
        let expression = match prompt.kind {
            PromptKind::GoTo => return self.go_to_place(&prompt.text),
            PromptKind::Search | PromptKind::Filter if text.is_empty() => None,
            PromptKind::Search | PromptKind::Filter => match Regex::new(text) {
                Ok(regex) => Some(regex),
                Err(_) => {
                    self.note = format!("invalid regular expression {text:?}");
                    return;
                }
            },
        };
        if prompt.kind == PromptKind::Filter {
            return self.set_regex_filter(expression.map(|regex| (keep, regex)));
        }
        self.start_search(expression);
    }

    fn toggle_peer(&mut self, digit: u8) {
        let Some(peer) = self.peer_of_digit(digit) else {
            self.note = format!("no peer {digit}; C opens the menu of peers");
            return;
        };
        let name = self.store.peers.safe_name(peer.0);
        if self.hidden.peers.remove(&peer) {
            self.note = format!("peer {name} shown");
        } else {
            self.hidden.peers.insert(peer);
            self.note = format!("peer {name} hidden; a shows all");
        }
        self.refilter();
    }

    /// The first peer with this number at the end of its name; if no name has a number, the peer
    /// in this column, counted from 1.
    fn peer_of_digit(&self, digit: u8) -> Option<PeerId> {
        let order = self.store.peer_order();
        let number = |peer: &PeerId| trailing_number(self.store.peers.name(peer.0));
        if order.iter().any(|peer| number(peer).is_some()) {
            return order.into_iter().find(|peer| number(peer) == Some(u64::from(digit)));
        }
        order.get(usize::from(digit).checked_sub(1)?).copied()
    }

    fn hide_topic(&mut self) {
        let event = self.cursor().and_then(|line| self.store.kind(line).event());
        if let Some((topic, _)) = event {
            self.note = format!("{} hidden; a shows all", self.store.topics.safe_name(topic.0));
            self.hidden.topics.insert(topic);
            self.refilter();
        }
    }

    fn show_all(&mut self) {
        self.hidden.topics.clear();
        self.hidden.peers.clear();
        self.refilter();
    }

    fn toggle(&mut self, pane: Pane) {
        self.menu = 0;
        self.pane = if self.pane == pane { Pane::None } else { pane };
        if self.pane == Pane::State && self.state_rows() == 0 {
            "no room for the state".clone_into(&mut self.note);
        }
        self.scroll_to_cursor();
        self.fill_screen();
    }

    fn toggle_follow(&mut self) {
        match self.follow {
            Follow::On => self.stop_following(),
            Follow::Off | Follow::UntilRead => {
                self.follow = Follow::On;
                self.go_to_line(usize::MAX);
            }
        }
    }

    /// Stays where the view is now.
    pub(crate) fn stop_following(&mut self) {
        self.follow = Follow::Off;
        self.chosen = self.cursor;
    }

    fn back(&mut self) {
        if self.pane != Pane::None {
            self.toggle(self.pane);
        } else if self.hidden_lines.is_some() {
            self.show_hidden_lines();
        } else if self.search.take().is_none() && self.regex_filter.is_some() {
            self.set_regex_filter(None);
        }
    }
}
