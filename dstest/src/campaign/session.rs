//! A campaign that is ready to run: schedule → run → record → report → exit code.

use std::sync::Arc;
use std::time::Duration;

use super::ci::write_exports;
use super::exports::Results;
use super::hints::CommandHints;
use super::live_session::LiveSession;
use super::output::{Detail, Output};
use super::recorder::{Recorder, StoreFailure};
use super::stored::{SUMMARY, StoredCampaign};
use crate::bisect::Measurement;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Budget, Rounds};
use crate::process::signals::Interrupts;
use crate::process::sys;
use crate::progress::{Notice, SharedTally, View, ViewContext, rate};
use crate::record::Verdict;
use crate::report::completion::{Completion, End};
use crate::report::json::{Document, Head};
use crate::report::summary;
use crate::report::tally::Tally;
use crate::run::{self, Campaign, DispatchOptions, ExpectedDuration, Stop};
use crate::schedule::{Job, Schedule};
use crate::store::{EventLog, StoreError, write_atomically};
use crate::text::style::Paint;
use crate::text::{console, duration, shell, sink};

/// A campaign that is ready to run.
pub(crate) struct Session<'a> {
    pub(crate) stored: StoredCampaign,
    pub(crate) campaign: Campaign,
    pub(crate) schedule: Schedule,
    pub(crate) budget: Budget,
    pub(crate) workers: u32,
    /// Runs recorded before.
    pub(crate) tally: Tally,
    /// The time that those took.
    pub(crate) earlier: Duration,
    /// The time of each test in an earlier campaign, in seconds; 0 if unknown.
    pub(crate) known_times: Vec<f64>,
    /// Runs that failed before with the same seeds; they come first.
    pub(crate) retry: Vec<Job>,
    pub(crate) output: Output<'a>,
    /// The commit that is measured by the runs.
    pub(crate) measurement: Option<&'a mut Measurement>,
}

impl<'a> Session<'a> {
    /// A campaign with nothing done yet, as described in its file.
    pub(crate) fn new(
        stored: StoredCampaign,
        campaign: Campaign,
        schedule: Schedule,
        budget: Budget,
        output: Output<'a>,
    ) -> Self {
        let (workers, tests) = (stored.file.workers, campaign.tests.len());
        let (tally, known_times) = (stored.empty_tally(), vec![0.0; tests]);
        let (retry, earlier) = (Vec::new(), Duration::ZERO);
        Self {
            stored,
            campaign,
            schedule,
            budget,
            workers,
            tally,
            earlier,
            known_times,
            retry,
            output,
            measurement: None,
        }
    }

    /// Runs it: every run is recorded as it ends, and the report follows.
    pub(crate) fn run(self, interrupts: &Interrupts) -> Result<Exit, Error> {
        let live_session = LiveSession::campaign(&self.stored.dir.path)?;
        let paint = Paint::choose(self.output.color, &std::io::stdout());
        let hints = CommandHints::new(&self.stored.dir);
        let log = EventLog::open(&self.stored.dir.path)?;
        // If this dstest is killed, no summary says that the campaign has ended.
        let _ = std::fs::remove_file(self.stored.dir.path.join(SUMMARY));
        let (headline, context) = (self.headline(), self.view_context(paint));
        let tally = SharedTally::new(self.tally);
        let view = View::start(context, tally.clone()).map_err(Error::system("start a thread"))?;
        if self.output.detail != Detail::Silent {
            view.send(Notice::Line(headline));
        }
        let schedule = self.schedule.starting_with(&self.retry);
        let retry = (self.retry, self.output.detail);
        let expected = expected_duration(tally.clone(), self.known_times);
        let mut recorder =
            Recorder::new(log, tally.clone(), &view, hints.clone(), retry, Arc::clone(&expected));
        recorder.measurement = self.measurement;
        let options = DispatchOptions {
            schedule,
            budget: self.budget,
            workers: self.workers as usize,
            expected_duration: expected,
            live: &live_session.live,
        };
        let inputs = Arc::clone(&self.campaign.inputs);
        let outcome = run::dispatch(&Arc::new(self.campaign), options, interrupts, &mut recorder);
        let store_failure = recorder.store_failure.take();
        view.finish();
        drop(live_session);
        let outcome = outcome.map_err(Error::system("start the campaign"))?;
        if let (Stop::Edited, Some(file)) = (outcome.stop, inputs.edited()) {
            let file = sink::screen(&shell::relative(file));
            console::warn(&format!(
                "{file} was edited: further runs would be those of another program \
                 (--allow-edits goes on)"
            ));
        }
        let wall = self.earlier + outcome.wall;
        let (stored, stop, output) = (self.stored, outcome.stop, self.output);
        let left_out = outcome.left_out;
        let report = FinalReport { stored, hints, stop, wall, left_out, paint, output };
        Ok(report.conclude(&tally.lock(), store_failure.as_ref()))
    }

