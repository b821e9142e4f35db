//! Reads of the state machine.

use crate::driver::error::{ReadError, catch_panic};
use crate::driver::reply::Reply;

/// A read of the state, with its reply.
pub(crate) trait Query<M>: Send {
    /// Runs it and replies; a panic is its error.
    fn run(self: Box<Self>, machine: &M);

    /// Replies with an error.
    fn fail(self: Box<Self>, error: ReadError);
}

/// A closure as a [`Query`].
pub(crate) struct Closure<F, R> {
    pub(crate) query: F,
    pub(crate) reply: Reply<R, ReadError>,
}

impl<M, R: Send, F: FnOnce(&M) -> R + Send> Query<M> for Closure<F, R> {
    fn run(self: Box<Self>, machine: &M) {
        let Self { query, reply } = *self;
        reply.send(catch_panic(|| query(machine)).map_err(ReadError::Panicked));
    }

    fn fail(self: Box<Self>, error: ReadError) {
        self.reply.send(Err(error));
    }
}
