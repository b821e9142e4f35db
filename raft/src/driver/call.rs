//! Calls under way: how many there may be, where their answers go, and what callers hold meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;

use super::error::{ReadError, StopReason, Unknown, WriteError};
use crate::types::EntryId;

/// How much may wait for an answer: in the mailbox, in the log and at the state machine together.
#[derive(Debug)]
pub(super) struct Room {
    calls: AtomicU64,
    bytes: AtomicU64,
    calls_max: u64,
    bytes_max: u64,
}

/// There is no room for one more call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom {
    pub(super) calls: u64,
    pub(super) bytes: u64,
}

impl Room {
    pub(super) const fn new(calls_max: u64, bytes_max: u64) -> Self {
        Self { calls: AtomicU64::new(0), bytes: AtomicU64::new(0), calls_max, bytes_max }
    }

    /// Takes the room of one call. A single call always fits.
    pub(super) fn enter(self: &Arc<Self>, size: usize) -> Result<Place, NoRoom> {
        let size = size as u64;
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed);
        let place = Place { room: Arc::clone(self), size };
        let fits = calls < self.calls_max && bytes.saturating_add(size) <= self.bytes_max;
        if calls > 0 && !fits { Err(NoRoom { calls, bytes }) } else { Ok(place) }
    }

    /// How many calls have no answer yet.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// The room of one call; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    size: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.calls.fetch_sub(1, Ordering::Relaxed);
        self.room.bytes.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Where an answer goes. A caller that has gone away takes none.
#[derive(Debug)]
pub(super) struct Reply<T, E> {
    to: oneshot::Sender<Result<T, E>>,
    _place: Place,
}

impl<T, E> Reply<T, E> {
    /// Whether somebody still waits for the answer.
    pub(super) fn is_awaited(&self) -> bool {
        !self.to.is_closed()
    }

    pub(super) fn send(self, answer: Result<T, E>) {
        // A caller that has gone away wants no answer.
        let _ = self.to.send(answer);
    }
}

/// Where an answer goes, and where it comes from.
pub(super) fn reply<T, E>(place: Place) -> (Reply<T, E>, oneshot::Receiver<Result<T, E>>) {
    let (to, answer) = oneshot::channel();
    (Reply { to, _place: place }, answer)
}

/// A command that has its place in a leader's log. It may still lose it to another leader's.
#[derive(Debug)]
pub struct Appended<A> {
    pub(super) id: EntryId,
    pub(super) answer: oneshot::Receiver<Result<A, WriteError>>,
}

impl<A> Appended<A> {
    /// The place: if an entry of this index and term is committed, it is this command.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// Waits for the state machine's answer, as [`Raft::propose`](super::Raft::propose) does.
    ///
    /// # Errors
    /// As for [`Raft::propose`](super::Raft::propose).
    pub async fn answer(self) -> Result<A, WriteError> {
        answered(self.answer, Some(self.id)).await
    }
}

/// Waits for an answer; a driver that is gone has none.
pub(super) async fn answered<A>(
    answer: oneshot::Receiver<Result<A, WriteError>>,
    id: Option<EntryId>,
) -> Result<A, WriteError> {
    let why = Unknown::Stopped(StopReason::Driver);
    answer.await.unwrap_or(Err(WriteError::OutcomeUnknown { id, why }))
}

/// A question about the state, with where its answer goes.
pub(super) trait Query<M>: Send {
    /// Answers it.
    fn run(self: Box<Self>, machine: &M);

    /// Says why there is no answer.
    fn fail(self: Box<Self>, error: ReadError);
}

/// A closure as a [`Query`].
pub(super) struct Question<F, R> {
    pub(super) ask: F,
    pub(super) reply: Reply<R, ReadError>,
}

impl<M, R: Send, F: FnOnce(&M) -> R + Send> Query<M> for Question<F, R> {
    fn run(self: Box<Self>, machine: &M) {
        let answer = (self.ask)(machine);
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
    fn room_is_given_back_and_a_single_large_call_fits() {
        let room = Arc::new(Room::new(2, 10));
        let large = room.enter(100).expect("nothing else is there");
        assert_eq!(room.enter(1).unwrap_err(), NoRoom { calls: 1, bytes: 100 });
        drop(large);
        let places = [room.enter(5), room.enter(5)].map(|place| place.expect("5 + 5 <= 10"));
        assert_eq!(room.enter(0).unwrap_err(), NoRoom { calls: 2, bytes: 10 });
        drop(places);
        assert_eq!(room.calls(), 0);
    }
}
