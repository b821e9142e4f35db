//! Callers that wait for entries of the log.
//!
//! Invariant: waiters have rising indexes. The core task adds and expires them; the apply task
//! answers them. A waiter stays here until its answer is known, so that a hanging state machine
//! keeps no caller beyond its deadline.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{UnknownReason, WriteError};
use super::reply::Reply;
use crate::types::{EntryId, Index, Instant};

/// A caller whose command is in the log.
pub(super) struct Waiter<A> {
    pub(super) id: EntryId,
    /// Time of the append.
    pub(super) since: Instant,
    pub(super) deadline: Instant,
    pub(super) expiry: Expiry,
    pub(super) reply: Reply<A, WriteError>,
}

/// Meaning of an expired deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The caller's own deadline.
    Deadline,
    /// The time limit after leadership was lost.
    LeadershipLost,
}

/// The waiters of one node.
pub(super) struct Waiters<A>(Mutex<VecDeque<Waiter<A>>>);

/// A caller and its result.
pub(super) type Completed<A> = (Waiter<A>, Result<A, WriteError>);

impl<A> Default for Waiters<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A> Waiters<A> {
    /// Adds waiters of new entries. Older ones at or after the first index belong to entries of an
    /// earlier leadership that this log has lost since.
    pub(super) fn add(&self, new: &mut Vec<Waiter<A>>) {
        let Some(first) = new.first() else { return };
        let mut waiters = self.lock();
        let keep = waiters.partition_point(|waiter| waiter.id.index < first.id.index);
        let overwritten = waiters.split_off(keep);
        waiters.extend(new.drain(..));
        drop(waiters);
        for waiter in overwritten {
            waiter.fail(UnknownReason::LeadershipLost);
        }
    }

    /// Removes the waiters of applied entries, with their answers. A waiter whose index holds
    /// another entry was replaced; one whose index was skipped by a snapshot never learns its
    /// answer.
    pub(super) fn answer(
        &self,
        answers: &mut Vec<(EntryId, Option<A>)>,
        completed: &mut Vec<Completed<A>>,
    ) {
        let mut waiters = self.lock();
        if waiters.is_empty() {
            return answers.clear();
        }
        for (id, answer) in answers.drain(..) {
            while let Some(waiter) = waiters.pop_front_if(|waiter| waiter.id.index <= id.index) {
                let unknown = UnknownReason::LeadershipLost;
                if waiter.id == id {
                    if let Some(answer) = answer {
                        completed.push((waiter, Ok(answer)));
                    }
                    break;
                }
                let error = match waiter.id.index == id.index {
                    true => WriteError::Replaced { id: waiter.id },
                    false => WriteError::OutcomeUnknown { id: Some(waiter.id), reason: unknown },
                };
                completed.push((waiter, Err(error)));
            }
        }
    }

    /// Fails the waiters through `through`, whose entries were replaced by a snapshot: their
    /// answers are unknown here.
    pub(super) fn fail_through(&self, through: Index) {
        let mut waiters = self.lock();
        let kept = waiters.partition_point(|waiter| waiter.id.index <= through);
        let rest = waiters.split_off(kept);
        let failed = std::mem::replace(&mut *waiters, rest);
        drop(waiters);
        for waiter in failed {
            waiter.fail(UnknownReason::LeadershipLost);
        }
    }

    /// Limits all deadlines to `until`, after leadership was lost.
    pub(super) fn shorten_deadlines(&self, until: Instant) {
        for waiter in &mut *self.lock() {
            if until < waiter.deadline {
                waiter.deadline = until;
                waiter.expiry = Expiry::LeadershipLost;
            }
        }
    }

    /// Fails expired waiters; returns the next deadline.
    pub(super) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut waiters = self.lock();
        let (expired, rest) =
            waiters.drain(..).partition::<VecDeque<_>, _>(|waiter| waiter.deadline <= now);
        *waiters = rest;
        let next = waiters.iter().map(|waiter| waiter.deadline).min();
        drop(waiters);
        for waiter in expired {
            let reason = match waiter.expiry {
                Expiry::Deadline => UnknownReason::DeadlineExceeded,
                Expiry::LeadershipLost => UnknownReason::LeadershipLost,
            };
            waiter.fail(reason);
        }
        next
    }

    /// Fails all waiters when the node stops.
    pub(super) fn close(&self, reason: &UnknownReason) {
        let all = std::mem::take(&mut *self.lock());
        for waiter in all {
            waiter.fail(reason.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiter<A>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A> Waiter<A> {
    fn fail(self, reason: UnknownReason) {
        self.reply.send(Err(WriteError::OutcomeUnknown { id: Some(self.id), reason }));
    }
}
