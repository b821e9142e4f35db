//! Actions of the model.

use std::sync::Arc;

use raft::Envelope;

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The election timeout of a peer passes.
    Timeout(usize),
    /// The shortest election timeout has passed at a peer without a leader's message.
    Wait(usize),
    /// A leader's next heartbeat is due.
    Heartbeat(usize),
    /// A command is proposed to a leader.
    Propose(usize),
    /// A flush carries all of a peer's writes to its disk.
    Flush(usize),
    /// A peer crashes; this many of the writes under way survive. It starts again at once.
    Crash(usize, usize),
    /// A leader is asked for the next change of members.
    Change(usize),
    /// A peer that knows a leader is asked for a read.
    Read(usize),
    /// A peer's service takes a snapshot of all it was given.
    Compact(usize),
    /// A message arrives.
    Deliver(Arc<Envelope>),
    /// A message arrives, and will once more.
    DeliverAndKeep(Arc<Envelope>),
}
