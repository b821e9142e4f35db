//! The state machine, off the core task: it may be slow without anybody's heartbeat being late.
//!
//! Invariant: jobs are done in the order in which the core task gave them.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use super::call::Query;
use super::error::{MachineFailure, ReadError, caught};
use super::handle::Shared;
use super::machine::{Command, MachineError, StateMachine};
use super::requests::Request;
use super::waiters::Answered;
use crate::entry::{Entry, Payload, Snapshot};
use crate::types::{EntryId, Index};

/// Where the state machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyOn {
    /// On a thread that may block, until it has shown that it is quick; then on a task; on a thread
    /// again as soon as it is slow. A state machine that is quick for long and then slow holds up
    /// one thread of the runtime, once.
    #[default]
    Measured,
    /// Always on a thread that may block. For state machines that use a disk or are slow at times.
    Thread,
    /// Always on a task. For state machines that are always quick: it saves waking a thread.
    Task,
}

/// Work for the state machine.
pub(super) enum Job<M: StateMachine> {
    /// Carry out these entries.
    Apply(Vec<Entry>),
    /// Become this state.
    Restore(Snapshot),
    /// Make a snapshot of the state.
    Snapshot,
    /// Answer a question about the state.
    Read(Box<dyn Query<M>>),
}

impl<M: StateMachine> Job<M> {
    /// Whether it takes long whatever the state machine is like.
    const fn is_heavy(&self) -> bool {
        matches!(self, Self::Restore(_) | Self::Snapshot)
    }
}

/// The state machine with what it needs to answer.
pub(super) struct Applier<M: StateMachine> {
    machine: M,
    last_applied: Index,
    shared: Arc<Shared<M>>,
    pace: Pace,
    answers: Vec<(EntryId, Option<M::Answer>)>,
    answered: Vec<Answered<M::Answer>>,
}

/// How quick the state machine has been.
struct Pace {
    apply_on: ApplyOn,
    quick_batches: u32,
}

/// What a batch may take to count as quick: much less than the shortest heartbeat interval that
/// makes sense.
const QUICK: Duration = Duration::from_millis(1);

/// So many quick batches in a row make a quick state machine.
const QUICK_BATCHES: u32 = 32;

/// How many entries are applied before their callers are answered and other tasks may run.
const CHUNK: usize = 64;

impl<M: StateMachine> Applier<M> {
    pub(super) fn new(machine: M, last_applied: Index, shared: Arc<Shared<M>>) -> Self {
        let pace = Pace { apply_on: shared.settings.apply_on, quick_batches: 0 };
        let (answers, answered) = (Vec::new(), Vec::new());
        Self { machine, last_applied, shared, pace, answers, answered }
    }

