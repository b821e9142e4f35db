//! Actions on a run: its log, a replay, a shrink, a diff with another run. Slow work and side
//! effects are an [`Effect`], whose result comes back in [`App::on_finished`].

use std::path::{Path, PathBuf};

use super::app::{App, ComparedWith, Effect, PendingDelete, Purpose};
use super::campaign::{Campaign, LogKind};
use super::diff_page::DiffPage;
use super::log_page::LogPage;
use super::page::Page;
use super::text_page::TextPage;
use crate::record::RunRecord;
use crate::store::open_dir::{CASE_BYTES_MAX, read_text};
use crate::store::{CampaignDir, StoreError, log_path};
use crate::suite::Test;
use crate::text::style::Paint;
use crate::trust::Trust;

impl App {
    /// Shows the result of a dstest process, which ended with this exit code.
    pub(crate) fn on_finished(&mut self, purpose: &Purpose, code: Option<i32>) -> Effect {
        self.busy = None;
        self.tick();
        let differed = code == Some(i32::from(crate::exit::Exit::Differed.code()));
        match *purpose {
            Purpose::OpenLog { run } => self.open_log(run),
            Purpose::Replay { run } => {
                if matches!(self.page(), Page::Log(_)) {
                    self.pages.pop();
                }
                let newest = self.campaign.attempts_of(run).next_back();
                match newest.and_then(|attempt| attempt.log).filter(|log| log.is_file()) {
                    Some(log) => self.open_file(run, log),
                    None => self.open_log(run),
                }
            }
            Purpose::Compare { run, with, repeats } => {
                return self.compare(run, with, repeats);
            }
            Purpose::Shrink { run } => self.open_case(run),
            Purpose::Rerun => self.open_newest(),
        }
        if differed {
            let shown =
                if matches!(purpose, Purpose::Replay { .. }) { "replay" } else { "run itself" };
            self.note = format!("the result differs; this is the log of the {shown}");
        }
        Effect::None
    }

    /// Shows the shrunk case of a run, or the reason why it is missing.
    fn open_case(&mut self, run: usize) {
        let (test, record) = &self.campaign.runs[run];
        let dir = self.campaign.dir.path.join("shrunk");
        let test = &self.campaign.file.tests[*test].name;
        let case = crate::store::case_path(&dir, test, record.seed);
        let log = dir.join(log_path(test, record.iter));
        let read = |path: &Path| read_text(path, CASE_BYTES_MAX);
        match read(&case).or_else(|_| read(&log)) {
            Ok(text) => {
                let name = format!("shrunk case of {}", self.campaign.name(run));
                self.push(Page::Text(TextPage::new(name, &text, Some(run))));
            }
            Err(_) => self.note = "this test does not support shrinking".to_owned(),
        }
    }

    /// Shows the newest campaign, which has just been run.
    fn open_newest(&mut self) {
        match self.store.find_campaign(None) {
            Ok(dir) => {
                let below = self.pages.len();
                self.open_campaign(dir);
                // If it cannot be opened, the old pages stay, and the note has the reason.
                if self.pages.len() == below {
                    return;
                }
                self.pages.drain(..below);
                let failed = self.campaign.tally.failed();
                let runs = self.campaign.tally.ended();
                self.note = format!("{failed} of {runs} failed; Esc shows all campaigns");
            }
            Err(error) => self.note = error.to_string(),
        }
    }

    /// Continues without a campaign that has been deleted.
    pub(crate) fn on_campaign_deleted(&mut self, dir: &CampaignDir) {
        if self.campaign.dir == *dir {
            let Ok(other) = self.store.find_campaign(None) else {
                self.note = "no campaign left; q quits".to_owned();
                return;
            };
            if let Ok(campaign) = Campaign::open(other) {
                self.campaign = campaign;
            }
        }
        self.show_campaigns();
        self.note = format!("campaign {} deleted", dir.short_id);
    }

    /// Opens a run's log, after a replay where that adds details.
    pub(crate) fn open_or_replay(&mut self, run: usize) -> Effect {
        let is_traced = self.campaign.runs[run].1.trace.is_some();
        if is_traced && self.campaign.log_kind(run) != LogKind::Full {
            let effect = self.repeat(run, Purpose::OpenLog { run });
            if effect != Effect::None {
                return effect;
            }
            // What there is can be looked at without the program.
            let reason = std::mem::take(&mut self.note);
            self.open_log(run);
            self.note = reason;
            return Effect::None;
        }
        self.open_log(run);
        Effect::None
    }

    /// Opens the most detailed log of a run.
    pub(crate) fn open_log(&mut self, run: usize) {
        let Some(path) = self.campaign.log(run) else {
            self.note = "no log stored; r replays the run".to_owned();
            return;
        };
        self.open_file(run, path);
    }

