//! The state of the browser: a stack of pages, and what keys do to it. Nothing here touches the
//! terminal, starts a process or waits: what the world has to do is an [`Effect`].

use std::path::PathBuf;

use pretty::view::{Outcome, Work};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use ratatui::layout::Size;

use super::campaign::{Campaign, RunFilter};
use super::colors::ColorScheme;
use super::diff_page::DiffPage;
use super::keys::{self, Action};
use super::list::{List, Row, Step};
use super::log_page::LogPage;
use super::rows;
use super::text_page::TextPage;
use crate::store::{CampaignDir, Store, StoreError};

/// The browser.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) campaign: Campaign,
    /// Invariant: never empty.
    pub(crate) pages: Vec<Page>,
    pub(crate) colors: ColorScheme,
    pub(crate) size: Size,
    pub(crate) prompt: Option<String>,
    pub(crate) help: Option<usize>,
    /// What the last key has to say.
    pub(crate) note: String,
    /// What is being done meanwhile, in words.
    pub(crate) busy: Option<String>,
    /// What a second press of the same key deletes.
    pub(super) pending: Option<PendingDelete>,
}

/// One screen.
pub(crate) enum Page {
    Campaigns(List<CampaignDir>),
    Tests(List<usize>),
    Failures { test: usize, list: List<RunFilter> },
    Runs { test: usize, which: RunFilter, list: List<usize> },
    Log(Box<LogPage>),
    Text(TextPage),
    Diff(Box<DiffPage>),
}

/// Something that the world has to do.
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
    /// Runs dstest with these arguments, and comes back with what it was for.
    Run(Vec<String>, Purpose),
    /// Writes a log as a page.
    Export(PathBuf),
    /// Deletes a campaign's directory.
    DeleteCampaign(CampaignDir),
    /// Deletes what is kept of a run.
    DeleteLogs(usize),
}

/// What a run of dstest is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its log is to be looked at.
    OpenLog { run: usize },
    /// It is to be beside another; so many runs have been repeated for it.
    Compare { run: usize, with: ComparedWith, repeats: u8 },
    /// It has been asked for again.
    Replay { run: usize },
    /// It is made small.
    Shrink { run: usize },
    /// A new campaign.
    Rerun,
}