    /// Does jobs until there are no more.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::new();
        loop {
            poll_fn(|context| self.shared.jobs.poll_take(context, &mut jobs)).await;
            if jobs.is_empty() {
                return;
            }
            let done = if self.pace.needs_thread() || jobs.iter().any(Job::is_heavy) {
                let work = tokio::task::spawn_blocking(move || {
                    let done = jobs.drain(..).try_for_each(|job| self.work(job));
                    (self, jobs, done)
                });
                // The runtime is ending.
                let Ok((back, emptied, done)) = work.await else { return };
                (self, jobs) = (back, emptied);
                done
            } else {
                self.work_in_turns(&mut jobs).await
            };
            if let Err(failure) = done {
                // A core task that has ended needs no reason to.
                let _ = self.shared.requests.put(Request::MachineFailed(failure));
                return;
            }
        }
    }

    /// Does jobs on a task, and lets others run in between.
    async fn work_in_turns(&mut self, jobs: &mut Vec<Job<M>>) -> Result<(), MachineFailure> {
        let mut jobs = jobs.drain(..).peekable();
        while let Some(job) = jobs.next() {
            match job {
                Job::Apply(entries) => {
                    let mut chunks = entries.chunks(CHUNK).peekable();
                    while let Some(chunk) = chunks.next() {
                        self.apply(chunk)?;
                        if chunks.peek().is_some() {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                job @ (Job::Restore(_) | Job::Snapshot | Job::Read(_)) => self.work(job)?,
            }
            if jobs.peek().is_some() {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn work(&mut self, job: Job<M>) -> Result<(), MachineFailure> {
        match job {
            Job::Apply(entries) => entries.chunks(CHUNK).try_for_each(|chunk| self.apply(chunk)),
            Job::Restore(snapshot) => self.restore(&snapshot),
            Job::Snapshot => self.snapshot(),
            Job::Read(query) => self.read(query),
        }
    }

    fn apply(&mut self, entries: &[Entry]) -> Result<(), MachineFailure> {
        let start = self.shared.clock.now();
        let (machine, answers, shared) = (&mut self.machine, &mut self.answers, &self.shared);
        let applied = caught(|| {
            entries.iter().try_for_each(|entry| {
                let answer = match &entry.payload {
                    Payload::NoOp | Payload::Membership(_) => None,
                    Payload::Command(bytes) => Some(machine.apply(decode::<M>(entry.id, bytes)?)),
                };
                if answer.is_some() && machine.wants_snapshot() {
                    shared.hand_in(entry.id.index, machine.snapshot());
                }
                answers.push((entry.id, answer));
                Ok(())
            })
        });
        let at = self.answers.last().map_or(self.last_applied, |(id, _)| id.index);
        let applied =
            applied.unwrap_or_else(|panic| Err(MachineFailure::at_index(at.next(), panic)));
        self.tell(at);
        self.pace.took(self.shared.clock.now().since(start));
        applied
    }

    /// Answers the callers of what was applied.
    fn tell(&mut self, last_applied: Index) {
        self.last_applied = last_applied;
        self.shared.waiters.answer(&mut self.answers, &mut self.answered);
        self.shared.status.send_if_modified(|status| {
            std::mem::replace(&mut status.last_applied, last_applied) != last_applied
        });
        for (waiter, answer) in self.answered.drain(..) {
            waiter.reply.send(answer);
        }
    }

    /// What the state machine holds already (from the start of the node) it is not given again.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), MachineFailure> {
        if snapshot.index() <= self.last_applied {
            return Ok(());
        }
        restore(&mut self.machine, snapshot)?;
        self.shared.waiters.skip(snapshot.index());
        self.tell(snapshot.index());
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), MachineFailure> {
        let through = self.last_applied;
        let made = caught(|| self.machine.snapshot());
        let made = made.map_err(|panic| MachineFailure::at_index(through, panic))?;
        self.shared.hand_in(through, made);
        Ok(())
    }

    fn read(&mut self, query: Box<dyn Query<M>>) -> Result<(), MachineFailure> {
        let start = self.shared.clock.now();
        let answered = caught(|| query.run(&self.machine));
        self.pace.took(self.shared.clock.now().since(start));
        answered.map_err(|panic| MachineFailure::at_index(self.last_applied, panic))
    }
}

impl<M: StateMachine> Shared<M> {
    /// Gives the core task what the state machine made of a snapshot.
    fn hand_in(&self, through: Index, made: Result<Vec<u8>, MachineError>) {
        let request = match made {
            Ok(data) => Request::SnapshotMade { through, data: data.into() },
            Err(error) => Request::SnapshotFailed { through, error },
        };
        // A core task that has ended has no log to compact.
        let _ = self.requests.put(request);
    }
}

fn decode<M: StateMachine>(id: EntryId, bytes: &[u8]) -> Result<M::Command, MachineFailure> {
    M::Command::decode(bytes).map_err(|error| {
        MachineFailure::at_index(id.index, format!("undecodable command: {error}"))
    })
}

/// Makes a snapshot the state of `machine`.
pub(super) fn restore<M: StateMachine>(
    machine: &mut M,
    snapshot: &Snapshot,
) -> Result<(), MachineFailure> {
    let failed = |what| MachineFailure {
        at: format!("restoring the snapshot through index {}", snapshot.index()),
        what,
    };
    match caught(|| machine.restore(&snapshot.data)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(panic) => Err(failed(panic)),
    }
}

impl<M: StateMachine> Drop for Applier<M> {
    /// However it ends, whoever still waits for a read hears of it.
    fn drop(&mut self) {
        for job in self.shared.jobs.close() {
            if let Job::Read(query) = job {
                query.fail(ReadError::Stopped(self.shared.stop_reason()));
            }
        }
    }
}

impl Pace {
    fn needs_thread(&self) -> bool {
        match self.apply_on {
            ApplyOn::Measured => self.quick_batches < QUICK_BATCHES,
            ApplyOn::Thread => true,
            ApplyOn::Task => false,
        }
    }

    fn took(&mut self, time: Duration) {
        let quick = time < QUICK;
        self.quick_batches = if quick { self.quick_batches.saturating_add(1) } else { 0 };
    }
}
