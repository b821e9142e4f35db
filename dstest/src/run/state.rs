//! The state of a running campaign, and every decision about it.
//!
//! It is shared behind a lock: a worker that has finished a run takes its next job itself, so
//! that no processor waits for a message to arrive. Nothing here blocks, writes or waits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::campaign::Campaign;
use super::event::Stop;
use super::scratch_dir::live_log;
use crate::plan::Budget;
use crate::process::group::{EndReason, ProcessGroup};
use crate::process::sys::Signal;
use crate::record::{Class, Verdict};
use crate::schedule::{Job, Schedule, Step};
use crate::suite::Harness;

/// The state of a campaign as workers and dispatcher share it.
#[derive(Clone)]
pub(super) struct SharedState(Arc<Mutex<CampaignState>>);

impl SharedState {
    pub(super) fn new(state: CampaignState) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CampaignState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    /// The next step for a worker; `None` at the end.
    pub(super) fn next(&mut self, slot: usize, expected_s: impl Fn(usize) -> f64) -> Option<Step> {
        self.check_budget();
        if self.stop.is_some() {
            return None;
        }
        let step = self.schedule.next(expected_s)?;
        match step {
            Step::Run(job) => self.begin(slot, job),
            Step::Round(_) => {}
        }
        Some(step)
    }

    /// Notes the end of a worker's run.
    pub(super) fn finished(&mut self, slot: usize, verdict: Verdict) {
        self.slots[slot].current = None;
        if verdict.class() == Class::Fail {
            self.failed = self.failed.saturating_add(1);
        }
        let cannot_start = verdict == Verdict::NotStarted;
        self.not_started = if cannot_start { self.not_started.saturating_add(1) } else { 0 };
    }

    fn begin(&mut self, slot: usize, job: Job) {
        let deadline = Instant::now() + self.campaign.timeout_of(job.test);
        let log = live_log(&self.live, slot);
        let slot = &mut self.slots[slot];
        slot.group.clear();
        let harness = self.campaign.tests[job.test].harness;
        slot.current = Some(Current { log, harness, phase: Phase::Running { deadline } });
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
            slot.current.iter_mut().for_each(|current| current.phase.extend(paused));
            slot.group.resume(paused);
        }
    }
}

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
        let budget = Budget { rounds: Rounds::Endless, duration: Some(timeout), max_fail: None };
        CampaignState::new(&Arc::new(campaign), "/nowhere/live".into(), schedule, budget)
    }

    #[test]
    fn suspended_time_is_not_counted() {
        let minute = Duration::from_secs(60);
        let mut state = state(minute);
        let group = state.add_slot();
        state.next(0, |_| 0.0).unwrap();
        state.pause();
        state.resume(60 * minute);
        state.started = state.started.checked_sub(60 * minute).unwrap_or(state.started);
        assert_eq!(group.paused(), 60 * minute);
        let Phase::Running { deadline } = state.slots[0].current.as_ref().unwrap().phase else {
            panic!("the run is still under way");
        };
        assert!(deadline > Instant::now() + 59 * minute, "its deadline has moved too");
        state.finished(0, Verdict::Passed);
        assert!(state.next(0, |_| 0.0).is_some(), "the time of --for has not passed either");
    }

    #[test]
    fn runs_that_cannot_be_started_are_not_tried_for_ever() {
        let mut state = state(Duration::from_secs(60));
        state.add_slot();
        for number in 0..2 * NOT_STARTED_MAX {
            if state.next(0, |_| 0.0).is_none() {
                assert_eq!((number, state.stop()), (NOT_STARTED_MAX + 1, Stop::CannotStart));
                return;
            }
            // A run that can be started in between resets the count.
            let verdict = if number == 0 { Verdict::Failed } else { Verdict::NotStarted };
            state.finished(0, verdict);
        }
        panic!("it never ends");
    }
}
