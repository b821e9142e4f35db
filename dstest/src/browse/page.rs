//! The pages of the browser: lists of campaigns, tests, failures and runs; a log, a text, a diff.

use std::path::Path;

use pretty::view::{Outcome, Work};
use ratatui::crossterm::event::KeyEvent;

use super::campaign::{Campaign, RunFilter};
use super::diff_page::DiffPage;
use super::list::{AnyList, List, Row};
use super::log_page::LogPage;
use super::rows;
use super::text_page::TextPage;
use crate::record::Verdict;
use crate::store::CampaignDir;

/// One screen.
pub(crate) enum Page {
    Campaigns(List<CampaignDir>),
    Tests(List<usize>),
    Failures { test: usize, list: List<RunFilter> },
    Runs { test: usize, filter: RunFilter, list: List<usize> },
    Log(Box<LogPage>),
    Text(TextPage),
    Diff(Box<DiffPage>),
}

impl Page {
    /// The tests of a campaign.
    pub(crate) fn tests() -> Self {
        Self::Tests(List::new(rows::TESTS, rows::TEST_ORDERS))
    }

    /// All campaigns of a store.
    pub(crate) fn campaigns(campaigns: Vec<Row<CampaignDir>>) -> Self {
        let mut list = List::new(rows::CAMPAIGNS, rows::NO_ORDERS);
        list.set(campaigns);
        Self::Campaigns(list)
    }

    /// The list of the page; `None` for a log, a text or a diff.
    pub(crate) fn list(&self) -> Option<&dyn AnyList> {
        match self {
            Self::Campaigns(list) => Some(list),
            Self::Failures { list, .. } => Some(list),
            Self::Tests(list) | Self::Runs { list, .. } => Some(list),
            Self::Log(_) | Self::Text(_) | Self::Diff(_) => None,
        }
    }

    /// The list of the page, to change it.
    pub(crate) fn list_mut(&mut self) -> Option<&mut dyn AnyList> {
        match self {
            Self::Campaigns(list) => Some(list),
            Self::Failures { list, .. } => Some(list),
            Self::Tests(list) | Self::Runs { list, .. } => Some(list),
            Self::Log(_) | Self::Text(_) | Self::Diff(_) => None,
        }
    }

    /// The run that keys for runs act on: the selected one, or the first of the selected failure.
    pub(crate) fn selected_run(&self, campaign: &Campaign) -> Option<usize> {
        match self {
            Self::Campaigns(_) => None,
            Self::Tests(list) => campaign.first_failure(*list.selected()?),
            Self::Failures { test, list } => {
                campaign.runs_of(*test, list.selected()?).first().copied()
            }
            Self::Runs { list, .. } => list.selected().copied(),
            Self::Log(log) => Some(log.run),
            Self::Text(text) => text.run,
            Self::Diff(diff) => Some(diff.run),
        }
    }

    /// The test of that run, by the tally alone: quick enough for every drawing.
    pub(crate) fn tested(&self, campaign: &Campaign) -> Option<usize> {
        let has_failed = |test: &usize| {
            let test = &campaign.tally.tests()[*test];
            test.failed() + test.count(Verdict::Flaky) > 0
        };
        match self {
            Self::Campaigns(_) => None,
            Self::Tests(list) => list.selected().copied().filter(has_failed),
            Self::Failures { test, list } => list.selected().map(|_| *test),
            Self::Runs { test, list, .. } => list.selected().map(|_| *test),
            Self::Log(_) | Self::Text(_) | Self::Diff(_) => {
                self.selected_run(campaign).map(|run| campaign.runs[run].0)
            }
        }
    }

    /// Fills the list with the present rows.
    pub(crate) fn refresh(
        &mut self,
        campaign: &Campaign,
        campaigns: impl Fn() -> Vec<Row<CampaignDir>>,
    ) {
        match self {
            Self::Campaigns(list) => list.set(campaigns()),
            Self::Tests(list) => list.set(rows::tests(campaign)),
            Self::Failures { test, list } => list.set(rows::failures(campaign, *test)),
            Self::Runs { test, filter, list } => {
                list.set(rows::runs(campaign, &campaign.runs_of(*test, filter)));
            }
            Self::Log(_) | Self::Text(_) | Self::Diff(_) => {}
        }
    }

    /// Passes a key to the log or the text; `None` if it has no meaning there.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Option<Outcome> {
        let outcome = match self {
            Self::Log(log) => log.view.press(key),
            Self::Diff(diff) => diff.press(key),
            Self::Text(text) => return text.press(key).then_some(Outcome::Used),
            Self::Campaigns(_) | Self::Tests(_) | Self::Failures { .. } | Self::Runs { .. } => {
                return None;
            }
        };
        (outcome != Outcome::Unused).then_some(outcome)
    }

    /// The file of the log.
    pub(crate) fn file(&self) -> Option<&Path> {
        if let Self::Log(log) = self { Some(&log.path) } else { None }
    }

    /// Continues the work that the logs of the page do in pieces.
    pub(crate) fn work(&mut self) -> Work {
        match self {
            Self::Log(log) => log.view.work(),
            Self::Diff(diff) => diff.work(),
            Self::Campaigns(_)
            | Self::Tests(_)
            | Self::Failures { .. }
            | Self::Runs { .. }
            | Self::Text(_) => Work::Done,
        }
    }

    /// The name of the page in the path from the campaign down to it.
    pub(crate) fn title(&self, campaign: &Campaign) -> String {
        match self {
            Self::Campaigns(_) => "campaigns".to_owned(),
            Self::Tests(_) => {
                let (id, failed) = (&campaign.dir.short_id, campaign.tally.failed());
                format!("campaign {id}: {}, {failed} failed", campaign.completion().runs())
            }
            Self::Failures { test, .. } => campaign.file.tests[*test].name.clone(),
            Self::Runs { filter, .. } => campaign.filter_title(filter),
            Self::Log(log) => campaign.log_name(log.run, &log.path),
            Self::Text(text) => text.title.clone(),
            Self::Diff(diff) => format!("{} and {}", diff.names[0], diff.names[1]),
        }
    }

    /// The keys to show at the foot, with two spaces between them.
    pub(crate) const fn hints(&self) -> &'static str {
        match self {
            Self::Campaigns(_) => "Enter open  / filter  Delete delete  ? keys  q quit",
            Self::Tests(_) => {
                "Enter failures  p report  D diff with a pass  s sort  / filter  Esc campaigns  ? keys  q quit"
            }
            Self::Failures { .. } => {
                "Enter runs  p report  r replay  D diff with a pass  K known  ? keys  q back"
            }
            Self::Runs { .. } => {
                "Enter log  p report  r replay  R 200 seeds  D diff with a pass  Y copy  ? keys  q back"
            }
            Self::Log(_) => {
                "W causes only  P whole past  < cause  s state  D diff with a pass  O report  ? keys  q back"
            }
            Self::Text(_) => "↓ ↑ scroll  r replay  D diff with a pass  ? keys  q back",
            Self::Diff(_) => "n N differences  Tab other side  s state  ? keys of the log  q back",
        }
    }
}
