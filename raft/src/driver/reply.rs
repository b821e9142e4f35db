//! Replies to pending calls, and the handles of their callers.

use tokio::sync::oneshot;

use super::admission::Permit;
use super::error::{StopReason, UnknownReason, WriteError};
use crate::types::EntryId;

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
