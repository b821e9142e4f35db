//! A worker: takes a job, owns its process from start to end, and reports a record.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::leash::{EndReason, Leash};
use super::process::{self, Places};
use super::verdict::{Evidence, Judgement, judge};
use super::{Campaign, Job, Message};
use crate::harvest::Harvest;
use crate::model::{Class, RunRecord, Usage, Verdict};
use crate::plan::Keep;
use crate::sys::{self, Reaped};

/// What a worker needs for its whole life.
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) campaign: Arc<Campaign>,
    pub(super) leash: Arc<Leash>,
    pub(super) started: Instant,
}

impl Worker {
    /// Works until no more jobs come.
    #[expect(clippy::needless_pass_by_value, reason = "the worker's thread owns its channels")]
    pub(super) fn work(self, jobs: Receiver<Job>, results: Sender<Message>) {
        for job in jobs {
            let record = Box::new(self.run(job));
            let message = Message::Finished { slot: self.slot, test: job.test, record };
            if results.send(message).is_err() {
                return;
            }
        }
    }

    fn run(&self, job: Job) -> RunRecord {
        let places = Places::of(&self.campaign, job);
        let mut record = self.blank(job);
        let start = Instant::now();
        match self.run_process(job, &places) {
            Ok(end) => self.fill(&mut record, job, &places, start, &end),
            Err(error) => {
                let program = &self.campaign.binaries[self.campaign.tests[job.test].binary].path;
                record.signature = Some(format!("cannot run {}: {error}", program.display()));
                places.remove();
            }
        }
        record
    }

    fn run_process(&self, job: Job, places: &Places) -> io::Result<End> {
        let start = Instant::now();
        // The handle is dropped at once: waiting needs the process's resource usage too, which
        // std does not give.
        let (_, pid) = process::start(&self.campaign, job, places)?;
        self.leash.attach(pid);
        let waited = sys::wait_for_exit(pid);
        let wall = start.elapsed();
        let (reaped, ended) = self.leash.detach(|| sys::reap(pid));
        waited?;
        let leftovers = process::clean_up(pid);
        Ok(End { wall, reaped: reaped?, ended, leftovers })
    }

    fn fill(&self, record: &mut RunRecord, job: Job, places: &Places, start: Instant, end: &End) {
        if end.ended == Some(EndReason::OutputLimit) {
            // Best effort: a log that cannot be cut is only larger than asked for.
            let _ = cut_log(places, self.campaign.process.max_output);
        }
        let fail = self.campaign.process.fail_regex.as_ref();
        let harvest = Harvest::of_file(&places.log, fail).unwrap_or_default();
        let harness = self.campaign.tests[job.test].harness;
        let judgement = judge(&Evidence {
            harness,
            status: end.reaped.status,
            ended: end.ended,
            leftovers: end.leftovers,
            harvest: &harvest,
        });
        record.start_ms = millis(start.duration_since(self.started));
        set_usage(record, end.usage());
        record.code = end.reaped.status.code();
        record.signal = end.reaped.status.signal();
        record.log_bytes = harvest.bytes;
        record.trace = harvest.trace;
        record.metrics = harvest.metrics;
        self.conclude(record, job, places, judgement, harvest);
    }

    /// Sets the verdict, and keeps or removes the log accordingly.
    fn conclude(
        &self,
        record: &mut RunRecord,
        job: Job,
        places: &Places,
        judgement: Judgement,
        log: Harvest,
    ) {
        record.verdict = judgement.verdict;
        if record.verdict.class() != Class::Pass {
            let found = judgement.reason.or_else(|| log.clue.finish());
            record.signature = Some(signature(record, found, self.campaign.timeout_of(job.test)));
        }
        match (record.verdict.class(), self.campaign.keep) {
            (Class::Pass, Keep::Failures) => places.remove(),
            (Class::Pass, Keep::Everything) | (Class::Fail | Class::Apart, _) => {
                places.remove_empty_folder();
                record.log = Some(places.log_name.clone());
            }
        }
    }

    fn blank(&self, job: Job) -> RunRecord {
        let test = &self.campaign.tests[job.test];
        RunRecord {
            v: RunRecord::VERSION,
            test: test.name.clone(),
            iter: job.iteration,
            seed: self.campaign.seed.derive(&test.id, job.iteration),
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

/// How a process ended.
struct End {
    wall: Duration,
    reaped: Reaped,
    ended: Option<EndReason>,
    leftovers: process::Leftovers,
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

/// Keeps the beginning of a log that grew too large, and says so in it.
fn cut_log(places: &Places, limit: u64) -> io::Result<()> {
    let file: File = OpenOptions::new().write(true).open(&places.log)?;
    if file.metadata()?.len() > limit {
        file.set_len(limit)?;
        drop(file);
        let mut end = OpenOptions::new().append(true).open(&places.log)?;
        writeln!(end, "\ndstest: cut here after {limit} bytes (--max-output)")?;
    }
    Ok(())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