    fn view_context(&self, paint: Paint) -> ViewContext {
        ViewContext {
            total: self.schedule.total().map(|total| total + self.tally.ended()),
            duration: self.budget.duration,
            paint,
            color: self.output.color,
        }
    }

    /// Tests, repetitions, workers and seed, in one line.
    fn headline(&self) -> String {
        let tests = match self.campaign.tests.as_slice() {
            [test] => sink::screen(&test.name),
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
        format!("{tests}{times}, {workers}, seed {}{before}\n", self.stored.file.seed)
    }
}

/// The mean time of passed runs, of this campaign or else of an earlier one.
fn expected_duration(tally: SharedTally, earlier: Vec<f64>) -> ExpectedDuration {
    Arc::new(move |test| match tally.lock().tests()[test].expected_s() {
        0.0 => earlier[test],
        now => now,
    })
}

/// The end of a campaign: report, summary, exports, exit code.
struct FinalReport<'a> {
    stored: StoredCampaign,
    hints: CommandHints,
    stop: Stop,
    /// The time of all runs, those of earlier sessions included.
    wall: Duration,
    /// Runs that were not started, as their tests had failed often enough.
    left_out: u64,
    paint: Paint,
    output: Output<'a>,
}

impl FinalReport<'_> {
    fn conclude(&self, tally: &Tally, store_failure: Option<&StoreFailure>) -> Exit {
        let completion = self.completion(tally);
        let wall_s = self.wall.as_secs_f64();
        let rate =
            rate(completion.done, wall_s).map_or_else(String::new, |rate| format!(" ({rate})"));
        let is_verdict = self.stop != Stop::OutOfDate;
        let mut text = String::new();
        if is_verdict {
            text = report_text(&self.stored, tally, wall_s, &self.hints, self.output, self.paint);
        }
        let flaky = summary::further(tally.count(Verdict::Flaky), "flaky");
        text.push_str(&last_line(&completion, self.wall, &(rate + &flaky), stop_text(self.stop)));
        if self.left_out > 0 && completion.left_out.is_none() {
            let left_out = summary::runs(self.left_out);
            text.push_str(&format!(", {left_out} left out by --max-fail-per-test"));
        }
        text.push_str(&format!("; results in {}\n", sink::screen(self.hints.dir())));
        if is_verdict {
            text.push_str(&completion.remark(&self.hints.resume()));
        }
        if tally.failed() > 0 && is_verdict {
            text.push_str(&self.hints.browse_line());
        }
        if self.output.detail != Detail::Silent {
            console::print(&text);
        }
        if let Some(failure) = store_failure {
            console::warn(&failure.message(&self.hints));
            return self.exit(tally, false);
        }
        let written = self.write(tally);
        let written = written.inspect_err(|error| console::warn(&error.to_string()));
        self.exit(tally, written.is_ok())
    }

    fn is_interrupted(&self) -> bool {
        matches!(self.stop, Stop::Interrupted | Stop::OutOfDate)
    }

    fn completion(&self, tally: &Tally) -> Completion {
        let end = match self.stop {
            Stop::Complete | Stop::Decided => End::Complete,
            Stop::Time => End::Time,
            Stop::Failures => End::Failures,
            Stop::CannotStart | Stop::Edited | Stop::StoreFailed => End::Stopped,
            Stop::Interrupted | Stop::OutOfDate => End::Interrupted,
        };
        Completion::of(&self.stored.file, tally, end)
    }

    fn write(&self, tally: &Tally) -> Result<(), StoreError> {
        let head = Head {
            seed: self.stored.file.seed,
            started: self.stored.file.started.clone(),
            wall_s: self.wall.as_secs_f64(),
            completion: self.completion(tally),
        };
        let document = Document::new(head, tally);
        let summary = self.stored.dir.path.join(SUMMARY);
        write_atomically(&summary, document.text().as_bytes())?;
        let (output, stored, hints) = (&self.output, &self.stored, &self.hints);
        write_exports(&Results { output, stored, document: &document, tally, hints })
    }

    fn exit(&self, tally: &Tally, is_written: bool) -> Exit {
        if self.is_interrupted() {
            Exit::Interrupted
        } else if tally.failed() > 0 || tally.count(Verdict::NotStarted) > 0 {
            Exit::SomeFailed
        } else if self.stop == Stop::Edited {
            Exit::Incomplete
        } else if tally.nothing_tested() {
            Exit::NoTests
        } else if is_written {
            Exit::Success
        } else {
            Exit::Usage
        }
    }
}

