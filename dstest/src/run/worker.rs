//! A worker: takes a job, owns its process from start to end, and reports a record.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::core::Shared;
use super::desk::Desk;
use super::leash::{EndReason, Leash};
use super::process::{self, Leftovers, StartError};
use super::schedule::Step;
use super::verdict::{Evidence, Judgement, judge};
use super::{Campaign, Expectation, Job, Message, log_path};
use crate::harvest::Harvest;
use crate::model::{Class, RunRecord, Usage, Verdict};
use crate::orphans::Orphans;
use crate::plan::Keep;
use crate::sys::{self, Reaped};
use crate::told::Told;

/// What a worker needs for its whole life.
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) campaign: Arc<Campaign>,
    pub(super) core: Shared,
    pub(super) leash: Arc<Leash>,
    pub(super) orphans: Arc<Orphans>,
    pub(super) desk: Desk,
    pub(super) started: Instant,
    pub(super) expectation: Expectation,
}

impl Worker {
    /// Works until there is nothing more to do. The dispatcher outlives its workers, so that
    /// messages arrive.
    pub(super) fn work(self, messages: &Sender<Message>) {
        let _home = GoHome(messages);
        // Its desk is cleared before it goes home.
        let mut worker = self;
        while let Some(message) = worker.step() {
            let _ = messages.send(message);
        }
    }

    /// The next run, if there is one, from its start to its record.
    fn step(&mut self) -> Option<Message> {
        let step = self.core.lock().next(self.slot, &*self.expectation)?;
        Some(match step {
            Step::Round(iterations) => Message::Round { iterations },
            Step::Run(job) => {
                let record = Box::new(self.run(job));
                self.core.lock().finished(self.slot, record.verdict);
                Message::Finished { test: job.test, record }
            }
        })
    }

    fn run(&mut self, job: Job) -> RunRecord {
        let mut record = self.blank(job);
        match self.run_process(job) {
            Ok(end) => self.fill(&mut record, job, &end),
            Err(error) => record.signature = Some(error.to_string()),
        }
        record
    }

    fn run_process(&mut self, job: Job) -> Result<End, StartError> {
        let start = Instant::now();
        // The handle is dropped at once: waiting needs the process's resource usage too, which
        // std does not give.
        let (_, pid) = process::start(&self.campaign, job, &mut self.desk)?;
        self.leash.attach(pid);
        let waited = sys::wait_for_exit(pid);
        let wall = start.elapsed().saturating_sub(self.leash.paused());
        let (reaped, ended) = self.leash.detach(|| sys::reap(pid));
        waited.map_err(StartError::Lost)?;
        let mut leftovers = process::clean_up(pid);
        if self.orphans.end_of_run(self.desk.folder()) > 0 {
            leftovers = Leftovers::Killed;
        }
        Ok(End { wall, reaped: reaped.map_err(StartError::Lost)?, ended, leftovers })
    }

    fn fill(&mut self, record: &mut RunRecord, job: Job, end: &End) {
        if end.ended == Some(EndReason::OutputLimit) {
            // Best effort: a log that cannot be cut is only larger than asked for.
            let _ = self.desk.cut(self.campaign.process.max_output);
        }
        let fail = self.campaign.process.fail_regex.as_ref();
        let mut harvest = Harvest::of_file(self.desk.log(), fail).unwrap_or_default();
        let harness = self.campaign.tests[job.test].harness;
        let judgement = judge(&Evidence {
            harness,
            status: end.reaped.status,
            ended: end.ended,
            leftovers: end.leftovers,
            harvest: &harvest,
        });
        set_usage(record, end.usage());
        record.code = end.reaped.status.code();
        record.signal = end.reaped.status.signal();
        record.log_bytes = harvest.bytes;
        record.trace = harvest.trace;
        record.metrics = harvest.metrics;
        record.sometimes = harvest.sometimes.take();
        self.conclude(record, job, judgement, harvest);
        self.tidy(record, job.test, end.leftovers);
    }

