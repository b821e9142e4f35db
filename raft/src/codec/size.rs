//! Encoded sizes of entries and messages.

use super::membership::membership_len;
use crate::entry::{Entry, LogSlice, Payload};
use crate::message::{Envelope, Message};

impl Payload {
    /// The payload's encoded size, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::NoOp => 0,
            Self::Command(bytes) => bytes.len(),
            Self::Membership(membership) => membership_len(membership),
        }
    }
}

impl Entry {
    /// The encoded size of an entry besides its payload, in bytes.
    pub const OVERHEAD_BYTES: usize = 8 + 1 + 4;

    /// The entry's encoded size, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        Self::OVERHEAD_BYTES + self.payload.encoded_len()
    }
}

impl LogSlice {
    /// The entries' encoded size, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.entries().iter().map(Entry::encoded_len).sum()
    }
}

/// An upper bound of a message's length when it is encoded, in bytes; close to it for large ones.
#[must_use]
pub fn encoded_len_max(envelope: &Envelope) -> usize {
    HEADER_BYTES + envelope.store.map_or(0, |_| 8) + body_len(&envelope.message)
}

const HEADER_BYTES: usize = 1 + 4 * 8;

/// An upper bound of the body's length, so that encoding allocates once.
fn body_len(message: &Message) -> usize {
    match message {
        Message::AppendEntries(append) => 32 + append.slice.encoded_len(),
        Message::InstallSnapshot(chunk) => {
            37 + chunk.chunk.bytes().map_or(0, <[u8]>::len)
                + match &chunk.done {
                    None => 0,
                    Some(membership) => membership_len(membership),
                }
        }
        Message::RequestVote(_)
        | Message::RequestVoteReply(_)
        | Message::RequestPreVote(_)
        | Message::RequestPreVoteReply(_)
        | Message::TimeoutNow
        | Message::AppendEntriesReply(_)
        | Message::InstallSnapshotReply(_)
        | Message::ReadIndex(_)
        | Message::ReadIndexReply(_)
        | Message::Register
        | Message::RegisterReply(_) => 40,
    }
}
