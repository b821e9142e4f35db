//! Messages as bytes: what goes over a wire, and what a simulated network counts.
//!
//! All numbers are little-endian and of fixed width. Decoding is total: whatever the bytes, it
//! returns a message that keeps the invariants of its types, or an error.
//!
//! ```text
//! kind:u8 id:u64 from:u64 to:u64 term:u64 body
//! entry: term:u64 kind:u8 len:u32 bytes        (its index follows from its place)
//! ```

mod decode;
mod encode;
mod membership;

pub(crate) use self::decode::Reader;
pub(crate) use self::encode::Writer;
pub use self::membership::{decode_membership, encode_membership, membership_len};

use self::encode::kind;
use crate::entry::{BrokenSlice, Entry};
use crate::membership::BrokenMembership;
use crate::message::{Envelope, Message};
use crate::types::{MessageId, PeerId, Term};

/// Bytes that are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message ends too soon.
    #[error("the message is cut off")]
    CutOff,
    /// A byte without a meaning.
    #[error("unknown {what} {found}")]
    Unknown {
        /// The kind of value expected.
        what: &'static str,
        /// The byte.
        found: u8,
    },
    /// Entries that do not follow each other.
    #[error(transparent)]
    BrokenSlice(#[from] BrokenSlice),
    /// Members that contradict each other.
    #[error(transparent)]
    BrokenMembership(#[from] BrokenMembership),
    /// Peers that do not rise.
    #[error("peer {peer} cannot follow peer {last}")]
    OutOfOrder {
        /// The peer before it.
        last: PeerId,
        /// The peer that does not fit.
        peer: PeerId,
    },
    /// An address that is not text.
    #[error("an address is not UTF-8")]
    AddressNotText,
    /// Bytes after the message.
    #[error("{0} bytes too many")]
    TooLong(usize),
    /// A number too large for what it counts.
    #[error("{0} is too large")]
    TooLarge(u64),
}

/// Encodes a message.
///
/// ```
/// use raft::{Envelope, Message, MessageId, PeerId, Term, codec, message::Vote};
/// let envelope = Envelope {
///     id: MessageId::new(7),
///     from: PeerId::new(1),
///     to: PeerId::new(2),
///     term: Term::new(3),
///     message: Message::RequestVoteReply(Vote::Granted),
/// };
/// let bytes = codec::encode(&envelope);
/// assert_eq!(codec::decode(&bytes), Ok(envelope));
/// assert!(codec::decode(&bytes[1..]).is_err());
/// ```
#[must_use]
pub fn encode(envelope: &Envelope) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_onto(envelope, &mut bytes);
    bytes
}

/// Encodes a message after what `bytes` holds already.
///
/// ```
/// # use raft::{Envelope, Message, MessageId, PeerId, Term, codec, message::Vote};
/// # let (id, from, to, term) = (MessageId::new(7), PeerId::new(1), PeerId::new(2), Term::new(3));
/// # let message = Message::RequestVoteReply(Vote::Granted);
/// # let envelope = Envelope { id, from, to, term, message };
/// let mut bytes = vec![42];
/// codec::encode_onto(&envelope, &mut bytes);
/// assert_eq!(bytes[1..], codec::encode(&envelope));
/// ```
pub fn encode_onto(envelope: &Envelope, bytes: &mut Vec<u8>) {
    bytes.reserve(encoded_len_max(envelope));
    let mut writer = Writer(std::mem::take(bytes));
    writer.u8(kind(&envelope.message));
    writer.u64(envelope.id.number());
    writer.u64(envelope.from.number());
    writer.u64(envelope.to.number());
    writer.u64(envelope.term.number());
    writer.body(&envelope.message);
    *bytes = writer.0;
}

/// An upper bound of a message's length when it is encoded, in bytes; close to it for large ones.
#[must_use]
pub fn encoded_len_max(envelope: &Envelope) -> usize {
    HEADER_BYTES + body_len(&envelope.message)
}

/// Decodes a message.
///
/// # Errors
/// The bytes are not a message.
pub fn decode(bytes: &[u8]) -> Result<Envelope, DecodeError> {
    let mut reader = Reader(bytes);
    let kind = reader.u8()?;
    let id = MessageId::new(reader.u64()?);
    let from = PeerId::new(reader.u64()?);
    let to = PeerId::new(reader.u64()?);
    let term = Term::new(reader.u64()?);
    let message = reader.body(kind)?;
    match reader.0.len() {
        0 => Ok(Envelope { id, from, to, term, message }),
        rest => Err(DecodeError::TooLong(rest)),
    }
}

const HEADER_BYTES: usize = 1 + 4 * 8;

/// An upper bound of the body's length, so that encoding allocates once.
fn body_len(message: &Message) -> usize {
    match message {
        Message::AppendEntries(append) => {
            32 + append.slice.entries().iter().map(Entry::encoded_len).sum::<usize>()
        }
        Message::InstallSnapshot(chunk) => {
            37 + chunk.chunk.len()
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
        | Message::ReadIndexReply(_) => 40,
    }
}
