//! The apply task: runs the state machine off the core task, so that a slow one delays no
//! heartbeat.
//!
//! Invariant: jobs are done in the order of the core task, and callers are answered on the
//! runtime's own threads: waking a task from elsewhere costs a system call each.

pub(super) mod job;
pub(super) mod mode;
pub(super) mod query;

use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::vec;

use self::job::Job;
use self::mode::{ApplyMode, ApplyOn, Timing};
use self::query::Query;
use super::core_task::request::Request;
use super::error::{MachineFailure, ReadError, StopReason, catch_panic};
use super::machine::{Machine, StatePlace};
use super::metrics::seconds;
use super::shared::Shared;
use super::state_machine::Command;
use super::waiters::Completed;
use crate::entry::{Entry, Payload, Snapshot};
use crate::types::{EntryId, Instant};

/// The owner of the state machine.
pub(super) struct Applier<M: Machine> {
    machine: M,
    /// Entries that an operator has excluded.
    skipped: BTreeSet<EntryId>,
    last_applied: EntryId,
    /// End of the last apply, or of the last work on a thread.
    applied_at: Instant,
    shared: Arc<Shared<M>>,
    mode: ApplyMode,
    jobs: VecDeque<Job<M>>,
    answers: Vec<(EntryId, Option<M::Answer>)>,
    completed: Vec<Completed<M::Answer>>,
}

/// Number of entries applied on a task before their callers are answered and other tasks may run.
const CHUNK: usize = 64;

/// Number of entries that a state machine on disk is given at once.
const BATCH: usize = 1024;

impl<M: Machine> Applier<M> {
    pub(super) fn new(
        machine: M,
        skipped: BTreeSet<EntryId>,
        last_applied: EntryId,
        shared: Arc<Shared<M>>,
    ) -> Self {
        let apply_on = match M::STATE {
            StatePlace::Memory => shared.settings.apply_on,
            StatePlace::Disk => ApplyOn::Thread,
        };
        let (mode, jobs) = (ApplyMode::new(apply_on), VecDeque::new());
        let (answers, completed) = (Vec::new(), Vec::new());
        let applied_at = Instant::START;
        Self { machine, skipped, last_applied, applied_at, shared, mode, jobs, answers, completed }
    }

