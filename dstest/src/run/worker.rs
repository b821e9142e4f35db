//! A worker: takes a job, owns its process from start to end, and reports a record.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGTERM;

use super::campaign::{Campaign, LogNames};
use super::event::{ExpectedDuration, Message};
use super::judge::{Evidence, Judgement, judge};
use super::launch::{self, StartError};
use super::scratch_dir::ScratchDir;
use super::state::SharedState;
use crate::plan::Keep;
use crate::process::group::{EndReason, ProcessGroup};
use crate::process::survivors::{EscapedProcesses, SurvivingProcesses, clean_up};
use crate::process::sys::{self, Reaped};
use crate::record::{Class, LinePatterns, LogScan, RunRecord, RunReport, Verdict};
use crate::schedule::{Job, Step};
use crate::store::{fresh_log_path, log_path};

/// The resources of a worker.
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) campaign: Arc<Campaign>,
    pub(super) state: SharedState,
    pub(super) group: Arc<ProcessGroup>,
    pub(super) escaped: Arc<EscapedProcesses>,
    pub(super) scratch: ScratchDir,
    pub(super) started: Instant,
    pub(super) expected_duration: ExpectedDuration,
}

impl Worker {
    /// Runs jobs until none is left. The dispatcher outlives its workers, so that messages arrive.
    pub(super) fn work(self, messages: &Sender<Message>) {
        let _notice = ExitNotice(messages);
        // Its scratch directory is removed before the notice.
        let mut worker = self;
        while let Some(message) = worker.step() {
            let _ = messages.send(message);
        }
    }

    /// Does the next step: a run from its start to its record.
    fn step(&mut self) -> Option<Message> {
        if self.campaign.inputs.edited().is_some() {
            self.state.lock().edited();
        }
        let step = self.state.next(self.slot, &*self.expected_duration)?;
        Some(match step {
            Step::Round(iterations) => Message::Round { iterations },
            Step::Run(job) => {
                let record = Box::new(self.run_with_retries(job));
                self.state.finished(self.slot, record.verdict);
                Message::Finished { test: job.test, record }
            }
        })
    }

    /// A run, and as many further attempts as its test may have until one passes.
    fn run_with_retries(&mut self, job: Job) -> RunRecord {
        let mut record = self.run(job, FIRST_ATTEMPT);
        for retry in 0..self.campaign.retries_of(job.test) {
            if record.verdict.class() != Class::Fail {
                break;
            }
            if !self.state.retry(self.slot) {
                // Whether it would have passed is not known.
                record.verdict = Verdict::Cancelled;
                break;
            }
            record.retried(self.run(job, FIRST_ATTEMPT + 1 + retry));
        }
        record
    }

    fn run(&mut self, job: Job, attempt: u32) -> RunRecord {
        let mut record = self.new_record(job);
        match self.run_process(job, attempt) {
            Ok(end) => {
                self.fill(&mut record, job, attempt, &end);
                // An interpreter may have read parts of both versions.
                if let Some(file) = self.campaign.inputs.edited() {
                    record.verdict = Verdict::Cancelled;
                    record.signature =
                        Some(format!("{} was edited during the run", file.display()));
                }
            }
            Err(error) => record.signature = Some(error.to_string()),
        }
        record
    }

    fn run_process(&mut self, job: Job, attempt: u32) -> Result<End, StartError> {
        let start = Instant::now();
        let scratch = &mut self.scratch;
        let pid = launch::start(&self.group, &self.campaign, job, attempt, scratch)?;
        let waited = sys::wait_for_exit(pid);
        let wall = start.elapsed().saturating_sub(self.group.paused());
        let (reaped, ended) = self.group.detach(|| sys::reap(pid));
        waited.map_err(StartError::Lost)?;
        let mut survivors = clean_up(pid);
        if self.escaped.end_of_run(self.scratch.dir()) > 0 {
            survivors = SurvivingProcesses::Killed;
        }
        let reaped = reaped.map_err(StartError::Lost)?;
        let ended = ended.or_else(|| self.ended_with_dstest(reaped.status));
        Ok(End { wall, reaped, ended, survivors })
    }

    /// Slurm and systemd end all processes of a job at once: a run may have ended before dstest has
    /// heard of it, and then it has not failed.
    fn ended_with_dstest(&self, status: ExitStatus) -> Option<EndReason> {
        let is_terminated =
            status.signal() == Some(SIGTERM) || status.code() == Some(TERMINATED_CODE);
        let is_one_of_all = is_terminated && self.state.is_ending_within(END_OF_ALL);
        is_one_of_all.then_some(EndReason::Cancelled)
    }

    fn fill(&mut self, record: &mut RunRecord, job: Job, attempt: u32, end: &End) {
        if end.ended == Some(EndReason::OutputLimit) {
            // Best effort: a log that cannot be cut is only larger than asked for.
            let _ = self.scratch.cut(self.campaign.process.max_output);
        }
        let process = &self.campaign.process;
        let patterns =
            LinePatterns { fail: process.fail_regex.as_ref(), skip: process.skip_regex.as_ref() };
        let mut scan = LogScan::of_file(self.scratch.log(), patterns).unwrap_or_default();
        let harness = self.campaign.tests[job.test].harness;
        let judgement = judge(&Evidence {
            harness,
            wants_subtest: self.campaign.tests[job.test].is_subtest(),
            status: end.reaped.status,
            ended: end.ended,
            survivors: end.survivors,
            scan: &scan,
        });
        record.wall_us = micros(end.wall);
        record.user_us = micros(end.reaped.user);
        record.sys_us = micros(end.reaped.system);
        record.maxrss_kib = end.reaped.max_rss_kib;
        record.code = end.reaped.status.code();
        record.signal = end.reaped.status.signal();
        record.log_bytes = scan.bytes;
        record.trace = scan.trace;
        record.metrics = scan.metrics.take();
        record.coverage = scan.coverage.take();
        self.conclude(record, job, judgement, scan);
        self.keep_or_discard(record, (job.test, attempt), end.survivors);
    }

