//! Reads of the state machine.

use super::error::ReadError;
use super::reply::Reply;

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
