//! The recorder: passes every event of a campaign to the store, the tally and the progress view.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::hints::CommandHints;
use super::output::Detail;
use crate::bisect::Measurement;
use crate::progress::{FailureReport, FixedReport, Notice, Novelty, SharedTally, View};
use crate::record::{Class, RunRecord, Verdict};
use crate::report::summary::runs;
use crate::run::{ExpectedDuration, Observer, RunEvent, RunningRun, Stop};
use crate::schedule::Job;
use crate::seed::{Iteration, Seed};
use crate::store::{EventLog, StoreError};
use crate::text::duration::{self, human};
use crate::text::{shell, sink};

/// Passes events on in this order, so that everything on screen is in the store already.
pub(super) struct Recorder<'a> {
    pub(super) log: EventLog,
    pub(super) tally: SharedTally,
    pub(super) view: &'a View,
    pub(super) hints: CommandHints,
    /// Runs that failed in the campaign before, with the same seeds.
    retry: Vec<Job>,
    detail: Detail,
    expected_duration: ExpectedDuration,
    names: Vec<String>,
    /// Runs that have been called slow.
    slow: HashSet<(usize, Iteration)>,
    /// The commit that is measured by its runs.
    pub(super) measurement: Option<&'a mut Measurement>,
    /// Set once the store cannot be written.
    pub(super) store_failure: Option<StoreFailure>,
}

/// The store could not be written.
#[derive(Debug)]
pub(super) struct StoreFailure {
    error: StoreError,
    /// Runs that are not in the store, and so in no number that is shown.
    unrecorded: u64,
}

impl StoreFailure {
    /// The error, and what to do.
    pub(super) fn message(&self, hints: &CommandHints) -> String {
        let (error, lost, resume) = (&self.error, runs(self.unrecorded), hints.resume());
        format!("{error}; {lost} not recorded and not counted; to continue: {resume}")
    }
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        log: EventLog,
        tally: SharedTally,
        view: &'a View,
        hints: CommandHints,
        (retry, detail): (Vec<Job>, Detail),
        expected_duration: ExpectedDuration,
    ) -> Self {
        let names = tally.lock().tests().iter().map(|test| test.name.clone()).collect();
        let (slow, measurement, store_failure) = (HashSet::new(), None, None);
        Self {
            log,
            tally,
            view,
            hints,
            retry,
            detail,
            expected_duration,
            names,
            slow,
            measurement,
            store_failure,
        }
    }

    /// Shows what is running, and says once of each run that it takes unusually long.
    fn running(&mut self, runs: &[RunningRun], left_out: u64) {
        let name = |run: &RunningRun| {
            format!("{}#{}", sink::screen(&self.names[run.job.test]), run.job.iteration)
        };
        let shown = runs.iter().map(|run| (name(run), run.elapsed)).collect();
        let mut notes = Vec::new();
        for run in runs {
            let note = slow_note(&name(run), run, (self.expected_duration)(run.job.test));
            let is_new = |_: &String| self.slow.insert((run.job.test, run.job.iteration));
            notes.extend(note.filter(is_new));
        }
        self.view.send(Notice::Running { runs: shown, left_out });
        notes.into_iter().for_each(|note| self.view.send(Notice::Note(note)));
    }

    /// Stores and counts a run; one that cannot be stored is not counted either.
    fn finished(&mut self, test: usize, record: &RunRecord) -> ControlFlow<Stop> {
        if let Err(error) = self.log.append(record) {
            let store_failure =
                self.store_failure.get_or_insert(StoreFailure { error, unrecorded: 0 });
            store_failure.unrecorded += 1;
            return ControlFlow::Break(Stop::StoreFailed);
        }
        let is_retry = self.retry.contains(&Job { test, iteration: record.iter });
        let name = self.tally.lock().tests()[test].name.clone();
        let report = {
            let mut tally = self.tally.lock();
            let group = tally.record(test, record);
            group.map(|group| {
                let is_new = is_retry || group.count == 1;
                let novelty = if is_new { Novelty::New } else { Novelty::SameAs(group.seen_first) };
                (novelty, group.count)
            })
        };
        if self.detail != Detail::Silent {
            self.tell(name, record, report, is_retry);
        }
        let mut measurement = self.measurement.iter_mut();
        if measurement.any(|measured| measured.observe(test, record)) {
            return ControlFlow::Break(Stop::Decided);
        }
        ControlFlow::Continue(())
    }

    /// Shows a failure, or one that is mended.
    fn tell(
        &self,
        name: String,
        record: &RunRecord,
        report: Option<(Novelty, u64)>,
        is_retry: bool,
    ) {
        if let Some((novelty, count)) = report {
            let is_shown = self.detail == Detail::Full && count <= SHOWN_OF_A_KIND;
            if novelty == Novelty::New || is_shown {
                let again = is_retry.then_some(record.seed);
                self.view.send(Notice::Failure(self.report(name, record, novelty, again)));
            } else if self.detail == Detail::Full && count == SHOWN_OF_A_KIND + 1 {
                let name = sink::screen(&name);
                let line =
                    format!("{:>12}  {name}: further failures like these are only counted\n", "…");
                self.view.send(Notice::Line(line));
            }
        } else if is_retry && record.verdict.class() == Class::Pass {
            let (test, iter, seed) = (name, record.iter, record.seed);
            self.view.send(Notice::Fixed(FixedReport { test, iter, seed }));
        }
    }

    fn report(
        &self,
        test: String,
        record: &RunRecord,
        novelty: Novelty,
        again: Option<Seed>,
    ) -> FailureReport {
        let log = record.log.as_ref().map(|log| format!("{}/{log}", self.hints.dir()));
        let files = record.log.as_ref().and_then(|log| self.hints.files_beside(log));
        FailureReport {
            files,
            replay: self.hints.replay(&test, record.iter),
            test,
            iter: record.iter,
            verdict: record.verdict.label(),
            signature: reason(record),
            again,
            log,
            novelty,
        }
    }
}