    /// Sets the verdict and its reason.
    fn conclude(&self, record: &mut RunRecord, job: Job, judgement: Judgement, log: LogScan) {
        record.verdict = judgement.verdict;
        if record.verdict.class() == Class::Fail && self.scratch.is_full() {
            let dir = self.scratch.dir().parent().unwrap_or(self.scratch.dir());
            let reason = format!("no space is left for its output in {}", dir.display());
            (record.verdict, record.signature) = (Verdict::NotStarted, Some(reason));
        } else if record.verdict.class() != Class::Pass {
            let reported = || RunReport::read(self.scratch.dir())?.signature;
            let found = judgement.reason.or_else(reported).or_else(|| log.classifier.finish());
            let found = found.map(|found| self.scratch.without_own_paths(&found));
            record.signature = Some(signature(record, found, self.campaign.timeout_of(job.test)));
        }
    }

    /// Keeps or removes the files of the run, according to its verdict.
    fn keep_or_discard(
        &mut self,
        record: &mut RunRecord,
        (test, attempt): (usize, u32),
        survivors: SurvivingProcesses,
    ) {
        // A run that prints its trace can be repeated for its log; of other tests one that passed
        // is kept, so that there is something to compare a failure with.
        let is_sample = (record.verdict == Verdict::Passed
            && record.trace.is_none()
            && self.campaign.passes.is_first(test))
            || (record.verdict == Verdict::Skipped && self.campaign.skips.is_first(test));
        let keep = match self.campaign.keep {
            Keep::Failures if is_sample => Keep::Everything,
            as_asked @ (Keep::Failures | Keep::Everything) => as_asked,
        };
        let scratch = &mut self.scratch;
        match (record.verdict.class(), keep) {
            (Class::Pass | Class::Skip, Keep::Failures) => {
                scratch.wipe();
                if survivors == SurvivingProcesses::Killed {
                    scratch.abandon_log();
                }
            }
            (Class::Pass | Class::Skip, Keep::Everything)
            | (Class::Fail | Class::Inconclusive, _) => {
                let (dir, name) = (&self.campaign.dir, &self.campaign.tests[test].name);
                let name = match self.campaign.log_names {
                    LogNames::OfRun if attempt == FIRST_ATTEMPT => Ok(log_path(name, record.iter)),
                    LogNames::OfRun | LogNames::OfReplay => fresh_log_path(dir, name, record.iter),
                };
                // On a full disk the log is lost, and the record names none.
                let kept = name.and_then(|name| scratch.keep(&dir.join(&name)).map(|()| name));
                record.log = kept.ok();
            }
        }
    }

    fn new_record(&self, job: Job) -> RunRecord {
        let test = &self.campaign.tests[job.test];
        RunRecord {
            v: RunRecord::VERSION,
            test: test.key.clone(),
            iter: job.iteration,
            seed: self.campaign.seed_of(job),
            start_ms: millis(self.campaign.earlier + self.started.elapsed()),
            slot: u32::try_from(self.slot).ok(),
            wall_us: 0,
            user_us: 0,
            sys_us: 0,
            maxrss_kib: 0,
            verdict: Verdict::NotStarted,
            code: None,
            signal: None,
            log: None,
            log_bytes: 0,
            trace: None,
            metrics: None,
            coverage: None,
            signature: None,
            retries: Vec::new(),
        }
    }
}

/// The exit code of shells and the JVM after SIGTERM.
const TERMINATED_CODE: i32 = 128 + SIGTERM;

/// The time in which a signal to all processes of a job reaches dstest too, on a busy machine. Runs that
/// are terminated by others are rare.
const END_OF_ALL: Duration = Duration::from_secs(3);

/// Attempts of a run are counted from here.
const FIRST_ATTEMPT: u32 = 1;

/// Notifies the dispatcher that a worker has exited, even by a panic.
struct ExitNotice<'a>(&'a Sender<Message>);

impl Drop for ExitNotice<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(Message::WorkerExited);
    }
}

/// The end of a process.
struct End {
    wall: Duration,
    reaped: Reaped,
    ended: Option<EndReason>,
    survivors: SurvivingProcesses,
}

/// The signature: dstest's own reason, then the line of the log.
fn signature(record: &RunRecord, found: Option<String>, timeout: Duration) -> String {
    let what = match record.verdict {
        Verdict::TimedOut => format!("timed out after {} s", timeout.as_secs_f64()),
        Verdict::Signalled => {
            format!("killed by {}", signal_name(record.signal.unwrap_or_default()))
        }
        Verdict::Failed => {
            let code = record.code.unwrap_or_default();
            return found.unwrap_or_else(|| format!("exit code {code}, no output"));
        }
        Verdict::Cancelled => return Verdict::Cancelled.label().to_owned(),
        Verdict::Passed
        | Verdict::Leaked
        | Verdict::Flaky
        | Verdict::Skipped
        | Verdict::OutputLimit
        | Verdict::NotStarted => {
            return found.unwrap_or_default();
        }
    };
    found.map_or_else(|| what.clone(), |found| format!("{what}; last: {found}"))
}

fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal)
        .map_or_else(|| format!("signal {signal}"), ToOwned::to_owned)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
