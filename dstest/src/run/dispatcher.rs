//! The dispatcher: owns all state of a running campaign and makes every decision.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::leash::{EndReason, Leash};
use super::process::Places;
use super::schedule::{Schedule, Step};
use super::worker::Worker;
use super::{Campaign, Job, Message, RunEvent};
use crate::model::{Class, RunRecord};
use crate::plan::Budget;
use crate::signals::Interrupts;
use crate::sys::Kill;

/// Why a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Everything planned was run.
    Complete,
    /// The time of `--for` was over.
    Time,
    /// As many runs had failed as were to.
    Failures,
    /// The user interrupted it.
    Interrupted,
}

/// How a campaign went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// How long it took.
    pub wall: Duration,
}

/// Runs a whole campaign with `workers` processes at once and reports what happens to `observe`.
///
/// # Errors
/// If the system refuses the threads. Runs that cannot be started are records, not errors.
pub fn dispatch(
    campaign: &Arc<Campaign>,
    schedule: Schedule,
    budget: Budget,
    workers: usize,
    interrupts: &Interrupts,
    observe: &mut dyn Observer,
) -> io::Result<Outcome> {
    let started = Instant::now();
    let (results, inbox) = mpsc::channel();
    let slots = start_workers(campaign, workers, started, &results)?;
    interrupts.forward_to_dispatcher(results);
    let mut dispatcher = Dispatcher {
        campaign,
        schedule,
        budget,
        slots,
        inbox,
        observe,
        started,
        stop: None,
        failed: 0,
        output_checked: started,
    };
    let stop = dispatcher.run();
    Ok(Outcome { stop, wall: started.elapsed() })
}

/// Whoever wants to know what happens, and knows how long tests take.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: &RunEvent<'_>);

    /// The expected duration of a test in seconds; 0 if nothing is known.
    fn expected_s(&self, test: usize) -> f64;
}

struct Dispatcher<'a> {
    campaign: &'a Campaign,
    schedule: Schedule,
    budget: Budget,
    slots: Vec<Slot>,
    inbox: Receiver<Message>,
    observe: &'a mut dyn Observer,
    started: Instant,
    /// Set as soon as no further run may start.
    stop: Option<Stop>,
    failed: u32,
    output_checked: Instant,
}

/// One worker as the dispatcher sees it.
struct Slot {
    jobs: Sender<Job>,
    leash: Arc<Leash>,
    current: Option<Current>,
}

/// A run that is under way.
struct Current {
    log: PathBuf,
    phase: Phase,
}

/// What is next to happen to a run, if it does not end by itself.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// At its deadline it is asked to end.
    Running { deadline: Instant },
    /// It has been asked to end; at this time it is killed.
    Ending { reason: EndReason, kill_at: Instant },
}

