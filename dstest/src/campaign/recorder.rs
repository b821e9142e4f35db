//! The recorder: passes every event of a campaign to the store, the tally and the progress view.

use std::ops::ControlFlow;

use super::hints::CommandHints;
use super::output::Detail;
use crate::progress::{FailureReport, FixedReport, Notice, Novelty, SharedTally, View};
use crate::record::{Class, RunRecord};
use crate::report::summary::runs;
use crate::run::{Observer, RunEvent};
use crate::schedule::Job;
use crate::seed::Seed;
use crate::store::{EventLog, StoreError};

/// Passes events on in this order, so that everything on screen is in the store already.
pub(super) struct Recorder<'a> {
    pub(super) log: EventLog,
    pub(super) tally: SharedTally,
    pub(super) view: &'a View,
    pub(super) hints: CommandHints,
    /// Runs that failed in the campaign before, with the same seeds.
    retry: Vec<Job>,
    detail: Detail,
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
    ) -> Self {
        Self { log, tally, view, hints, retry, detail, store_failure: None }
    }

    /// Stores and counts a run; one that cannot be stored is not counted either.
    fn finished(&mut self, test: usize, record: &RunRecord) -> ControlFlow<()> {
        if let Err(error) = self.log.append(record) {
            let store_failure =
                self.store_failure.get_or_insert(StoreFailure { error, unrecorded: 0 });
            store_failure.unrecorded += 1;
            return ControlFlow::Break(());
        }
        let is_retry = self.retry.contains(&Job { test, iteration: record.iter });
        let name = self.tally.lock().tests()[test].name.clone();
        let report = {
            let mut tally = self.tally.lock();
            let group = tally.record(test, record);
            group.map(|group| {
                let is_new = is_retry || group.first == record.iter;
                if is_new { Novelty::New } else { Novelty::SameAs(group.first) }
            })
        };
        if let Some(novelty) = report {
            if novelty == Novelty::New || self.detail == Detail::Full {
                let again = is_retry.then_some(record.seed);
                self.view.send(Notice::Failure(self.report(name, record, novelty, again)));
            }
        } else if is_retry && record.verdict.class() == Class::Pass {
            let (test, iter, seed) = (name, record.iter, record.seed);
            self.view.send(Notice::Fixed(FixedReport { test, iter, seed }));
        }
        ControlFlow::Continue(())
    }

    fn report(
        &self,
        test: String,
        record: &RunRecord,
        novelty: Novelty,
        again: Option<Seed>,
    ) -> FailureReport {
        let log = record.log.as_ref().map(|log| format!("{}/{log}", self.hints.dir()));
        FailureReport {
            replay: self.hints.replay(&test, record.iter),
            test,
            iter: record.iter,
            verdict: record.verdict.label(),
            signature: record.reason().to_owned(),
            again,
            log,
            novelty,
        }
    }
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<()> {
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
