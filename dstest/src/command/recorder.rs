//! Passes what happens in a campaign on to the store, the tally and the view.

use std::path::Path;

use crate::model::{Iteration, RunRecord};
use crate::run::{Observer, RunEvent};
use crate::shell;
use crate::store::{EventLog, RunFolder, StoreError};
use crate::summary::runs;
use crate::view::{FailureReport, Notice, Novelty, SharedTally, View};

/// Passes events on, in this order: what is on screen is in the store already.
pub(super) struct Recorder<'a> {
    pub(super) log: EventLog,
    pub(super) tally: SharedTally,
    pub(super) view: &'a View,
    pub(super) links: Links,
    /// Set once the store cannot be written; said once.
    pub(super) trouble: Option<StoreError>,
}

/// How runs of this campaign are named to the user.
#[derive(Debug, Clone)]
pub(super) struct Links {
    program: String,
    output: Option<String>,
    short_id: String,
    folder: String,
}

impl Links {
    pub(super) fn new(folder: &RunFolder, output: Option<&Path>) -> Self {
        Self {
            program: shell::this_program(),
            output: output.map(|output| shell::quote(&output.to_string_lossy())),
            short_id: folder.short_id.clone(),
            folder: shell::near(&folder.path),
        }
    }

    /// The command that repeats a run.
    pub(super) fn replay(&self, test: &str, iter: Iteration) -> String {
        let output = self.output.as_ref().map_or_else(String::new, |dir| format!(" -o {dir}"));
        let run = shell::quote(&format!("{test}#{iter}"));
        format!("{} replay{output} {} {run}", self.program, self.short_id)
    }

    /// The campaign's folder, as near as possible.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }
}

impl Recorder<'_> {
    fn finished(&mut self, test: usize, record: &RunRecord) {
        if let Err(error) = self.log.append(record)
            && self.trouble.is_none()
        {
            self.view.tell(Notice::Note(format!("dstest: {error}; going on without")));
            self.trouble = Some(error);
        }
        let report = {
            let mut tally = self.tally.lock();
            let group = tally.record(test, record);
            group.map(|group| {
                let is_new = group.first == record.iter;
                if is_new { Novelty::New } else { Novelty::SameAs(group.first) }
            })
        };
        if let Some(novelty) = report {
            self.view.tell(Notice::Failure(self.report(record, novelty)));
        }
    }

    fn report(&self, record: &RunRecord, novelty: Novelty) -> FailureReport {
        let log = record.log.as_ref().map(|log| format!("{}/{log}", self.links.folder));
        FailureReport {
            test: record.test.clone(),
            iter: record.iter,
            verdict: record.verdict.words(),
            signature: record.reason().to_owned(),
            log,
            replay: self.links.replay(&record.test, record.iter),
            novelty,
        }
    }
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Finished { test, record } => self.finished(*test, record),
            RunEvent::Round { iterations } => {
                let sofar = runs(self.tally.lock().ended());
                let line = format!("{sofar} without a stop; next {iterations} of each test\n");
                self.view.tell(Notice::Line(line));
            }
            RunEvent::Interrupted { running } => {
                let running = runs(*running as u64);
                let note = format!("dstest: interrupted; ending {running} (again: at once)");
                self.view.tell(Notice::Note(note));
            }
        }
    }
}
