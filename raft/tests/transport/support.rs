//! What all tests of transports need: peers, messages and a guard against hanging.

use std::future::Future;
use std::time::Duration;

use raft::message::Vote;
use raft::{Envelope, Message, MessageId, PeerId, Term};

/// Ends a test that would wait for ever. No test's verdict depends on it.
pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it waits for ever")
}

pub(crate) const fn peer(number: u64) -> PeerId {
    PeerId::new(number)
}

/// A small message, told apart from others by its number.
pub(crate) fn vote(id: u64, from: PeerId, to: PeerId) -> Envelope {
    let message = Message::RequestVoteReply(Vote::Granted);
    Envelope { id: MessageId::new(id), from, to, term: Term::new(1), message }
}