    fn open_file(&mut self, run: usize, path: PathBuf) {
        match LogPage::open(run, path, self.colors) {
            Ok(page) => self.push(Page::Log(Box::new(page))),
            Err(error) => self.note = error.to_string(),
        }
    }

    fn repeat(&mut self, run: usize, purpose: Purpose) -> Effect {
        let task = self.task(REPLAY, &self.campaign, run, purpose);
        self.start("replaying", task)
    }

    pub(super) fn replay(&mut self) -> Effect {
        self.selected_run().map_or(Effect::None, |run| self.repeat(run, Purpose::Replay { run }))
    }

    pub(super) fn shrink(&mut self) -> Effect {
        let Some(run) = self.selected_run() else { return Effect::None };
        let task = self.task(&["shrink"], &self.campaign, run, Purpose::Shrink { run });
        self.start("shrinking", task)
    }

    pub(super) fn rerun(&mut self) -> Effect {
        let Some(run) = self.selected_run() else { return Effect::None };
        let command = ["replay", "--seeds", &RERUN_SEEDS.to_string()];
        let task = self.task(&command, &self.campaign, run, Purpose::Rerun);
        self.start(&format!("{RERUN_SEEDS} seeds of"), task)
    }

    /// Opens a diff of the selected run and the nearest one that passed; both need full logs.
    pub(super) fn diff(&mut self) -> Effect {
        let Some(run) = self.selected_run() else { return Effect::None };
        let Some(with) = self.campaign.nearest_pass(run) else {
            return Effect::None;
        };
        self.compare(run, ComparedWith::Passed(with), 0)
    }

    pub(super) fn diff_builds(&mut self) -> Effect {
        let Some(run) = self.selected_run() else { return Effect::None };
        self.compare(run, ComparedWith::SameSeed, 0)
    }

    /// Opens a diff of two runs, or first replays the one whose log is missing.
    fn compare(&mut self, run: usize, with: ComparedWith, repeats: u8) -> Effect {
        let elsewhere = match with {
            ComparedWith::Passed(_) => None,
            ComparedWith::SameSeed => self.same_seed_elsewhere(&self.campaign.runs[run].1),
        };
        let (other, other_run, suffix) = match (with, &elsewhere) {
            (ComparedWith::Passed(passed), _) => (&self.campaign, passed, String::new()),
            (ComparedWith::SameSeed, Some((other, same))) => {
                (other, *same, format!(" of {}", other.dir.short_id))
            }
            (ComparedWith::SameSeed, None) => {
                return self.reject("no other campaign has run this test with this seed");
            }
        };
        let names = [self.campaign.name(run), other.name(other_run) + &suffix];
        let wanting =
            [(&self.campaign, run), (other, other_run)].into_iter().find(|(campaign, at)| {
                let kind = campaign.log_kind(*at);
                kind == LogKind::None
                    || campaign.runs[*at].1.trace.is_some() && kind != LogKind::Full
            });
        // Each side at most once: a run that leaves no log then never will.
        if let Some((campaign, at)) = wanting.filter(|_| repeats < 2) {
            let purpose = Purpose::Compare { run, with, repeats: repeats + 1 };
            let task = self.task(REPLAY, campaign, at, purpose);
            return self.start("replaying", task);
        }
        let logs = self.campaign.log(run).zip(other.log(other_run));
        self.open_diff(run, names, logs);
        Effect::None
    }

    fn same_seed_elsewhere(&self, record: &RunRecord) -> Option<(Campaign, usize)> {
        let dirs = self.store.campaigns().into_iter().rev();
        dirs.filter(|dir| *dir != self.campaign.dir).find_map(|dir| {
            let other = Campaign::open(dir).ok()?;
            let is_it = |own: &RunRecord| own.test == record.test && own.seed == record.seed;
            let with = other.runs.iter().position(|(_, own)| is_it(own))?;
            Some((other, with))
        })
    }

    fn open_diff(&mut self, run: usize, names: [String; 2], logs: Option<(PathBuf, PathBuf)>) {
        let Some((left, right)) = logs else {
            self.note = "one of the two runs has no log".to_owned();
            return;
        };
        match DiffPage::open(run, names, [&left, &right], self.colors) {
            Ok(page) => self.push(Page::Diff(Box::new(page))),
            Err(error) => self.note = error.to_string(),
        }
    }

    pub(super) fn report(&mut self) {
        let Some(run) = self.selected_run() else { return };
        let text = super::show::text(&self.campaign, run, Paint::Plain);
        let title = format!("report of {}", self.campaign.name(run));
        self.push(Page::Text(TextPage::new(title, &text, Some(run))));
    }