/// Which run another is put beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComparedWith {
    /// This one of the same campaign.
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
    ) -> Result<Self, StoreError> {
        let campaign = Campaign::open(dir)?;
        let mut app = Self {
            store,
            campaign,
            pages: Vec::new(),
            colors,
            size: Size::new(80, 24),
            prompt: None,
            help: None,
            note: String::new(),
            busy: None,
            pending: None,
        };
        app.note_damage();
        app.pages.push(Page::Tests(List::new(rows::TESTS, rows::TEST_ORDERS)));
        app.refresh();
        app.select_worst();
        Ok(app)
    }

    /// What lies open.
    pub(crate) fn page(&mut self) -> &mut Page {
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Takes in what has been stored since.
    pub(crate) fn tick(&mut self) {
        if self.campaign.poll().unwrap_or(false) {
            self.refresh();
        }
    }

    /// Goes on with what the logs that are open do in pieces.
    pub(crate) fn work(&mut self) -> Work {
        match self.page() {
            Page::Log(log) => log.view.work(),
            Page::Diff(diff) => diff.work(),
            Page::Campaigns(_)
            | Page::Tests(_)
            | Page::Failures { .. }
            | Page::Runs { .. }
            | Page::Text(_) => Work::Done,
        }
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

    /// What the log or the text of the page makes of a key; `None` if it is not for it.
    fn press_in_page(&mut self, key: KeyEvent) -> Option<Effect> {
        let (outcome, file) = match self.page() {
            Page::Log(log) => (log.press(key), Some(log.path.clone())),
            Page::Diff(diff) => (diff.press(key), None),
            Page::Text(text) => return text.press(key).then_some(Effect::None),
            Page::Campaigns(_) | Page::Tests(_) | Page::Failures { .. } | Page::Runs { .. } => {
                return None;
            }
        };
        Some(match outcome {
            Outcome::Unused => return None,
            Outcome::Used => Effect::None,
            Outcome::Copy(text) => Effect::Copy(text),
            Outcome::Edit(line) => file.map_or(Effect::None, |file| Effect::Edit(file, line + 1)),
            Outcome::ToggleMouse => Effect::ToggleMouse,
            Outcome::Redraw => Effect::Redraw,
            Outcome::Suspend => Effect::Suspend,
            Outcome::Quit => self.close(),
        })
    }

    fn act(&mut self, action: Action, pending: Option<&PendingDelete>) -> Effect {
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

    /// The run that keys for runs mean: the selected one, or the first of what is selected.
    pub(crate) fn run(&mut self) -> Option<usize> {
        let failed = |campaign: &Campaign, test: usize| {
            let groups = campaign.tally.groups().iter();
            let mut of_test = groups.enumerate().filter(|(_, group)| group.test == test);
            of_test
                .next()
                .and_then(|(at, _)| campaign.runs_of(test, &RunFilter::Failed(at)).first().copied())
        };
        let last = self.pages.len() - 1;
        match &self.pages[last] {
            Page::Campaigns(_) => None,
            Page::Tests(list) => failed(&self.campaign, *list.selected()?),
            Page::Failures { test, list } => {
                self.campaign.runs_of(*test, list.selected()?).first().copied()
            }
            Page::Runs { list, .. } => list.selected().copied(),
            Page::Log(log) => Some(log.run),
            Page::Text(text) => text.run,
            Page::Diff(diff) => Some(diff.run),
        }
    }

    /// Goes into what is selected. A run that tells its trace is repeated for its log, if there is
    /// no full one yet; any other log is shown as it is.
    fn open(&mut self) -> Effect {
        let last = self.pages.len() - 1;
        match &self.pages[last] {
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
                if let (test, Some(which)) = (*test, list.selected().cloned()) {
                    let list = List::new(rows::RUNS, rows::RUN_ORDERS);
                    self.push(Page::Runs { test, which, list });
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
                self.push(Page::Tests(List::new(rows::TESTS, rows::TEST_ORDERS)));
                self.select_worst();
            }
            Err(error) => self.note = error.to_string(),
        }
    }

    /// Leaves the page; the last one closes the browser.
    fn close(&mut self) -> Effect {
        if self.pages.len() == 1 {
            return Effect::Quit;
        }
        self.pages.pop();
        self.refresh();
        Effect::None
    }

    /// Leaves the page; above a campaign's tests are all campaigns.
    fn close_or_up(&mut self) -> Effect {
        if !self.filter().unwrap_or_default().is_empty() {
            self.set_filter("");
            return Effect::None;
        }
        match (self.pages.len(), self.page()) {
            (1, Page::Tests(_)) => {
                self.pages.clear();
                let mut list = List::new(rows::CAMPAIGNS, rows::NO_ORDERS);
                list.set(self.campaigns());
                list.select(&self.campaign.dir);
                self.pages.push(Page::Campaigns(list));
                Effect::None
            }
            (1, _) => {
                self.note = "q closes the browser".to_owned();
                Effect::None
            }
            _ => self.close(),
        }
    }

    pub(super) fn campaigns(&self) -> Vec<Row<CampaignDir>> {
        self.store.campaigns().iter().rev().map(rows::campaign).collect()
    }

    pub(super) fn push(&mut self, page: Page) {
        self.pages.push(page);
        self.refresh();
    }

    /// Fills the list on top with what is known now.
    pub(crate) fn refresh(&mut self) {
        let campaigns = self.campaigns_if_shown();
        let Self { campaign, pages, .. } = self;
        match pages.last_mut() {
            Some(Page::Campaigns(list)) => list.set(campaigns),
            Some(Page::Tests(list)) => list.set(rows::tests(campaign)),
            Some(Page::Failures { test, list }) => list.set(rows::failures(campaign, *test)),
            Some(Page::Runs { test, which, list }) => {
                list.set(rows::runs(campaign, &campaign.runs_of(*test, which)));
            }
            Some(Page::Log(_) | Page::Text(_) | Page::Diff(_)) | None => {}
        }
    }

    fn campaigns_if_shown(&self) -> Vec<Row<CampaignDir>> {
        match self.pages.last() {
            Some(Page::Campaigns(_)) => self.campaigns(),
            Some(_) | None => Vec::new(),
        }
    }

    fn select_worst(&mut self) {
        let tests = self.campaign.tally.tests().iter().enumerate();
        let worst = tests.max_by_key(|(at, test)| (test.failed(), std::cmp::Reverse(*at)));
        let worst = worst.map(|(at, _)| at);
        if let (Some(worst), Page::Tests(list)) = (worst, self.page()) {
            list.select(&worst);
        }
    }

    fn note_damage(&mut self) {
        let unreadable = self.campaign.unreadable();
        if unreadable > 0 {
            self.note = format!("{unreadable} lines of events.jsonl cannot be read");
        }
    }

    fn toggle_theme(&mut self) {
        self.colors.toggle();
    }

    pub(super) fn reject(&mut self, why: &str) -> Effect {
        why.clone_into(&mut self.note);
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
}

/// The same for the list of whatever page lies open.
macro_rules! on_list {
    ($page:expr, $list:ident => $body:expr, $otherwise:expr) => {
        match $page {
            Page::Campaigns($list) => $body,
            Page::Tests($list) => $body,
            Page::Failures { list: $list, .. } => $body,
            Page::Runs { list: $list, .. } => $body,
            Page::Log(_) | Page::Text(_) | Page::Diff(_) => $otherwise,
        }
    };
}

impl App {
    pub(crate) fn step(&mut self, step: Step) {
        on_list!(self.page(), list => list.step(step), ());
    }

    fn sort(&mut self) {
        let order = on_list!(self.page(), list => Some(list.next_order()), None);
        if let Some(order) = order {
            self.note = format!("sorted by {order}");
        }
    }

    /// The filter of the list that lies open; `None` if it is no list.
    pub(crate) fn filter(&self) -> Option<&str> {
        let last = self.pages.last()?;
        on_list!(last, list => Some(list.filter()), None)
    }

    fn set_filter(&mut self, filter: &str) {
        on_list!(self.page(), list => list.set_filter(filter), ());
    }

    /// A click on a row of the list, counted from its first; says whether something was there.
    pub(crate) fn click(&mut self, row: usize) -> bool {
        on_list!(self.page(), list => list.click(row), false)
    }
}