/// Prints the report of a stored campaign and writes the exports.
pub(crate) fn print_report(stored: &StoredCampaign, output: Output<'_>) -> Result<Exit, Error> {
    let (tally, wall_s) = stored.tally()?;
    let hints = CommandHints::new(&stored.dir);
    let paint = Paint::choose(output.color, &std::io::stdout());
    let wall = Duration::try_from_secs_f64(wall_s).unwrap_or_default();
    let mut text = report_text(stored, &tally, wall_s, &hints, output, paint);
    let head = stored.head(&tally, wall_s);
    let flaky = summary::further(tally.count(Verdict::Flaky), "flaky");
    text.push_str(&last_line(&head.completion, wall, &flaky, ""));
    text.push_str(&format!(
        ", seed {}; results in {}\n",
        stored.file.seed,
        sink::screen(hints.dir())
    ));
    text.push_str(&head.completion.remark(&hints.resume()));
    console::print(&text);
    let document = Document::new(head, &tally);
    let (output, document, tally, hints) = (&output, &document, &tally, &hints);
    write_exports(&Results { output, stored, document, tally, hints })?;
    Ok(match tally.failed() {
        0 if tally.nothing_tested() => Exit::NoTests,
        0 => Exit::Success,
        _ => Exit::SomeFailed,
    })
}

/// The report, all but its last line.
fn report_text(
    stored: &StoredCampaign,
    tally: &Tally,
    wall_s: f64,
    hints: &CommandHints,
    output: Output<'_>,
    paint: Paint,
) -> String {
    let replay = |test: usize, iter| hints.replay(&tally.tests()[test].name, iter);
    // In a watch, what matters is to be on the screen without scrolling.
    let rows = sys::terminal_size().filter(|_| output.detail == Detail::Brief);
    let is_long = |(rows, _)| tally.tests().len() + REPORT_LINES > usize::from(rows);
    let width = console::width();
    let by_pattern = stored.tally_of_rows(output.columns.rows);
    let shown = by_pattern.as_ref().unwrap_or(tally);
    let mut text = if by_pattern.is_none() && rows.is_some_and(is_long) {
        summary::failed_table(shown, output.columns, paint, width)
    } else {
        summary::table(shown, output.columns, paint, width)
    };
    let conclusions = summary::conclusions(tally, paint, replay);
    text.push_str(&console::folded(&conclusions, |line| line.starts_with(summary::COMMAND_INDENT)));
    let load = summary::load(tally, wall_s, stored.file.cores, output.columns);
    text.push_str(&load.unwrap_or_default());
    text.push_str(&summary::coverage(tally, output.columns, paint, width));
    text
}

/// The lines of a watch's campaign with one failure, but for the rows of its table.
const REPORT_LINES: usize = 21;

/// `50 runs in 2 s (25/s), stopped by --for`.
fn last_line(completion: &Completion, wall: Duration, rate: &str, stop: &str) -> String {
    format!("{} in {}{rate}{stop}", completion.runs(), duration::human(wall))
}

const fn stop_text(stop: Stop) -> &'static str {
    match stop {
        Stop::Complete => "",
        Stop::Decided => ", enough to decide",
        Stop::Time => ", stopped by --for",
        Stop::Failures => ", stopped by the failure limit",
        Stop::CannotStart => ", stopped because runs cannot be started",
        Stop::Edited => ", stopped because the command was edited",
        Stop::StoreFailed => ", stopped because the store cannot be written",
        Stop::Interrupted => ", interrupted",
        Stop::OutOfDate => ", stopped because the sources have changed",
    }
}