/// The reason of a failure, and the number of attempts if there was more than one.
fn reason(record: &RunRecord) -> String {
    let reason = record.reason();
    match (record.verdict, record.attempts()) {
        (_, 1) => reason.to_owned(),
        (Verdict::Flaky, attempts) => format!("{reason} (attempt {attempts} passed)"),
        (_, attempts) => format!("{reason} ({attempts} attempts)"),
    }
}

/// The remark on a run that takes unusually long, with its process and its log; `None` on any other.
fn slow_note(name: &str, run: &RunningRun, expected_s: f64) -> Option<String> {
    if run.elapsed.as_secs_f64() < slow_after_s(expected_s) {
        return None;
    }
    let usual = if expected_s > 0.0 {
        format!(" (usually {})", duration::short(expected_s))
    } else {
        String::new()
    };
    let process = run.process.as_deref().unwrap_or("?");
    let (time, log) = (human(run.elapsed), sink::screen(&shell::relative(&run.log)));
    Some(format!("dstest: slow: {name} runs for {time}{usual}, pid {process}, log {log}"))
}

/// The time after which a run of a test is called slow.
fn slow_after_s(expected_s: f64) -> f64 {
    if expected_s > 0.0 { (expected_s * SLOW_FACTOR).max(SLOW_MIN_S) } else { SLOW_UNKNOWN_S }
}

/// A run that takes so many times its usual time is worth a look.
const SLOW_FACTOR: f64 = 4.0;

/// A shorter one is over before one has read of it.
const SLOW_MIN_S: f64 = 10.0;

/// The time of a test that has not passed yet.
const SLOW_UNKNOWN_S: f64 = 30.0;

/// Failures of one kind that have a line of their own; more fill the screen.
const SHOWN_OF_A_KIND: u64 = 5;

impl Observer for Recorder<'_> {
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<Stop> {
        match event {
            RunEvent::Finished { test, record } => return self.finished(*test, record),
            RunEvent::Round { iterations } => {
                let (ended, failed) = {
                    let tally = self.tally.lock();
                    (runs(tally.ended()), tally.failed())
                };
                let line =
                    format!("{ended}, {failed} failed; next round: {iterations} of each test\n");
                self.view.send(Notice::Line(line));
            }
            RunEvent::Running { runs, left_out } => self.running(runs, *left_out),
            RunEvent::Interrupted { running } => {
                let running = runs(*running as u64);
                let note =
                    format!("dstest: interrupted; ending {running} (press Ctrl-C again to kill)");
                self.view.send(Notice::Note(note));
            }
            RunEvent::Suspended => self.view.suspend(),
            RunEvent::Resumed { paused } => self.view.send(Notice::Resume(*paused)),
            RunEvent::EscapedProcesses { ended } => {
                let processes =
                    if *ended == 1 { "1 process" } else { &format!("{ended} processes") };
                let note = format!("dstest: {processes} outside of a run killed");
                self.view.send(Notice::Note(note));
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_is_slow_by_its_own_measure() {
        let note = |seconds, expected_s| {
            let run = RunningRun {
                job: Job { test: 0, iteration: Iteration::FIRST },
                elapsed: Duration::from_secs(seconds),
                process: Some("77".to_owned()),
                log: "live/0.log".into(),
            };
            slow_note("ui#1", &run, expected_s)
        };
        assert_eq!(note(29, 0.0), None, "nothing is known of it");
        let unknown = note(30, 0.0).unwrap();
        assert!(unknown.starts_with("dstest: slow: ui#1 runs for 30"), "{unknown}");
        assert!(unknown.contains(", pid 77, log ") && unknown.ends_with("live/0.log"), "{unknown}");
        assert_eq!(note(9, 0.1), None, "it is over before one has read of it");
        assert!(note(10, 0.1).unwrap().contains("(usually 100"), "{:?}", note(10, 0.1));
        assert_eq!(note(39, 10.0), None);
        assert!(note(40, 10.0).is_some());
    }
}
