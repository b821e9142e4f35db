//! The state of a running campaign, and every decision about it.
//!
//! It is shared behind a lock: a worker that has finished a run takes its next job itself, so
//! that no processor waits for a message to arrive. Nothing here blocks, writes or waits.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::campaign::{Campaign, Needs};
use super::event::{RunningRun, Stop};
use super::scratch_dir::live_log;
use crate::plan::Budget;
use crate::process::group::{EndReason, ProcessGroup};
use crate::process::sys::Signal;
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
    schedule: Schedule,
    budget: Budget,
    pub(super) slots: Vec<Slot>,
    started: Instant,
    /// The time for which the campaign was suspended.
    paused: Duration,
    /// Set as soon as no further run may start.
    stop: Option<Stop>,
    failed: u32,
    /// Failures of each test.
    failed_of: Vec<u32>,
    /// Runs that were not started, as their tests had failed often enough.
    left_out: u64,
    /// Runs that wait for others of their group, or for workers.
    deferred: VecDeque<Job>,
    /// The number of stacks taken of each test.
    pub(super) stacks_of: HashMap<usize, u32>,
    /// Runs since the last one that could be started.
    not_started: u32,
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
    needs: Needs,
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

/// The escalation of interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escalation {
    /// The first interrupt: so many runs have been asked to end.
    Terminated(usize),
    /// A later one: they have been killed.
    Killed,
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

    /// The next step for a worker.
    pub(super) fn next(&mut self, slot: usize, expected_s: impl Fn(usize) -> f64) -> Next {
        self.check_budget();
        if self.stop.is_some() {
            return Next::End;
        }
        if let Some(next) = self.next_deferred(slot) {
            return next;
        }
        while self.deferred.len() < DEFERRED_MAX {
            let Some(step) = self.schedule.next(&expected_s) else { break };
            match step {
                Step::Round(_) => return Next::Step(step),
                Step::Run(job) if self.is_exhausted(job) => self.left_out += 1,
                Step::Run(job) => match self.obstacle(job) {
                    None => return self.begin(slot, job),
                    Some(obstacle) => {
                        self.deferred.push_back(job);
                        // Otherwise lighter runs would take its workers for ever.
                        if obstacle == Obstacle::Workers {
                            return Next::Wait;
                        }
                    }
                },
            }
        }
        if self.deferred.is_empty() { Next::End } else { Next::Wait }
    }

    /// The first of the deferred runs that can begin now.
    fn next_deferred(&mut self, slot: usize) -> Option<Next> {
        let mut at = 0;
        while let Some(job) = self.deferred.get(at).copied() {
            if self.is_exhausted(job) {
                self.deferred.remove(at);
                self.left_out += 1;
                continue;
            }
            match self.obstacle(job) {
                None => {
                    self.deferred.remove(at);
                    return Some(self.begin(slot, job));
                }
                Some(Obstacle::Workers) => return Some(Next::Wait),
                Some(Obstacle::Group) => at += 1,
            }
        }
        None
    }

    /// `true` if the test has failed as often as it may.
    fn is_exhausted(&self, job: Job) -> bool {
        let limit = self.budget.max_fail_per_test;
        limit.is_some_and(|limit| self.failed_of[job.test] >= limit.get())
    }

    /// The reason for which a run cannot begin now.
    fn obstacle(&self, job: Job) -> Option<Obstacle> {
        let needs = self.campaign.needs_of(job.test);
        let running = || self.slots.iter().filter_map(|slot| slot.current.as_ref());
        let taken: u32 = running().map(|current| current.needs.threads).sum();
        let workers = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        // A test that needs more than there are runs alone.
        if taken > 0 && taken + needs.threads.min(workers) > workers {
            return Some(Obstacle::Workers);
        }
        let (group, limit) = needs.group?;
        let is_of_group =
            |current: &&Current| current.needs.group.as_ref().is_some_and(|(own, _)| *own == group);
        let count = running().filter(is_of_group).count();
        (count >= limit as usize).then_some(Obstacle::Group)
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

    fn begin(&mut self, slot: usize, job: Job) -> Next {
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

    fn check_budget(&mut self) {
        if self.stop.is_some() {
            return;
        }
        if self.budget.max_fail.is_some_and(|limit| self.failed >= limit.get()) {
            self.stop = Some(Stop::Failures);
        } else if self.not_started >= NOT_STARTED_MAX {
            self.stop = Some(Stop::CannotStart);
        } else if self.budget.duration.is_some_and(|limit| self.elapsed() >= limit) {
            self.stop = Some(Stop::Time);
        }
    }

    /// The first interrupt asks every run to end, the second kills them.
    pub(super) fn interrupt(&mut self) -> Escalation {
        let is_first = !self.stop.is_some_and(Stop::is_sudden);
        self.stop = Some(Stop::Interrupted);
        let signal = if is_first { Signal::Terminate } else { Signal::Kill };
        let running = self.end_all(signal);
        if is_first { Escalation::Terminated(running) } else { Escalation::Killed }
    }

    /// Starts no further run, as the command was edited.
    pub(super) fn edited(&mut self) {
        self.stop.get_or_insert(Stop::Edited);
    }

    /// Ends every run for this reason.
    pub(super) fn end(&mut self, reason: Stop) {
        if !self.stop.is_some_and(Stop::is_sudden) {
            self.stop = Some(reason);
            self.end_all(Signal::Terminate);
        }
    }

    /// Ends every running run; returns their number.
    fn end_all(&mut self, signal: Signal) -> usize {
        let wait = if signal == Signal::Kill { KILL_INTERVAL } else { self.campaign.process.grace };
        let kill_at = Instant::now() + wait;
        let mut running = 0;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            running += 1;
            slot.group.end(EndReason::Cancelled, signal);
            current.phase = Phase::Ending { reason: EndReason::Cancelled, kill_at };
        }
        running
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

/// The reason for which a run cannot begin yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// As many of its group are running as may.
    Group,
    /// It needs more workers than are free.
    Workers,
}

/// More runs of a group than this need not wait at the same time.
const DEFERRED_MAX: usize = 256;

/// A worker that waits looks this often whether the time of `--for` is over.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// The number of runs in a row that cannot be started before the campaign ends.
const NOT_STARTED_MAX: u32 = 20;

/// The interval at which a group that survives is killed again.
pub(super) const KILL_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Order, Rounds};
    use crate::run::ReplaySpec;
    use crate::store::campaign_file::tests::campaign_file;

    fn state(timeout: Duration) -> CampaignState {
        let file = campaign_file(&["a"]);
        let campaign = Campaign::new(&file, "/nowhere".into(), ReplaySpec::default()).unwrap();
        let schedule = Schedule::new(1, Rounds::Endless, Order::Interleaved);
        let budget = Budget { duration: Some(timeout), ..Budget::of(Rounds::Endless) };
        CampaignState::new(&Arc::new(campaign), "/nowhere/live".into(), schedule, budget)
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

    #[test]
    fn runs_that_cannot_be_started_are_not_tried_for_ever() {
        let mut state = state(Duration::from_secs(60));
        state.add_slot();
        for number in 0..2 * NOT_STARTED_MAX {
            if state.next(0, |_| 0.0) == Next::End {
                assert_eq!((number, state.stop()), (NOT_STARTED_MAX + 1, Stop::CannotStart));
                return;
            }
            // A run that can be started in between resets the count.
            let verdict = if number == 0 { Verdict::Failed } else { Verdict::NotStarted };
            state.finished(0, verdict);
        }
        panic!("it never ends");
    }

    /// A state of the tests `a`, `b`, `c` with these workers and these rules.
    fn with_rules(workers: usize, rules: &str, per_test: Option<u32>) -> CampaignState {
        let mut file = campaign_file(&["a", "b", "c"]);
        file.rules = serde_json::from_str(rules).unwrap();
        file.groups = [("ports".to_owned(), 1)].into();
        let campaign = Campaign::new(&file, "/nowhere".into(), ReplaySpec::default()).unwrap();
        let rounds = Rounds::Fixed(std::num::NonZeroU32::new(2).unwrap());
        let schedule = Schedule::new(3, rounds, Order::Interleaved);
        let max_fail_per_test = per_test.and_then(std::num::NonZeroU32::new);
        let budget = Budget { max_fail_per_test, ..Budget::of(rounds) };
        let mut state =
            CampaignState::new(&Arc::new(campaign), "/nowhere/live".into(), schedule, budget);
        (0..workers).for_each(|_| drop(state.add_slot()));
        state
    }

    /// The next step of a worker: `a1`, `wait` or `end`.
    fn step(state: &mut CampaignState, slot: usize) -> String {
        match state.next(slot, |_| 0.0) {
            Next::Step(Step::Run(job)) => {
                format!("{}{}", state.campaign.tests[job.test].name, job.iteration)
            }
            Next::Step(Step::Round(_)) => "round".to_owned(),
            Next::Wait => "wait".to_owned(),
            Next::End => "end".to_owned(),
        }
    }

    #[test]
    fn runs_of_a_group_wait_for_each_other_while_others_go_on() {
        let rules = r#"[{"pattern": "a|b", "group": "ports", "threads": null, "env": []}]"#;
        let mut state = with_rules(3, rules, None);
        let steps = [step(&mut state, 0), step(&mut state, 1), step(&mut state, 2)];
        assert_eq!(steps, ["a1", "c1", "c2"]);
        state.finished(1, Verdict::Passed);
        assert_eq!(step(&mut state, 1), "wait");
        state.finished(0, Verdict::Passed);
        assert_eq!(step(&mut state, 1), "b1");
        for (slot, next) in [(1, "a2"), (1, "b2")] {
            state.finished(slot, Verdict::Passed);
            assert_eq!(step(&mut state, slot), next);
        }
        assert_eq!(step(&mut state, 0), "end");
    }

    #[test]
    fn a_run_of_several_workers_waits_until_they_are_free_and_none_overtakes_it() {
        let rules = r#"[{"pattern": "b", "group": null, "threads": 2, "env": []},
                        {"pattern": "c", "group": null, "threads": 9, "env": []}]"#;
        let mut state = with_rules(2, rules, None);
        assert_eq!([step(&mut state, 0), step(&mut state, 1)], ["a1", "wait"]);
        assert_eq!(step(&mut state, 1), "wait");
        state.finished(0, Verdict::Passed);
        assert_eq!([step(&mut state, 0), step(&mut state, 1)], ["b1", "wait"]);
        state.finished(0, Verdict::Passed);
        assert_eq!([step(&mut state, 1), step(&mut state, 0)], ["c1", "wait"]);
    }

    #[test]
    fn a_test_that_has_failed_often_enough_is_not_repeated() {
        let mut state = with_rules(1, "[]", Some(1));
        let mut steps = Vec::new();
        for _ in 0..6 {
            let next = step(&mut state, 0);
            let verdict = if next == "a1" { Verdict::Failed } else { Verdict::Passed };
            if next != "end" {
                state.finished(0, verdict);
            }
            steps.push(next);
        }
        assert_eq!(steps, ["a1", "b1", "c1", "b2", "c2", "end"]);
        assert_eq!(state.left_out(), 1);
    }
}