    /// Sets the verdict, and why.
    fn conclude(&self, record: &mut RunRecord, job: Job, judgement: Judgement, log: Harvest) {
        record.verdict = judgement.verdict;
        if record.verdict.class() == Class::Fail && self.desk.is_full() {
            let folder = self.desk.folder().parent().unwrap_or(self.desk.folder());
            let reason = format!("no space is left for its output in {}", folder.display());
            (record.verdict, record.signature) = (Verdict::NotStarted, Some(reason));
        } else if record.verdict.class() != Class::Pass {
            let told = || Told::read(self.desk.folder())?.signature;
            let found = judgement.reason.or_else(told).or_else(|| log.clue.finish());
            record.signature = Some(signature(record, found, self.campaign.timeout_of(job.test)));
        }
    }

    /// Keeps or forgets what the run has left, according to its verdict.
    fn tidy(&mut self, record: &mut RunRecord, test: usize, leftovers: Leftovers) {
        // A run that tells its trace can be repeated for its log; of other tests one that passed
        // is kept, so that there is something to compare a failure with.
        let is_keepsake = || record.trace.is_none() && self.campaign.passes.is_first(test);
        let keep = match self.campaign.keep {
            Keep::Failures if record.verdict == Verdict::Passed && is_keepsake() => {
                Keep::Everything
            }
            as_asked @ (Keep::Failures | Keep::Everything) => as_asked,
        };
        let desk = &mut self.desk;
        match (record.verdict.class(), keep) {
            (Class::Pass, Keep::Failures) => {
                desk.wipe();
                if leftovers == Leftovers::Killed {
                    desk.abandon_log();
                }
            }
            (Class::Pass, Keep::Everything) | (Class::Fail | Class::Apart, _) => {
                let name = log_path(&record.test, record.iter);
                // Where the disk is full the log is lost, and the record says so by naming none.
                if desk.keep(&self.campaign.folder.join(&name)).is_ok() {
                    record.log = Some(name);
                }
            }
        }
    }

    fn blank(&self, job: Job) -> RunRecord {
        let test = &self.campaign.tests[job.test];
        RunRecord {
            v: RunRecord::VERSION,
            test: test.name.clone(),
            iter: job.iteration,
            seed: self.campaign.seed_of(job),
            start_ms: millis(self.started.elapsed()),
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
            sometimes: None,
            signature: None,
        }
    }
}

/// Tells the dispatcher that a worker has gone, even if it goes by a panic.
struct GoHome<'a>(&'a Sender<Message>);

impl Drop for GoHome<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(Message::Home);
    }
}

/// How a process ended.
struct End {
    wall: Duration,
    reaped: Reaped,
    ended: Option<EndReason>,
    leftovers: Leftovers,
}

impl End {
    fn usage(&self) -> Usage {
        Usage {
            wall: self.wall,
            user: self.reaped.user,
            system: self.reaped.system,
            max_rss_kib: self.reaped.max_rss_kib,
        }
    }
}

fn set_usage(record: &mut RunRecord, usage: Usage) {
    record.wall_us = micros(usage.wall);
    record.user_us = micros(usage.user);
    record.sys_us = micros(usage.system);
    record.maxrss_kib = usage.max_rss_kib;
}

/// The log's own words, after what only dstest knows.
fn signature(record: &RunRecord, found: Option<String>, timeout: Duration) -> String {
    let what = match record.verdict {
        Verdict::TimedOut => format!("timed out after {} s", timeout.as_secs_f64()),
        Verdict::Signalled => {
            format!("killed by {}", signal_name(record.signal.unwrap_or_default()))
        }
        Verdict::Failed => {
            let code = record.code.unwrap_or_default();
            return found.unwrap_or_else(|| format!("exit code {code}, and nothing printed"));
        }
        Verdict::Cancelled => return Verdict::Cancelled.words().to_owned(),
        Verdict::Passed | Verdict::Leaked | Verdict::OutputLimit | Verdict::NotStarted => {
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