    pub(super) fn copy_replay(&mut self) -> Effect {
        let Some(run) = self.selected_run() else { return Effect::None };
        let command = super::show::replay_command(&self.campaign, run);
        self.note = format!("copied: {command}");
        Effect::Copy(command)
    }

    pub(super) fn edit(&mut self) -> Effect {
        let path = self.selected_run().and_then(|run| self.campaign.log(run));
        path.map_or_else(|| self.reject("no log stored for this run"), |path| Effect::Edit(path, 1))
    }

    pub(super) fn export(&mut self) -> Effect {
        let path = self.selected_run().and_then(|run| self.campaign.log(run));
        path.map_or_else(|| self.reject("no log stored for this run"), Effect::Export)
    }

    /// The diagram around the failure of a run.
    pub(super) fn export_diagram(&mut self) -> Effect {
        let Some(run) = self.selected_run() else { return self.reject("select a run") };
        let Some(path) = self.campaign.log(run) else {
            return self.reject("no log stored for this run");
        };
        let page = LogPage::open(run, path.clone(), self.colors);
        match page.map(|page| page.view.diagram()) {
            Ok(Ok(diagram)) => return Effect::WriteDiagram(path, Box::new(diagram)),
            Ok(Err(error)) => self.note = format!("no diagram: {error}"),
            Err(error) => self.note = error.to_string(),
        }
        Effect::None
    }

    pub(super) fn mark_known(&mut self) {
        let Some(run) = self.selected_run() else { return };
        let (test, record) = &self.campaign.runs[run];
        let Some(signature) = record.signature.clone() else {
            self.note = "not a failed run".to_owned();
            return;
        };
        let Test { key, name, .. } = &self.campaign.file.tests[*test];
        self.note = match self.campaign.known.toggle([key, name], &signature) {
            Ok(true) => "marked as known; K unmarks it".to_owned(),
            Ok(false) => "no longer marked as known".to_owned(),
            Err(error) => error.to_string(),
        };
        self.refresh();
    }

    /// Deletes at the second press of the key.
    pub(super) fn delete(&mut self, pending: Option<&PendingDelete>) -> Effect {
        let wanted = match self.page() {
            Page::Campaigns(list) => list.selected().cloned().map(PendingDelete::Campaign),
            Page::Tests(_) => Some(PendingDelete::Campaign(self.campaign.dir.clone())),
            Page::Runs { list, .. } => list.selected().copied().map(PendingDelete::Logs),
            Page::Failures { .. } | Page::Log(_) | Page::Text(_) | Page::Diff(_) => None,
        };
        let Some(wanted) = wanted else { return self.reject("select a campaign or a run") };
        if pending == Some(&wanted) {
            return match wanted {
                PendingDelete::Campaign(dir) => Effect::DeleteCampaign(dir),
                PendingDelete::Logs(run) => Effect::DeleteLogs(run),
            };
        }
        self.note = match &wanted {
            PendingDelete::Campaign(dir) => {
                format!("press Delete again to delete campaign {}", dir.short_id)
            }
            PendingDelete::Logs(run) => {
                format!("press Delete again to delete the logs of {}", self.campaign.name(*run))
            }
        };
        self.pending = Some(wanted);
        Effect::None
    }
}

/// A command of dstest on a run.
struct Task {
    run: String,
    effect: Effect,
}

impl App {
    /// A command on a run, unless its programs are another user's.
    fn task(
        &self,
        command: &[&str],
        campaign: &Campaign,
        run: usize,
        purpose: Purpose,
    ) -> Result<Task, StoreError> {
        campaign.dir.check_owner(&campaign.file, self.trust)?;
        let trust = if self.trust == Trust::AllFiles { &["--trust"][..] } else { &[] };
        let (name, dir) = (campaign.name(run), campaign.dir.path.to_string_lossy());
        let root = self.store.root().to_string_lossy();
        // A name may begin like an option.
        let words = [command, trust, &["-o", &*root, "--", &*dir, &*name]].concat();
        let words = words.into_iter().map(ToOwned::to_owned).collect();
        Ok(Task { run: name, effect: Effect::Run(words, purpose) })
    }

    fn start(&mut self, doing: &str, task: Result<Task, StoreError>) -> Effect {
        match task {
            Ok(Task { run, effect }) => {
                self.busy = Some(format!("{doing} {run}"));
                effect
            }
            Err(error) => self.reject(&error.to_string()),
        }
    }
}

const REPLAY: &[&str] = &["replay", "-vv"];

/// Enough seeds to estimate the rate of a failure.
const RERUN_SEEDS: u32 = 200;
