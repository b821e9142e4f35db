//! `dstest status`: the progress of campaigns from their stores alone, while they run or after.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::location::store_of;
use crate::campaign::{CommandHints, StoredCampaign};
use crate::cli::StatusArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::process::signals::Interrupts;
use crate::report::completion::End;
use crate::report::summary::runs;
use crate::store::{CampaignDir, Store, StoreError};
use crate::submit::Submission;
use crate::text::style::{Paint, TextStyle};
use crate::text::table::{Align, Cell, Narrow, Table};
use crate::text::{console, duration, shell, sink};

/// Prints the progress of a submission, or of campaigns.
pub(super) fn run(args: &StatusArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let mut progress = Progress::read(args)?;
    while args.wait && !progress.is_over() {
        std::thread::sleep(WAIT_INTERVAL);
        if interrupts.count() > 0 {
            return Ok(Exit::Interrupted);
        }
        progress = Progress::read(args)?;
    }
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    console::print(&progress.text(paint));
    Ok(match progress.sum(|task| task.failed) {
        0 if progress.is_done() => Exit::Success,
        0 => Exit::Incomplete,
        _ => Exit::SomeFailed,
    })
}

/// The progress of several tasks or campaigns.
#[derive(Default)]
struct Progress {
    tasks: Vec<Task>,
    kinds: Vec<Kind>,
    /// Further lines at the end.
    remarks: Vec<String>,
}

/// The progress of one.
struct Task {
    name: String,
    state: State,
    done: u64,
    planned: Option<u64>,
    failed: u64,
    /// The time since its last result.
    silent: Option<Duration>,
}

/// The state of a task, as far as its store tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Done,
    /// A limit ended it before everything was run; no engine starts it again.
    Ended,
    Running,
    /// No end is written: it runs on another machine, or was killed.
    NotEnded,
    Interrupted,
    Stopped,
    Waiting,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ended => "ended",
            Self::Running => "running",
            Self::NotEnded => "not ended",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
            Self::Waiting => "not begun",
        }
    }

    /// `true` if nothing more is to be expected.
    const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Ended)
    }
}

/// A kind of failure, over all tasks.
struct Kind {
    test: String,
    reason: String,
    count: u64,
    /// The command that repeats the first one.
    replay: String,
}

impl Progress {
    fn read(args: &StatusArgs) -> Result<Self, Error> {
        let mut progress = Self::default();
        if args.campaigns.is_empty() {
            let here = args.location.dir.as_deref().unwrap_or(Path::new("."));
            if !progress.submission(here)? {
                let store = store_of(&args.location)?;
                let found = store.find_campaign(None)?;
                progress.campaign(None, &found)?;
            }
            return Ok(progress);
        }
        for wanted in &args.campaigns {
            if !progress.submission(Path::new(wanted))? {
                let found = store_of(&args.location)?.find_campaign(Some(wanted))?;
                progress.campaign(None, &found)?;
            }
        }
        Ok(progress)
    }

    /// Adds the tasks of a submission; `false` if the directory has none.
    fn submission(&mut self, dir: &Path) -> Result<bool, Error> {
        let Some(submission) = Submission::read(dir)? else { return Ok(false) };
        let dir = &std::path::absolute(dir).map_err(Error::system("use the directory"))?;
        for (number, path) in (1_u32..).zip(submission.stores(dir)) {
            let name = number.to_string();
            match Store::at(path).find_campaign(None) {
                Ok(found) => self.campaign(Some(name), &found)?,
                Err(StoreError::NoCampaign { .. }) => self.tasks.push(Task::waiting(name)),
                Err(error) => return Err(error.into()),
            }
        }
        let merged = dir.join("merged");
        if Store::at(merged.clone()).find_campaign(None).is_ok() {
            let (program, store) = (shell::this_program(), shell::quote(&shell::relative(&merged)));
            self.remarks.push(format!("merged: {program} report -o {store}\n"));
        }
        Ok(true)
    }

