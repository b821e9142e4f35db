//! The state of a running campaign. Decisions about it are in files of their own: the next run in
//! `admission.rs`, the end in `stop.rs`, limits of a run in `timeout.rs`.
//!
//! It is shared behind a lock: a worker that has finished a run takes its next job itself, so
//! that no processor waits for a message to arrive. While there are workers, nothing waits for the end of
//! a process under the lock; only a suspension of dstest itself holds it for long.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::campaign::{Campaign, Needs};
use super::event::{RunningRun, Stop};
use super::scratch_dir::live_log;
use crate::plan::Budget;
use crate::process::group::{EndReason, ProcessGroup};
use crate::record::{Class, Verdict};
use crate::schedule::{Job, Schedule, Step};
use crate::suite::Harness;

/// The state of a campaign as workers and dispatcher share it.
#[derive(Clone)]
pub(super) struct SharedState(Arc<(Mutex<CampaignState>, Condvar)>);

impl SharedState {
    pub(super) fn new(state: CampaignState) -> Self {
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CampaignState> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next step for a worker; waits while every run to come needs what others are using.
    pub(super) fn next(&self, slot: usize, expected_s: impl Fn(usize) -> f64) -> Option<Step> {
        let mut state = self.lock();
        loop {
            match state.next(slot, &expected_s) {
                Next::Step(step) => return Some(step),
                Next::End => return None,
                Next::Wait => {
                    let waited = self.0.1.wait_timeout(state, WAIT_MAX);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Begins a further attempt of a worker's run; `false` if runs are being ended.
    pub(super) fn retry(&self, slot: usize) -> bool {
        self.lock().retry(slot)
    }

    /// `true` once runs are being ended, for which it waits this long.
    pub(super) fn is_ending_within(&self, limit: Duration) -> bool {
        let start = Instant::now();
        loop {
            if self.lock().stop.is_some_and(Stop::is_sudden) {
                return true;
            }
            if start.elapsed() >= limit {
                return false;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Notes the end of a worker's run.
    pub(super) fn finished(&self, slot: usize, verdict: Verdict) {
        self.lock().finished(slot, verdict);
        self.0.1.notify_all();
    }
}

/// The next step for a worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is this.
    Step(Step),
    /// Every run to come needs what other runs are using.
    Wait,
    /// There is none.
    End,
}

/// The state of a campaign.
pub(super) struct CampaignState {
    pub(super) campaign: Arc<Campaign>,
    live: PathBuf,
    pub(super) schedule: Schedule,
    pub(super) budget: Budget,
    pub(super) slots: Vec<Slot>,
    started: Instant,
    /// The time for which the campaign was suspended.
    paused: Duration,
    /// Set as soon as no further run may start.
    pub(super) stop: Option<Stop>,
    /// `true` once a run has begun.
    pub(super) has_begun: bool,
    pub(super) failed: u32,
    /// Failures of each test.
    pub(super) failed_of: Vec<u32>,
    /// Runs that were not started, as their tests had failed often enough.
    pub(super) left_out: u64,
    /// Runs that wait for others of their group, or for workers.
    pub(super) deferred: VecDeque<Job>,
    /// The number of stacks taken of each test.
    pub(super) stacks_of: HashMap<usize, u32>,
    /// Runs since the last one that could be started.
    pub(super) not_started: u32,
    pub(super) output_checked: Instant,
}

/// One worker.
pub(super) struct Slot {
    pub(super) group: Arc<ProcessGroup>,
    pub(super) current: Option<Current>,
}

/// A running run.
pub(super) struct Current {
    pub(super) job: Job,
    pub(super) needs: Needs,
    /// The start, without suspensions.
    since: Instant,
    /// Set once its stacks are in the log.
    pub(super) is_dumped: Arc<AtomicBool>,
    pub(super) log: PathBuf,
    pub(super) harness: Harness,
    pub(super) phase: Phase,
}

/// The next step against a run that does not end by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    /// At its deadline it is asked to end.
    Running { deadline: Instant },
    /// It is dumping its stacks; at this time it is asked to end.
    Dumping { ask_at: Instant },
    /// It has been asked to end; at this time it is killed.
    Ending { reason: EndReason, kill_at: Instant },
}

impl Phase {
    fn extend(&mut self, by: Duration) {
        match self {
            Self::Running { deadline: at }
            | Self::Dumping { ask_at: at }
            | Self::Ending { kill_at: at, .. } => *at += by,
        }
    }
}

impl CampaignState {
    pub(super) fn new(
        campaign: &Arc<Campaign>,
        live: PathBuf,
        schedule: Schedule,
        budget: Budget,
    ) -> Self {
        let started = Instant::now();
        Self {
            campaign: Arc::clone(campaign),
            live,
            schedule,
            budget,
            slots: Vec::new(),
            started,
            paused: Duration::ZERO,
            stop: None,
            has_begun: false,
            failed: 0,
            failed_of: vec![0; campaign.tests.len()],
            left_out: 0,
            deferred: VecDeque::new(),
            stacks_of: HashMap::new(),
            not_started: 0,
            output_checked: started,
        }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// The time for which the campaign has run, without suspensions.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.paused)
    }

    /// Adds a worker, and returns its process group.
    pub(super) fn add_slot(&mut self) -> Arc<ProcessGroup> {
        let group = Arc::new(ProcessGroup::default());
        self.slots.push(Slot { group: Arc::clone(&group), current: None });
        group
    }

    /// The reason for the end of the campaign, once it has ended.
    pub(super) fn stop(&self) -> Stop {
        self.stop.unwrap_or(Stop::Complete)
    }

    /// Notes the end of a worker's run.
    pub(super) fn finished(&mut self, slot: usize, verdict: Verdict) {
        let ended = self.slots[slot].current.take();
        if verdict.class() == Class::Fail {
            self.failed = self.failed.saturating_add(1);
            ended.iter().for_each(|ended| self.failed_of[ended.job.test] += 1);
        }
        let cannot_start = verdict == Verdict::NotStarted;
        self.not_started = if cannot_start { self.not_started.saturating_add(1) } else { 0 };
    }

    /// Begins a further attempt of a worker's run, with a deadline of its own.
    fn retry(&mut self, slot: usize) -> bool {
        let current = self.slots[slot].current.as_ref().map(|current| current.job);
        let job = current.filter(|_| !self.stop.is_some_and(Stop::is_sudden));
        job.is_some_and(|job| matches!(self.begin(slot, job), Next::Step(_)))
    }

    /// Begins a run.
    pub(super) fn begin(&mut self, slot: usize, job: Job) -> Next {
        self.has_begun = true;
        let (since, needs) = (Instant::now(), self.campaign.needs_of(job.test));
        let deadline = since + self.campaign.timeout_of(job.test);
        let log = live_log(&self.live, slot);
        let slot = &mut self.slots[slot];
        slot.group.clear();
        let harness = self.campaign.tests[job.test].harness;
        let (phase, is_dumped) = (Phase::Running { deadline }, Arc::default());
        slot.current = Some(Current { job, needs, since, is_dumped, log, harness, phase });
        Next::Step(Step::Run(job))
    }

    /// The running runs, the longest first, and the number of those that will not be started.
    pub(super) fn running(&self) -> (Vec<RunningRun>, u64) {
        let run = |slot: &Slot| {
            let current = slot.current.as_ref()?;
            let (job, elapsed) = (current.job, current.since.elapsed());
            let process = slot.group.process().map(|process| process.to_string());
            Some(RunningRun { job, elapsed, process, log: current.log.clone() })
        };
        let mut running: Vec<RunningRun> = self.slots.iter().filter_map(run).collect();
        running.sort_by_key(|run| std::cmp::Reverse(run.elapsed));
        (running, self.left_out)
    }

    /// Runs that were not started, as their tests had failed often enough.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Stops every run, including those that are just being started.
    pub(super) fn pause(&self) {
        self.slots.iter().for_each(|slot| slot.group.pause());
    }

    /// Continues every run; the time of the suspension is added to deadlines.
    pub(super) fn resume(&mut self, paused: Duration) {
        self.paused += paused;
        for slot in &mut self.slots {
            slot.current.iter_mut().for_each(|current| {
                current.phase.extend(paused);
                current.since += paused;
            });
            slot.group.resume(paused);
        }
    }
}

/// The interval of looks at the state while a worker waits for its end.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A worker that waits looks this often whether the time of `--for` is over.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// The interval at which a group that survives is killed again.
pub(super) const KILL_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plan::{Order, Rounds};
    use crate::run::ReplaySpec;
    use crate::store::campaign_file::tests::campaign_file;

    /// A state of one test without an end but this one.
    pub(in crate::run) fn state(timeout: Duration) -> CampaignState {
        let file = campaign_file(&["a"]);
        let campaign = Campaign::new(&file, "/nowhere".into(), ReplaySpec::default()).unwrap();
        let schedule = Schedule::new(1, Rounds::Endless, Order::Interleaved);
        let budget = Budget { duration: Some(timeout), ..Budget::of(Rounds::Endless) };
        CampaignState::new(&Arc::new(campaign), "/nowhere/live".into(), schedule, budget)
    }

    #[test]
    fn an_end_that_comes_a_little_later_is_waited_for() {
        let minute = Duration::from_secs(60);
        let shared = SharedState::new(state(minute));
        assert!(!shared.is_ending_within(Duration::ZERO));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| shared.is_ending_within(minute));
            thread::sleep(2 * POLL_INTERVAL);
            shared.lock().interrupt();
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn suspended_time_is_not_counted() {
        let minute = Duration::from_secs(60);
        let mut state = state(minute);
        let group = state.add_slot();
        assert!(matches!(state.next(0, |_| 0.0), Next::Step(_)));
        state.pause();
        state.resume(60 * minute);
        state.started = state.started.checked_sub(60 * minute).unwrap_or(state.started);
        assert_eq!(group.paused(), 60 * minute);
        let Phase::Running { deadline } = state.slots[0].current.as_ref().unwrap().phase else {
            panic!("the run is still under way");
        };
        assert!(deadline > Instant::now() + 59 * minute, "its deadline has moved too");
        state.finished(0, Verdict::Passed);
        let next = state.next(0, |_| 0.0);
        assert!(matches!(next, Next::Step(_)), "the time of --for has not passed either");
    }
}
