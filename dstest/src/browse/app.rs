//! The state of the browser: a stack of pages, changed by keys. Nothing here touches the terminal,
//! starts a process or waits; side effects are returned as an [`Effect`].

use std::path::PathBuf;

use pretty::Diagram;
use pretty::view::{Outcome, Work};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use ratatui::layout::Size;

use super::campaign::Campaign;
use super::colors::ColorScheme;
use super::keys::{self, Action};
use super::list::{AnyList, List, Row, Step};
use super::page::Page;
use super::rows;
use crate::store::{CampaignDir, Store, StoreError};
use crate::trust::Trust;

/// The browser.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) campaign: Campaign,
    /// Invariant: never empty.
    pub(crate) pages: Vec<Page>,
    pub(crate) colors: ColorScheme,
    /// Trust in programs of other users.
    pub(super) trust: Trust,
    pub(crate) size: Size,
    pub(crate) prompt: Option<String>,
    pub(crate) help: Option<usize>,
    /// The message of the last key.
    pub(crate) note: String,
    /// The task that is running.
    pub(crate) busy: Option<String>,
    /// The item that a second press of the same key deletes.
    pub(super) pending: Option<PendingDelete>,
}

/// A side effect, carried out by the browser's main loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Quit,
    Redraw,
    Suspend,
    ToggleMouse,
    Copy(String),
    /// Opens a file in an editor at a line, counted from 1.
    Edit(PathBuf, usize),
    /// Runs dstest with these arguments, for this purpose.
    Run(Vec<String>, Purpose),
    /// Writes a log as an HTML page.
    Export(PathBuf),
    /// Writes a diagram of a log.
    WriteDiagram(PathBuf, Box<Diagram>),
    /// Deletes a campaign's directory.
    DeleteCampaign(CampaignDir),
    /// Deletes the logs of a run.
    DeleteLogs(usize),
}

/// The purpose of a dstest process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open the log of a run.
    OpenLog { run: usize },
    /// To diff a run with another one; so many replays have been done for it.
    Compare { run: usize, with: ComparedWith, repeats: u8 },
    /// To replay a run.
    Replay { run: usize },
    /// To shrink a run.
    Shrink { run: usize },
    /// To run a new campaign.
    Rerun,
}

/// The other run of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComparedWith {
    /// This passed run of the same campaign.
    Passed(usize),
    /// The newest one of another campaign with the same test and seed.
    SameSeed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PendingDelete {
    Campaign(CampaignDir),
    Logs(usize),
}

impl App {
    /// A browser that shows the tests of a campaign, with a failing one selected.
    pub(crate) fn new(
        store: Store,
        dir: CampaignDir,
        colors: ColorScheme,
        trust: Trust,
    ) -> Result<Self, StoreError> {
        let campaign = Campaign::open(dir)?;
        let mut app = Self {
            store,
            campaign,
            pages: Vec::new(),
            colors,
            trust,
            size: Size::new(80, 24),
            prompt: None,
            help: None,
            note: String::new(),
            busy: None,
            pending: None,
        };
        app.note_damage();
        app.pages.push(Page::tests());
        app.refresh();
        app.select_worst();
        Ok(app)
    }

    /// The current page.
    pub(crate) fn page(&self) -> &Page {
        &self.pages[self.pages.len() - 1]
    }

    /// The current page, to change it.
    pub(crate) fn page_mut(&mut self) -> &mut Page {
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// The run that keys for runs act on.
    pub(crate) fn selected_run(&self) -> Option<usize> {
        self.page().selected_run(&self.campaign)
    }

    /// The reason why an action is impossible now; `None` if it is possible.
    pub(crate) fn unavailable(&self, action: Action) -> Option<&'static str> {
        if !action.needs_run() {
            return None;
        }
        let test = self.page().tested(&self.campaign).map(|at| &self.campaign.tally.tests()[at]);
        match test {
            None => Some("no run is selected"),
            Some(test) if action == Action::Diff && test.failed() == test.total() => {
                Some("no run of this test has passed; nothing to compare with")
            }
            Some(_) => None,
        }
    }

    /// Fills the list of the current page with the present rows.
    pub(crate) fn refresh(&mut self) {
        let Self { campaign, pages, store, .. } = self;
        if let Some(page) = pages.last_mut() {
            page.refresh(campaign, || campaign_rows(store));
        }
    }