    /// Runs jobs until the queue is closed.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::new();
        loop {
            poll_fn(|context| self.shared.jobs.poll_take(context, &mut jobs)).await;
            if jobs.is_empty() {
                return;
            }
            self.jobs.extend(jobs.drain(..));
            while !self.jobs.is_empty() {
                let done = if self.mode.needs_thread() || self.next_is_heavy() {
                    let work = tokio::task::spawn_blocking(move || {
                        let done = self.work_on_thread();
                        (self, done)
                    });
                    // The runtime is ending.
                    let Ok((back, done)) = work.await else { return };
                    self = back;
                    self.applied_at = self.shared.clock.now();
                    done
                } else {
                    self.work_on_task()
                };
                self.answer_callers();
                if let Err(failure) = done {
                    // The core task may have ended.
                    let _ = self.shared.requests.put(Request::MachineFailed(failure));
                    return;
                }
                if !self.jobs.is_empty() {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn next_is_heavy(&self) -> bool {
        self.jobs.front().is_some_and(Job::is_heavy)
    }

    /// Works on a task, up to one chunk of entries.
    fn work_on_task(&mut self) -> Result<(), MachineFailure> {
        let mut left = CHUNK;
        while left > 0 && !self.jobs.is_empty() && !self.next_is_heavy() {
            left = left.saturating_sub(self.work(left)?.max(1));
        }
        Ok(())
    }

    /// Works on a thread until replies are due.
    fn work_on_thread(&mut self) -> Result<(), MachineFailure> {
        let entries_max = match M::STATE {
            StatePlace::Memory => 1,
            StatePlace::Disk => BATCH,
        };
        let start = self.shared.clock.now();
        while !self.jobs.is_empty() {
            self.work(entries_max)?;
            if ApplyMode::replies_due(self.shared.clock.now().since(start)) {
                break;
            }
        }
        Ok(())
    }

    /// Runs the next job, or some of its entries; returns the number of entries.
    fn work(&mut self, entries_max: usize) -> Result<usize, MachineFailure> {
        match self.jobs.pop_front() {
            Some(Job::Apply(mut entries, given)) => {
                let before = entries.len();
                self.apply(&mut entries, entries_max, given)?;
                let done = before - entries.len();
                if entries.len() > 0 {
                    self.jobs.push_front(Job::Apply(entries, self.shared.clock.now()));
                }
                return Ok(done);
            }
            Some(Job::ReadEntries(read)) => self.shared.read_entries(read),
            Some(Job::Restore(snapshot)) => self.restore(&snapshot)?,
            Some(Job::Snapshot) => self.snapshot()?,
            Some(Job::Read(query)) => self.read(query),
            None => {}
        }
        Ok(0)
    }

    fn apply(
        &mut self,
        entries: &mut vec::IntoIter<Entry>,
        entries_max: usize,
        given: Instant,
    ) -> Result<(), MachineFailure> {
        let timing = if self.mode.needs_exact_time() { Timing::WorkOnly } else { Timing::WithWait };
        let start = match timing {
            Timing::WorkOnly => self.shared.clock.now(),
            Timing::WithWait => given,
        };
        let before = self.answers.len();
        let applied = self.apply_batches(entries.take(entries_max));
        self.shared.metrics.applied.increment((self.answers.len() - before) as u64);
        let at = self.answers.last().map_or(self.last_applied, |(id, _)| *id);
        self.last_applied = at;
        self.applied_at = self.shared.clock.now();
        self.shared.metrics.apply.record(seconds(self.applied_at.since(given)));
        self.mode.record(self.applied_at.since(start), timing);
        applied
    }

    /// Applies entries, commands in batches between those that are none.
    fn apply_batches(
        &mut self,
        entries: impl Iterator<Item = Entry>,
    ) -> Result<(), MachineFailure> {
        let mut batch = Vec::new();
        // A state on disk may contain more than the snapshot that the log begins with.
        let applied = self.last_applied.index;
        for Entry { id, payload } in entries.skip_while(|it| it.id.index <= applied) {
            match payload {
                Payload::Command(_) if self.skipped.contains(&id) => {
                    tracing::warn!(peer = %self.shared.id, entry = %id, "entry skipped");
                }
                Payload::Command(bytes) => {
                    match decode::<M>(id, &bytes) {
                        Ok(command) => batch.push((id, command)),
                        Err(error) => {
                            self.apply_batch(batch)?;
                            return Err(error);
                        }
                    }
                    continue;
                }
                Payload::NoOp | Payload::Membership(_) => {}
            }
            self.apply_batch(std::mem::take(&mut batch))?;
            self.answers.push((id, None));
        }
        self.apply_batch(batch)
    }

    fn apply_batch(&mut self, batch: Vec<(EntryId, M::Command)>) -> Result<(), MachineFailure> {
        let (Some((first, _)), Some((last, _))) = (batch.first(), batch.last()) else {
            return Ok(());
        };
        let (first, last, before) = (*first, *last, self.answers.len());
        let (machine, answers, shared) = (&mut self.machine, &mut self.answers, &self.shared);
        let applied = catch_panic(|| {
            machine.apply_batch(batch, &mut |machine, id, answer| {
                if machine.is_snapshot_wanted() {
                    shared.submit_snapshot(id.index, machine.view());
                }
                answers.push((id, Some(answer)));
            })
        });
        let what = match applied {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic,
        };
        Err(match M::STATE {
            StatePlace::Memory => {
                let done = (self.answers.len() - before) as u64;
                let index = first.index.plus(done);
                MachineFailure::applying(EntryId { index, ..first }, what)
            }
            StatePlace::Disk => MachineFailure::applying_batch(first, last, what),
        })
    }

    /// Answers the callers of applied entries.
    fn answer_callers(&mut self) {
        self.shared.waiters.answer(&mut self.answers, &mut self.completed);
        let last_applied = self.last_applied.index;
        self.shared.status.update(|status| {
            std::mem::replace(&mut status.last_applied, last_applied) != last_applied
        });
        if self.completed.is_empty() {
            return;
        }
        for (waiter, answer) in self.completed.drain(..) {
            self.shared.metrics.write.record(seconds(self.applied_at.since(waiter.since)));
            waiter.reply.send(answer);
        }
    }

    /// Restores a snapshot unless the state machine already includes it (from the node's start).
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), MachineFailure> {
        if snapshot.index() <= self.last_applied.index {
            return Ok(());
        }
        restore(&mut self.machine, snapshot)?;
        self.last_applied = snapshot.last_included;
        self.shared.waiters.fail_through(snapshot.index());
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), MachineFailure> {
        let through = self.last_applied.index;
        let view = catch_panic(|| self.machine.view());
        let view = view.map_err(|panic| MachineFailure::at_index(through, panic))?;
        self.shared.submit_snapshot(through, view);
        Ok(())
    }

    fn read(&mut self, query: Box<dyn Query<M>>) {
        let start = self.shared.clock.now();
        // The caller may be gone, and its answer's own code panic as it is dropped.
        let _ = catch_panic(|| query.run(&self.machine, self.last_applied));
        self.mode.record(self.shared.clock.now().since(start), Timing::WorkOnly);
    }
}

fn decode<M: Machine>(id: EntryId, bytes: &[u8]) -> Result<M::Command, MachineFailure> {
    M::Command::decode(bytes)
        .map_err(|error| MachineFailure::applying(id, format!("undecodable command: {error}")))
}

/// The last entry in a state machine's own state.
pub(super) fn applied_through<M: Machine>(machine: &mut M) -> Result<EntryId, MachineFailure> {
    let what = match catch_panic(|| machine.applied_through()) {
        Ok(Ok(applied)) => return Ok(applied),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic,
    };
    Err(MachineFailure { at: "reading its state".to_owned(), what, entry: None })
}

/// Restores a snapshot.
pub(super) fn restore<M: Machine>(
    machine: &mut M,
    snapshot: &Snapshot,
) -> Result<(), MachineFailure> {
    let failed = |what| MachineFailure {
        at: format!("restoring the snapshot through index {}", snapshot.index()),
        what,
        entry: None,
    };
    match catch_panic(|| machine.restore_data(snapshot.last_included, &snapshot.data)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(panic) => Err(failed(panic)),
    }
}

impl<M: Machine> Drop for Applier<M> {
    /// Fails pending reads, however the task ends. A node without it would be one that never
    /// answers, so it ends, too.
    fn drop(&mut self) {
        let reason = StopReason::of_dropped_task();
        // The core task has usually ended before.
        let _ = self.shared.requests.put(Request::Stop(reason));
        let left = self.jobs.drain(..).collect::<Vec<_>>();
        for job in left.into_iter().chain(self.shared.jobs.close()) {
            if let Job::Read(query) = job {
                query.fail(ReadError::Stopped(self.shared.stop_reason()));
            }
        }
    }
}
