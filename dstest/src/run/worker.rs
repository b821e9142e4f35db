//! A worker: takes a job, owns its process from start to end, and reports a record.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::core::Shared;
use super::desk::Desk;
use super::leash::{EndReason, Leash};
use super::process::{self, Leftovers};
use super::schedule::Step;
use super::verdict::{Evidence, Judgement, judge};
use super::{Campaign, Expectation, Job, Message, log_path};
use crate::harvest::Harvest;
use crate::model::{Class, RunRecord, Usage, Verdict};
use crate::plan::Keep;
use crate::sys::{self, Reaped};
use crate::told::Told;

/// What a worker needs for its whole life.
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) campaign: Arc<Campaign>,
    pub(super) core: Shared,
    pub(super) leash: Arc<Leash>,
    pub(super) started: Instant,
    pub(super) expectation: Expectation,
}

impl Worker {
    /// Works until there is nothing more to do. The dispatcher outlives its workers, so that
    /// messages arrive.
    pub(super) fn work(&self, messages: &Sender<Message>) {
        let _home = GoHome(messages);
        let mut desk = Desk::new(&self.campaign.folder, self.slot);
        loop {
            let step = self.core.lock().next(self.slot, &*self.expectation);
            let message = match step {
                None => return,
                Some(Step::Round(iterations)) => Message::Round { iterations },
                Some(Step::Run(job)) => {
                    let record = Box::new(self.run(job, &mut desk));
                    self.core.lock().finished(self.slot, record.verdict.class());
                    Message::Finished { test: job.test, record }
                }
            };
            let _ = messages.send(message);
        }
    }

    fn run(&self, job: Job, desk: &mut Desk) -> RunRecord {
        let mut record = self.blank(job);
        match self.run_process(job, desk) {
            Ok(end) => self.fill(&mut record, job, desk, &end),
            Err(error) => {
                let program = &self.campaign.binaries[self.campaign.tests[job.test].binary].path;
                record.signature = Some(format!("cannot run {}: {error}", program.display()));
            }
        }
        record
    }

    fn run_process(&self, job: Job, desk: &mut Desk) -> io::Result<End> {
        let start = Instant::now();
        // The handle is dropped at once: waiting needs the process's resource usage too, which
        // std does not give.
        let (_, pid) = process::start(&self.campaign, job, desk)?;
        self.leash.attach(pid);
        let waited = sys::wait_for_exit(pid);
        let wall = start.elapsed();
        let (reaped, ended) = self.leash.detach(|| sys::reap(pid));
        waited?;
        let leftovers = process::clean_up(pid);
        Ok(End { wall, reaped: reaped?, ended, leftovers })
    }

    fn fill(&self, record: &mut RunRecord, job: Job, desk: &mut Desk, end: &End) {
        if end.ended == Some(EndReason::OutputLimit) {
            // Best effort: a log that cannot be cut is only larger than asked for.
            let _ = desk.cut(self.campaign.process.max_output);
        }
        let fail = self.campaign.process.fail_regex.as_ref();
        let harvest = Harvest::of_file(desk.log(), fail).unwrap_or_default();
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
        self.conclude(record, job, judgement, harvest, desk);
        self.tidy(record, desk, end.leftovers);
    }

    /// Sets the verdict, and why.
    fn conclude(
        &self,
        record: &mut RunRecord,
        job: Job,
        judgement: Judgement,
        log: Harvest,
        desk: &Desk,
    ) {
        record.verdict = judgement.verdict;
        if record.verdict.class() != Class::Pass {
            let told = || Told::read(desk.folder())?.signature;
            let found = judgement.reason.or_else(told).or_else(|| log.clue.finish());
            record.signature = Some(signature(record, found, self.campaign.timeout_of(job.test)));
        }
    }

    /// Keeps or forgets what the run has left, according to its verdict.
    fn tidy(&self, record: &mut RunRecord, desk: &mut Desk, leftovers: Leftovers) {
        match (record.verdict.class(), self.campaign.keep) {
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