    /// Continues the work that the logs of the page do in pieces.
    pub(crate) fn work(&mut self) -> Work {
        self.page_mut().work()
    }

    /// Reads what has been stored since the last call; `false` if nothing has.
    pub(crate) fn tick(&mut self) -> bool {
        let has_news = self.campaign.poll().unwrap_or(false);
        if has_news {
            self.refresh();
        }
        has_news
    }

    /// Takes a key.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Effect {
        if key.kind == KeyEventKind::Release {
            return Effect::None;
        }
        self.note.clear();
        if self.help.is_some() {
            return self.press_in_help(key);
        }
        if self.prompt.is_some() {
            self.type_key(key);
            return Effect::None;
        }
        let pending = self.pending.take();
        if let Some(effect) = self.press_in_page(key) {
            return effect;
        }
        keys::action(key).map_or(Effect::None, |action| self.act(action, pending.as_ref()))
    }

    /// Passes a key to the log or the text of the page; `None` if it has no meaning there.
    fn press_in_page(&mut self, key: KeyEvent) -> Option<Effect> {
        let outcome = self.page_mut().press(key)?;
        let file = self.page().file();
        Some(match outcome {
            Outcome::Unused | Outcome::Used => Effect::None,
            Outcome::Copy(text) => Effect::Copy(text),
            Outcome::Edit(line) => {
                file.map_or(Effect::None, |file| Effect::Edit(file.to_owned(), line + 1))
            }
            Outcome::Diagram(diagram) => {
                file.map_or(Effect::None, |file| Effect::WriteDiagram(file.to_owned(), diagram))
            }
            Outcome::ToggleMouse => Effect::ToggleMouse,
            Outcome::Redraw => Effect::Redraw,
            Outcome::Suspend => Effect::Suspend,
            Outcome::Quit => self.close(),
        })
    }

    fn act(&mut self, action: Action, pending: Option<&PendingDelete>) -> Effect {
        if let Some(reason) = self.unavailable(action) {
            return self.reject(reason);
        }
        let page = isize::from(i16::try_from(self.size.height.saturating_sub(4)).unwrap_or(1));
        match action {
            Action::Up => self.step(Step::Lines(-1)),
            Action::Down => self.step(Step::Lines(1)),
            Action::PageUp => self.step(Step::Lines(-page)),
            Action::PageDown => self.step(Step::Lines(page)),
            Action::First => self.step(Step::First),
            Action::Last => self.step(Step::Last),
            Action::Open => return self.open(),
            Action::Close => return self.close_or_up(),
            Action::AskFilter => self.prompt = self.filter().map(ToOwned::to_owned),
            Action::Sort => self.sort(),
            Action::Report => self.report(),
            Action::Replay => return self.replay(),
            Action::Rerun => return self.rerun(),
            Action::Diff => return self.diff(),
            Action::DiffBuilds => return self.diff_builds(),
            Action::CopyReplay => return self.copy_replay(),
            Action::Edit => return self.edit(),
            Action::Export => return self.export(),
            Action::ExportDiagram => return self.export_diagram(),
            Action::Shrink => return self.shrink(),
            Action::MarkKnown => self.mark_known(),
            Action::Delete => return self.delete(pending),
            Action::Help => self.help = Some(0),
            Action::Theme => self.toggle_theme(),
            Action::ToggleMouse => return Effect::ToggleMouse,
            Action::Redraw => return Effect::Redraw,
            Action::Suspend => return Effect::Suspend,
            Action::Quit => return self.close(),
        }
        Effect::None
    }

    /// Opens the selected row. A run that prints its trace is replayed first if its full log is
    /// missing; any other log is shown as it is.
    fn open(&mut self) -> Effect {
        match self.page() {
            Page::Campaigns(list) => {
                if let Some(dir) = list.selected().cloned() {
                    self.open_campaign(dir);
                }
            }
            Page::Tests(list) => {
                if let Some(test) = list.selected().copied() {
                    let list = List::new(rows::FAILURES, rows::NO_ORDERS);
                    self.push(Page::Failures { test, list });
                }
            }
            Page::Failures { test, list } => {
                if let (test, Some(filter)) = (*test, list.selected().cloned()) {
                    let list = List::new(rows::RUNS, rows::RUN_ORDERS);
                    self.push(Page::Runs { test, filter, list });
                }
            }
            Page::Runs { list, .. } => {
                if let Some(run) = list.selected().copied() {
                    return self.open_or_replay(run);
                }
            }
            Page::Log(_) | Page::Text(_) | Page::Diff(_) => {}
        }
        Effect::None
    }

    pub(super) fn open_campaign(&mut self, dir: CampaignDir) {
        match Campaign::open(dir) {
            Ok(campaign) => {
                self.campaign = campaign;
                self.note_damage();
                self.push(Page::tests());
                self.select_worst();
            }
            Err(error) => self.note = error.to_string(),
        }
    }

    /// Closes the page; closing the last one closes the browser.
    fn close(&mut self) -> Effect {
        if self.pages.len() == 1 {
            return Effect::Quit;
        }
        self.pages.pop();
        self.refresh();
        Effect::None
    }

    /// Closes the page; above a campaign's tests are all campaigns.
    fn close_or_up(&mut self) -> Effect {
        if !self.filter().unwrap_or_default().is_empty() {
            self.set_filter("");
            return Effect::None;
        }
        match (self.pages.len(), self.page()) {
            (1, Page::Tests(_)) => {
                self.show_campaigns();
                Effect::None
            }
            (1, _) => {
                self.note = "q quits".to_owned();
                Effect::None
            }
            _ => self.close(),
        }
    }

    /// Shows all campaigns, with the present one selected, and nothing above them.
    pub(super) fn show_campaigns(&mut self) {
        let mut page = Page::campaigns(campaign_rows(&self.store));
        if let Page::Campaigns(list) = &mut page {
            list.select(&self.campaign.dir);
        }
        self.pages = vec![page];
    }

    pub(super) fn push(&mut self, page: Page) {
        self.pages.push(page);
        self.refresh();
    }

    fn select_worst(&mut self) {
        let tests = self.campaign.tally.tests().iter().enumerate();
        let worst = tests.max_by_key(|(at, test)| (test.failed(), std::cmp::Reverse(*at)));
        let worst = worst.map(|(at, _)| at);
        if let (Some(worst), Page::Tests(list)) = (worst, self.page_mut()) {
            list.select(&worst);
        }
    }

    fn note_damage(&mut self) {
        let unreadable = self.campaign.unreadable();
        if unreadable > 0 {
            self.note = format!("{unreadable} unreadable lines in events.jsonl");
        }
    }

    fn toggle_theme(&mut self) {
        self.colors.toggle();
    }

    pub(super) fn reject(&mut self, reason: &str) -> Effect {
        reason.clone_into(&mut self.note);
        Effect::None
    }

    fn press_in_help(&mut self, key: KeyEvent) -> Effect {
        let at = self.help.unwrap_or(0);
        self.help = match keys::action(key) {
            Some(Action::Down) => Some(at + 1),
            Some(Action::Up) => Some(at.saturating_sub(1)),
            Some(_) | None => None,
        };
        Effect::None
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most keys mean nothing in a prompt")]
    fn type_key(&mut self, key: KeyEvent) {
        let mut text = self.prompt.take().unwrap_or_default();
        match key.code {
            KeyCode::Enter => return,
            KeyCode::Esc => text.clear(),
            KeyCode::Backspace => {
                text.pop();
                self.prompt = Some(text.clone());
            }
            KeyCode::Char(c) => {
                text.push(c);
                self.prompt = Some(text.clone());
            }
            _ => self.prompt = Some(text.clone()),
        }
        self.set_filter(&text);
    }

    /// Moves the selection of the list.
    pub(crate) fn step(&mut self, step: Step) {
        if let Some(list) = self.page_mut().list_mut() {
            list.step(step);
        }
    }

    fn sort(&mut self) {
        if let Some(list) = self.page_mut().list_mut() {
            self.note = format!("sorted by {}", list.next_order());
        }
    }

    /// The filter of the current list; `None` if the page has no list.
    pub(crate) fn filter(&self) -> Option<&str> {
        self.pages.last()?.list().map(AnyList::filter)
    }

    fn set_filter(&mut self, filter: &str) {
        if let Some(list) = self.page_mut().list_mut() {
            list.set_filter(filter);
        }
    }

    /// Selects the row of the list at this line of the screen; `false` if it is empty.
    pub(crate) fn click(&mut self, row: usize) -> bool {
        self.page_mut().list_mut().is_some_and(|list| list.click(row))
    }
}

fn campaign_rows(store: &Store) -> Vec<Row<CampaignDir>> {
    store.campaigns().iter().rev().map(rows::campaign).collect()
}