    fn campaign(&mut self, name: Option<String>, found: &CampaignDir) -> Result<(), Error> {
        let stored = StoredCampaign::read(found.clone())?;
        let (tally, _) = stored.tally()?;
        let completion = stored.completion(&tally);
        let has_end = found.path.join("summary.json").is_file();
        let state = match completion.end {
            _ if completion.is_complete() => State::Done,
            End::Running => State::Running,
            End::Interrupted if !has_end => State::NotEnded,
            End::Interrupted => State::Interrupted,
            End::Complete | End::Time | End::Failures => State::Ended,
            End::Stopped => State::Stopped,
        };
        let written = found.path.join("events.jsonl").metadata().and_then(|file| file.modified());
        self.tasks.push(Task {
            name: name.unwrap_or_else(|| found.short_id.clone()),
            state,
            done: completion.done,
            planned: completion.planned,
            failed: tally.failed(),
            silent: written.ok().and_then(|at| SystemTime::now().duration_since(at).ok()),
        });
        let hints = CommandHints::new(found);
        for group in tally.groups() {
            let (test, reason) = (&tally.tests()[group.test].name, &group.signature);
            let is_known = |kind: &&mut Kind| kind.test == *test && kind.reason == *reason;
            match self.kinds.iter_mut().find(is_known) {
                Some(known) => known.count += group.count,
                None => self.kinds.push(Kind {
                    test: test.clone(),
                    reason: reason.clone(),
                    count: group.count,
                    replay: hints.replay(test, group.first),
                }),
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.tasks.iter().all(|task| task.state == State::Done)
    }

    fn is_over(&self) -> bool {
        self.tasks.iter().all(|task| task.state.is_over())
    }

    fn sum(&self, of: impl Fn(&Task) -> u64) -> u64 {
        self.tasks.iter().map(of).sum()
    }

    fn text(&self, paint: Paint) -> String {
        let is_shown = |task: &&Task| {
            self.tasks.len() <= ROWS_MAX || !(task.state.is_over() || task.state == State::Waiting)
        };
        let shown: Vec<&Task> = self.tasks.iter().filter(is_shown).take(ROWS_MAX).collect();
        let mut text = if shown.is_empty() { String::new() } else { table(&shown, paint) };
        text.push_str(&self.last_line());
        for kind in self.kinds.iter().take(KINDS_MAX) {
            let (test, reason) = (sink::screen(&kind.test), sink::screen(&kind.reason));
            let Kind { count, replay, .. } = kind;
            text.push_str(&format!("{count:>5} × {test}: {reason}\n        {replay}\n"));
        }
        if let Some(more) = self.kinds.len().checked_sub(KINDS_MAX).filter(|more| *more > 0) {
            text.push_str(&format!("    … and {more} more kinds of failures\n"));
        }
        self.remarks.iter().for_each(|remark| text.push_str(remark));
        text
    }

    /// `4 tasks: 3 done, 1 running; 730 of 1000 runs, 12 failed`.
    fn last_line(&self) -> String {
        let mut states: Vec<State> = self.tasks.iter().map(|task| task.state).collect();
        states.sort();
        let counts = states.chunk_by(|a, b| a == b);
        let counts: Vec<String> =
            counts.map(|same| format!("{} {}", same.len(), same[0].word())).collect();
        let (done, failed) = (self.sum(|task| task.done), self.sum(|task| task.failed));
        let planned: Option<u64> = self.tasks.iter().map(|task| task.planned).sum();
        // A task that has not begun has no plan yet.
        let of = match planned {
            Some(planned) if planned > done => format!("{done} of {planned} runs"),
            Some(_) | None => runs(done),
        };
        let tasks = match self.tasks.len() {
            1 => "1 task".to_owned(),
            count => format!("{count} tasks"),
        };
        format!("{tasks}: {}; {of}, {failed} failed\n", counts.join(", "))
    }
}

impl Task {
    fn waiting(name: String) -> Self {
        Self { name, state: State::Waiting, done: 0, planned: None, failed: 0, silent: None }
    }
}

fn table(tasks: &[&Task], paint: Paint) -> String {
    let mut table = Table::default();
    table.column("Task", Align::Left, Narrow::Keep);
    table.column("State", Align::Left, Narrow::Keep);
    table.column("Failed", Align::Right, Narrow::Keep);
    table.column("Done", Align::Right, Narrow::Keep);
    table.column("Planned", Align::Right, Narrow::Drop(1));
    table.column("Last result", Align::Right, Narrow::Drop(2));
    for task in tasks {
        let style = if task.failed > 0 { TextStyle::Bad } else { TextStyle::Normal };
        let planned = task.planned.map_or_else(String::new, |planned| planned.to_string());
        let silent = task.silent.filter(|_| !task.state.is_over());
        let silent = silent.map(|silent| format!("{} ago", duration::human(silent)));
        table.row(vec![
            Cell::plain(sink::screen(&task.name)),
            Cell::plain(task.state.word()),
            Cell { text: task.failed.to_string(), style },
            Cell::plain(task.done.to_string()),
            Cell::plain(planned),
            Cell::plain(silent.unwrap_or_default()),
        ]);
    }
    table.render(paint, console::width())
}

/// The interval of looks at the stores, on a file system that others use too.
const WAIT_INTERVAL: Duration = Duration::from_secs(1);

/// More rows would not fit on a screen: then only tasks are shown that have begun and are not over.
const ROWS_MAX: usize = 32;

/// More kinds of failures are in the report.
const KINDS_MAX: usize = 10;
