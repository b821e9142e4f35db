//! Pending calls: their limit, their replies, and the handles of their callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;

use super::error::{ReadError, StopReason, UnknownReason, WriteError};
use crate::types::EntryId;

/// The limit on pending calls: in the mailbox, in the log and at the state machine together.
#[derive(Debug)]
pub(super) struct Admission {
    calls: AtomicU64,
    bytes: AtomicU64,
    pending_max: u64,
    pending_bytes_max: u64,
}

/// The limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) calls: u64,
    pub(super) bytes: u64,
}

impl Admission {
    pub(super) const fn new(pending_max: u64, pending_bytes_max: u64) -> Self {
        Self { calls: AtomicU64::new(0), bytes: AtomicU64::new(0), pending_max, pending_bytes_max }
    }

    /// Admits one call. A single call always fits.
    pub(super) fn admit(self: &Arc<Self>, size: usize) -> Result<Permit, Rejected> {
        let size = size as u64;
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed);
        let permit = Permit { admission: Arc::clone(self), size };
        let fits = calls < self.pending_max && bytes.saturating_add(size) <= self.pending_bytes_max;
        if calls > 0 && !fits { Err(Rejected { calls, bytes }) } else { Ok(permit) }
    }

    /// Number of pending calls.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// The share of one call in the limit, returned on drop.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    size: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.calls.fetch_sub(1, Ordering::Relaxed);
        self.admission.bytes.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// The sender of an answer; the caller may be gone.
#[derive(Debug)]
pub(super) struct Reply<T, E> {
    to: oneshot::Sender<Result<T, E>>,
    _permit: Permit,
}

impl<T, E> Reply<T, E> {
    /// True while the caller waits.
    pub(super) fn is_awaited(&self) -> bool {
        !self.to.is_closed()
    }

    pub(super) fn send(self, answer: Result<T, E>) {
        // The caller may be gone.
        let _ = self.to.send(answer);
    }
}

/// Both ends of an answer.
pub(super) fn reply<T, E>(permit: Permit) -> (Reply<T, E>, oneshot::Receiver<Result<T, E>>) {
    let (to, answer) = oneshot::channel();
    (Reply { to, _permit: permit }, answer)
}

/// A command in a leader's log. It may still be replaced by another leader's entry.
#[derive(Debug)]
pub struct Appended<A> {
    pub(super) id: EntryId,
    pub(super) answer: oneshot::Receiver<Result<A, WriteError>>,
}

impl<A> Appended<A> {
    /// Its entry id: if an entry of this index and term is committed, it is this command.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// Waits for the state machine's answer, as [`Raft::propose`](super::Raft::propose) does.
    ///
    /// # Errors
    /// As for [`Raft::propose`](super::Raft::propose).
    pub async fn answer(self) -> Result<A, WriteError> {
        await_answer(self.answer, Some(self.id)).await
    }
}

/// Waits for an answer, or the end of the driver.
pub(super) async fn await_answer<A>(
    answer: oneshot::Receiver<Result<A, WriteError>>,
    id: Option<EntryId>,
) -> Result<A, WriteError> {
    let reason = UnknownReason::Stopped(StopReason::Driver);
    answer.await.unwrap_or(Err(WriteError::OutcomeUnknown { id, reason }))
}

/// A read of the state, with its reply.
pub(super) trait Query<M>: Send {
    /// Runs it and replies.
    fn run(self: Box<Self>, machine: &M);

    /// Replies with an error.
    fn fail(self: Box<Self>, error: ReadError);
}

/// A closure as a [`Query`].
pub(super) struct Closure<F, R> {
    pub(super) query: F,
    pub(super) reply: Reply<R, ReadError>,
}

impl<M, R: Send, F: FnOnce(&M) -> R + Send> Query<M> for Closure<F, R> {
    fn run(self: Box<Self>, machine: &M) {
        let answer = (self.query)(machine);
        self.reply.send(Ok(answer));
    }

    fn fail(self: Box<Self>, error: ReadError) {
        self.reply.send(Err(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_returned_and_a_single_large_request_fits() {
        let admission = Arc::new(Admission::new(2, 10));
        let large = admission.admit(100).expect("no other request is pending");
        assert_eq!(admission.admit(1).unwrap_err(), Rejected { calls: 1, bytes: 100 });
        drop(large);
        let permits =
            [admission.admit(5), admission.admit(5)].map(|permit| permit.expect("5 + 5 <= 10"));
        assert_eq!(admission.admit(0).unwrap_err(), Rejected { calls: 2, bytes: 10 });
        drop(permits);
        assert_eq!(admission.calls(), 0);
    }
}