impl Dispatcher<'_> {
    fn run(&mut self) -> Stop {
        for slot in 0..self.slots.len() {
            self.start_next(slot);
        }
        while self.running() > 0 {
            match self.inbox.recv_timeout(self.patience()) {
                Ok(Message::Finished { slot, test, record }) => self.finished(slot, test, &record),
                Ok(Message::Interrupt) => self.interrupted(),
                // The dispatcher holds a sender through the signal handler, so it never hangs up.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.enforce_time();
            self.enforce_output();
        }
        self.stop.unwrap_or(Stop::Complete)
    }

    fn running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.current.is_some()).count()
    }

    fn finished(&mut self, slot: usize, test: usize, record: &RunRecord) {
        self.slots[slot].current = None;
        if record.verdict.class() == Class::Fail {
            self.failed += 1;
        }
        // The worker gets its next job first: whatever is done with this record can wait.
        self.start_next(slot);
        self.observe.event(&RunEvent::Finished { test, record });
    }

    fn start_next(&mut self, slot: usize) {
        self.check_budget();
        if self.stop.is_some() {
            return;
        }
        let observe = &mut *self.observe;
        let job = loop {
            match self.schedule.next(|test| observe.expected_s(test)) {
                Some(Step::Run(job)) => break job,
                Some(Step::Round(iterations)) => observe.event(&RunEvent::Round { iterations }),
                None => return,
            }
        };
        self.start(slot, job);
    }

    fn start(&mut self, slot: usize, job: Job) {
        let timeout = self.campaign.timeout_of(job.test);
        let slot = &mut self.slots[slot];
        slot.leash.clear();
        let deadline = Instant::now() + timeout;
        let log = Places::of(self.campaign, job).log;
        slot.current = Some(Current { log, phase: Phase::Running { deadline } });
        if slot.jobs.send(job).is_err() {
            // Only a worker that panicked hangs up; the others go on without it.
            slot.current = None;
        }
    }

    fn check_budget(&mut self) {
        if self.stop.is_some() {
            return;
        }
        if self.budget.max_fail.is_some_and(|limit| self.failed >= limit.get()) {
            self.stop = Some(Stop::Failures);
        } else if self.budget.duration.is_some_and(|limit| self.started.elapsed() >= limit) {
            self.stop = Some(Stop::Time);
        }
    }

    /// The first interrupt asks every run to end, the second kills them.
    fn interrupted(&mut self) {
        let is_first = self.stop != Some(Stop::Interrupted);
        self.stop = Some(Stop::Interrupted);
        let now = Instant::now();
        let grace = self.campaign.process.grace;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            let (signal, kill_at) =
                if is_first { (Kill::Terminate, now + grace) } else { (Kill::Kill, now + REPEAT) };
            slot.leash.end(EndReason::Cancelled, signal);
            current.phase = Phase::Ending { reason: EndReason::Cancelled, kill_at };
        }
        if is_first {
            let running = self.running();
            self.observe.event(&RunEvent::Interrupted { running });
        }
    }

    fn enforce_time(&mut self) {
        let now = Instant::now();
        let grace = self.campaign.process.grace;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            match current.phase {
                Phase::Running { deadline } if deadline <= now => {
                    slot.leash.end(EndReason::Timeout, Kill::Terminate);
                    let (reason, kill_at) = (EndReason::Timeout, now + grace);
                    current.phase = Phase::Ending { reason, kill_at };
                }
                Phase::Ending { reason, kill_at } if kill_at <= now => {
                    slot.leash.end(reason, Kill::Kill);
                    current.phase = Phase::Ending { reason, kill_at: now + REPEAT };
                }
                Phase::Running { .. } | Phase::Ending { .. } => {}
            }
        }
    }

    /// Looks at the size of every log from time to time; what prints without end is killed.
    fn enforce_output(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.output_checked) < OUTPUT_INTERVAL {
            return;
        }
        self.output_checked = now;
        let limit = self.campaign.process.max_output;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            let size = current.log.metadata().map_or(0, |log| log.len());
            if size > limit && matches!(current.phase, Phase::Running { .. }) {
                slot.leash.end(EndReason::OutputLimit, Kill::Kill);
                let (reason, kill_at) = (EndReason::OutputLimit, now + REPEAT);
                current.phase = Phase::Ending { reason, kill_at };
            }
        }
    }

    /// How long to wait for a message before looking at the limits again.
    fn patience(&self) -> Duration {
        let next =
            self.slots.iter().filter_map(|slot| slot.current.as_ref()).map(|current| match current
                .phase
            {
                Phase::Running { deadline: next } | Phase::Ending { kill_at: next, .. } => next,
            });
        let until = next.min().map(|next| next.saturating_duration_since(Instant::now()));
        until.unwrap_or(OUTPUT_INTERVAL).min(OUTPUT_INTERVAL)
    }
}

impl Campaign {
    /// The timeout of a test: that of the first exception that matches it, or the general one.
    #[must_use]
    pub fn timeout_of(&self, test: usize) -> Duration {
        let name = &self.tests[test].name;
        let exception = self.process.timeouts.iter().find(|(pattern, _)| pattern.is_match(name));
        exception.map_or(self.process.timeout, |(_, timeout)| *timeout)
    }
}

fn start_workers(
    campaign: &Arc<Campaign>,
    workers: usize,
    started: Instant,
    results: &Sender<Message>,
) -> io::Result<Vec<Slot>> {
    let start = |slot: usize| {
        let (jobs, queue) = mpsc::channel();
        let leash = Arc::new(Leash::default());
        let worker =
            Worker { slot, campaign: Arc::clone(campaign), leash: Arc::clone(&leash), started };
        let results = results.clone();
        thread::Builder::new()
            .name(format!("worker-{slot}"))
            .stack_size(WORKER_STACK_BYTES)
            .spawn(move || worker.work(queue, results))?;
        Ok(Slot { jobs, leash, current: None })
    };
    (0..workers).map(start).collect()
}

/// How often the sizes of logs are looked at. A process can print some 100 MB in this time.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(50);

/// A group that was killed and is still there is killed again after this time.
const REPEAT: Duration = Duration::from_millis(100);

/// A worker's frames are small; the log buffer of 32 KiB is its largest.
const WORKER_STACK_BYTES: usize = 256 * 1024;
