//! A campaign that is ready to run: from its first run to the exit code.

use std::sync::Arc;

use super::exports;
use super::live_session::LiveSession;
use super::recorder::{CommandHints, Recorder, StoreFailure};
use crate::cli::{Color, ExportArgs};
use crate::duration;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::json::{Document, Head};
use crate::model::Verdict;
use crate::plan::{Budget, Columns, Rounds};
use crate::run::{self, Campaign, DispatchOptions, Outcome, Schedule, Stop};
use crate::seed::Seed;
use crate::signals::Interrupts;
use crate::store::{CampaignDir, EventLog, StoreError, write_atomically};
use crate::style::Paint;
use crate::summary;
use crate::tally::Tally;
use crate::view::{self, SharedTally, View, ViewContext};

/// Everything that is settled before the first run.
pub(super) struct Session<'a> {
    pub(super) campaign: Arc<Campaign>,
    pub(super) dir: CampaignDir,
    pub(super) hints: CommandHints,
    pub(super) seed: Seed,
    pub(super) started: String,
    pub(super) schedule: Schedule,
    pub(super) budget: Budget,
    pub(super) workers: usize,
    pub(super) columns: Columns,
    pub(super) color: Color,
    pub(super) exports: &'a ExportArgs,
    /// What has been recorded before.
    pub(super) tally: Tally,
    /// How long each test took in an earlier campaign, in seconds; 0 where nobody knows.
    pub(super) known_times: Vec<f64>,
    /// Processors of this machine.
    pub(super) cores: Option<u32>,
}

/// What is needed to speak of the results.
struct FinalReport<'a> {
    dir: CampaignDir,
    hints: CommandHints,
    head: Head,
    columns: Columns,
    cores: Option<u32>,
    paint: Paint,
    exports: &'a ExportArgs,
}

impl Session<'_> {
    /// Runs it.
    pub(super) fn run(self, interrupts: &Interrupts) -> Result<Exit, Error> {
        let live_session = LiveSession::campaign(&self.dir.path)?;
        let paint = Paint::choose(self.color, &std::io::stdout());
        let context = ViewContext {
            total: self.schedule.total().map(|total| total + self.tally.ended()),
            duration: self.budget.duration,
            paint,
            color: self.color,
        };
        let headline = self.headline();
        let log = EventLog::open(&self.dir.path)?;
        let tally = SharedTally::new(self.tally);
        let view = View::start(context, tally.clone()).map_err(Error::system("start a thread"))?;
        view.send(view::Notice::Line(headline));
        let hints = self.hints.clone();
        let mut recorder = Recorder::new(log, tally.clone(), &view, hints);
        let known = tally.clone();
        let earlier = self.known_times;
        let options = DispatchOptions {
            schedule: self.schedule,
            budget: self.budget,
            workers: self.workers,
            expected_duration: Arc::new(move |test| {
                match known.lock().tests()[test].expected_s() {
                    0.0 => earlier[test],
                    now => now,
                }
            }),
            live: &live_session.live,
        };
        let outcome = run::dispatch(&self.campaign, options, interrupts, &mut recorder);
        let store_failure = recorder.store_failure.take();
        view.finish();
        drop(live_session);
        let outcome = outcome.map_err(Error::system("start the campaign"))?;
        let report = FinalReport {
            dir: self.dir,
            hints: self.hints,
            head: Head {
                seed: self.seed,
                started: self.started,
                wall_s: outcome.wall.as_secs_f64(),
                interrupted: outcome.stop == Stop::Interrupted,
            },
            columns: self.columns,
            cores: self.cores,
            paint,
            exports: self.exports,
        };
        let tally = tally.lock();
        Ok(report.conclude(&tally, outcome, store_failure.as_ref()))
    }

    /// What is about to happen, in one line.
    fn headline(&self) -> String {
        let tests = match self.campaign.tests.as_slice() {
            [test] => test.name.clone(),
            tests => format!("{} tests", tests.len()),
        };
        let times = match self.budget.rounds {
            Rounds::Fixed(count) => format!(" × {count}"),
            Rounds::Endless | Rounds::Growing { .. } => String::new(),
        };
        let workers = match self.workers {
            1 => "1 worker".to_owned(),
            count => format!("{count} workers"),
        };
        let before = match self.tally.total() {
            0 => String::new(),
            count => format!(", {count} done before"),
        };
        format!("{tests}{times}, {workers}, seed {}{before}\n", self.seed)
    }
}

impl FinalReport<'_> {
    fn conclude(
        self,
        tally: &Tally,
        outcome: Outcome,
        store_failure: Option<&StoreFailure>,
    ) -> Exit {
        let name = |test: usize| tally.tests()[test].name.as_str();
        let replay = |test, iter| self.hints.replay(name(test), iter);
        let mut text = summary::table(tally, self.columns, self.paint);
        text.push_str(&summary::conclusions(tally, self.paint, replay));
        let load = summary::load(tally, self.head.wall_s, self.cores, self.columns);
        text.push_str(&load.unwrap_or_default());
        text.push_str(&summary::coverage(tally, self.columns, self.paint));
        text.push_str(&last_line(tally, outcome, &self.hints));
        view::print(&text);
        if let Some(store_failure) = store_failure {
            view::note(&format!("dstest: {}", store_failure.words(&self.hints)));
            return exit_code(tally, outcome, false);
        }
        let written =
            self.write(tally).inspect_err(|error| view::note(&format!("dstest: {error}")));
        exit_code(tally, outcome, written.is_ok())
    }

    fn write(&self, tally: &Tally) -> Result<(), StoreError> {
        let document = Document::new(self.head.clone(), tally);
        write_atomically(&self.dir.path.join("summary.json"), document.text().as_bytes())?;
        exports::write(self.exports, &document, tally, self.columns)
    }
}

/// The last line: how much, how long, why it stopped, and where everything is.
fn last_line(tally: &Tally, outcome: Outcome, hints: &CommandHints) -> String {
    let ended = tally.ended();
    let rate = ended as f64 / outcome.wall.as_secs_f64().max(1e-6);
    let stop = match outcome.stop {
        Stop::Complete => "",
        Stop::Time => ", stopped by --for",
        Stop::Failures => ", stopped by the failure limit",
        Stop::CannotStart => ", stopped because runs cannot be started",
        Stop::StoreFailed => ", stopped because nothing more can be recorded",
        Stop::Interrupted => ", interrupted",
    };
    let (runs, took) = (summary::runs(ended), duration::human(outcome.wall));
    let look = if tally.failed() > 0 { hints.browse() } else { String::new() };
    format!("{runs} in {took} ({rate:.0}/s){stop}; results in {}\n{look}", hints.dir())
}

fn exit_code(tally: &Tally, outcome: Outcome, is_written: bool) -> Exit {
    if outcome.stop == Stop::Interrupted {
        Exit::Interrupted
    } else if tally.failed() > 0 || tally.count(Verdict::NotStarted) > 0 {
        Exit::SomeFailed
    } else if is_written {
        Exit::Success
    } else {
        Exit::Usage
    }
}
