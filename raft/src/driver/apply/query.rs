//! Reads of the state machine.

use crate::driver::error::{ReadError, catch_panic};
use crate::driver::reply::Reply;
use crate::types::EntryId;

/// A read of the state, with its reply.
pub(crate) trait Query<M>: Send {
    /// Runs it on a state that contains all entries through `applied`, and replies; a panic is its error.
    fn run(self: Box<Self>, machine: &M, applied: EntryId);

    /// The time that it may take.
    fn cost(&self) -> Cost;

    /// Replies with an error.
    fn fail(self: Box<Self>, error: ReadError);
}

/// The time that a read may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// As much as the state machine's user chose.
    Light,
    /// As much as the whole state needs, so that it runs on a thread.
    Heavy,
}

/// A closure as a [`Query`].
pub(crate) struct Closure<F, R> {
    pub(crate) query: F,
    pub(crate) cost: Cost,
    pub(crate) reply: Reply<R, ReadError>,
}

impl<M, R: Send, F: FnOnce(&M, EntryId) -> R + Send> Query<M> for Closure<F, R> {
    fn run(self: Box<Self>, machine: &M, applied: EntryId) {
        let Self { query, reply, .. } = *self;
        reply.send(catch_panic(|| query(machine, applied)).map_err(ReadError::Panicked));
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn fail(self: Box<Self>, error: ReadError) {
        self.reply.send(Err(error));
    }
}
