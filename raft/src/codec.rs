//! Messages as bytes: what goes over a wire, and what a simulated network counts.
//!
//! All numbers are little-endian and of fixed width. Decoding is total: whatever the bytes, it
//! returns a message that keeps the invariants of its types, or an error.
//!
//! ```text
//! kind:u8 id:u64 from:u64 to:u64 term:u64 body
//! entry: term:u64 kind:u8 len:u32 bytes        (its index follows from its place)
//! ```

use crate::entry::{BrokenSlice, Bytes, Entry, LogSlice, Payload};
use crate::message::{
    AppendEntries, AppendEntriesReply, Carried, Envelope, InstallSnapshot, InstallSnapshotReply,
    Message, RequestVote, Rest, Vote,
};
use crate::types::{EntryId, Index, MessageId, PeerId, Term};

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message ends too soon.
    #[error("the message is cut off")]
    CutOff,
    /// A byte that stands for nothing.
    #[error("unknown {what} {found}")]
    Unknown {
        /// What the byte should say.
        what: &'static str,
        /// The byte.
        found: u8,
    },
    /// Entries that do not follow each other.
    #[error(transparent)]
    BrokenSlice(#[from] BrokenSlice),
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
/// What is wrong with the bytes.
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
            28 + append.slice.entries().iter().map(Entry::encoded_len).sum::<usize>()
        }
        Message::InstallSnapshot(chunk) => 29 + chunk.chunk.len(),
        Message::RequestVote(_)
        | Message::RequestVoteReply(_)
        | Message::AppendEntriesReply(_)
        | Message::InstallSnapshotReply(_) => 32,
    }
}

const fn kind(message: &Message) -> u8 {
    match message {
        Message::RequestVote(_) => 1,
        Message::RequestVoteReply(_) => 2,
        Message::AppendEntries(_) => 3,
        Message::AppendEntriesReply(_) => 4,
        Message::InstallSnapshot(_) => 5,
        Message::InstallSnapshotReply(_) => 6,
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// # Panics
    /// The bytes are 4 GiB or more, which no limit of the configuration allows.
    fn bytes(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len());
        assert!(len.is_ok(), "{} bytes do not fit into one message", bytes.len());
        self.0.extend_from_slice(&len.unwrap_or_default().to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn entry_id(&mut self, id: EntryId) {
        self.u64(id.term.number());
        self.u64(id.index.number());
    }

    fn body(&mut self, message: &Message) {
        match message {
            Message::RequestVote(request) => self.entry_id(request.last_log),
            Message::RequestVoteReply(Vote::Granted) => self.u8(1),
            Message::RequestVoteReply(Vote::Refused) => self.u8(0),
            Message::AppendEntries(append) => self.append_entries(append),
            Message::AppendEntriesReply(reply) => self.append_entries_reply(*reply),
            Message::InstallSnapshot(chunk) => self.install_snapshot(chunk),
            Message::InstallSnapshotReply(reply) => self.install_snapshot_reply(*reply),
        }
    }

    fn append_entries(&mut self, append: &AppendEntries) {
        self.entry_id(append.slice.prev());
        self.u64(append.leader_commit.number());
        for entry in append.slice.entries() {
            self.u64(entry.id.term.number());
            self.u8(match entry.payload {
                Payload::NoOp => 0,
                Payload::Command(_) => 1,
            });
            self.bytes(entry.payload.bytes());
        }
    }

    fn append_entries_reply(&mut self, reply: AppendEntriesReply) {
        match reply {
            AppendEntriesReply::OldTerm => self.u8(0),
            AppendEntriesReply::Accepted { match_index, carried } => {
                self.u8(match carried {
                    Carried::Entries => 1,
                    Carried::Nothing => 3,
                });
                self.u64(match_index.number());
            }
            AppendEntriesReply::Rejected { prev_log_index, hint } => {
                self.u8(2);
                self.u64(prev_log_index.number());
                self.entry_id(hint);
            }
        }
    }

    fn install_snapshot(&mut self, chunk: &InstallSnapshot) {
        self.entry_id(chunk.last_included);
        self.u64(chunk.offset);
        self.u8(match chunk.rest {
            Rest::More => 0,
            Rest::Done => 1,
        });
        self.bytes(&chunk.chunk);
    }

    fn install_snapshot_reply(&mut self, reply: InstallSnapshotReply) {
        match reply {
            InstallSnapshotReply::OldTerm => self.u8(0),
            InstallSnapshotReply::Installed { match_index } => {
                self.u8(1);
                self.u64(match_index.number());
            }
            InstallSnapshotReply::Continue { last_included_index, offset } => {
                self.u8(2);
                self.u64(last_included_index.number());
                self.u64(offset);
            }
        }
    }
}

/// The bytes not read yet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.0.split_first().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let (len, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        let len = u64::from(u32::from_le_bytes(*len));
        let len = usize::try_from(len).map_err(|_| DecodeError::TooLarge(len))?;
        let (bytes, rest) = rest.split_at_checked(len).ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(bytes.into())
    }

    fn index(&mut self) -> Result<Index, DecodeError> {
        // Leaves room to count on from any index that comes in.
        match self.u64()? {
            number if number < u64::MAX >> 1 => Ok(Index::new(number)),
            number => Err(DecodeError::TooLarge(number)),
        }
    }

    fn entry_id(&mut self) -> Result<EntryId, DecodeError> {
        Ok(EntryId::new(Term::new(self.u64()?), self.index()?))
    }

    fn body(&mut self, kind: u8) -> Result<Message, DecodeError> {
        Ok(match kind {
            1 => Message::RequestVote(RequestVote { last_log: self.entry_id()? }),
            2 => Message::RequestVoteReply(self.vote()?),
            3 => Message::AppendEntries(self.append_entries()?),
            4 => Message::AppendEntriesReply(self.append_entries_reply()?),
            5 => Message::InstallSnapshot(self.install_snapshot()?),
            6 => Message::InstallSnapshotReply(self.install_snapshot_reply()?),
            found => return Err(DecodeError::Unknown { what: "message", found }),
        })
    }

    fn vote(&mut self) -> Result<Vote, DecodeError> {
        match self.u8()? {
            0 => Ok(Vote::Refused),
            1 => Ok(Vote::Granted),
            found => Err(DecodeError::Unknown { what: "vote", found }),
        }
    }

    fn append_entries(&mut self) -> Result<AppendEntries, DecodeError> {
        let prev = self.entry_id()?;
        let leader_commit = self.index()?;
        let mut entries = Vec::new();
        let mut index = prev.index;
        while !self.0.is_empty() {
            index = index.next();
            let id = EntryId::new(Term::new(self.u64()?), index);
            let payload = match self.u8()? {
                0 => match self.bytes()?.len() {
                    0 => Payload::NoOp,
                    len => return Err(DecodeError::TooLong(len)),
                },
                1 => Payload::Command(self.bytes()?),
                found => return Err(DecodeError::Unknown { what: "payload", found }),
            };
            entries.push(Entry { id, payload });
        }
        Ok(AppendEntries { slice: LogSlice::new(prev, entries)?, leader_commit })
    }

    fn append_entries_reply(&mut self) -> Result<AppendEntriesReply, DecodeError> {
        match self.u8()? {
            0 => Ok(AppendEntriesReply::OldTerm),
            1 => self.accepted(Carried::Entries),
            3 => self.accepted(Carried::Nothing),
            2 => {
                let (prev_log_index, hint) = (self.index()?, self.entry_id()?);
                Ok(AppendEntriesReply::Rejected { prev_log_index, hint })
            }
            found => Err(DecodeError::Unknown { what: "reply", found }),
        }
    }

    fn accepted(&mut self, carried: Carried) -> Result<AppendEntriesReply, DecodeError> {
        Ok(AppendEntriesReply::Accepted { match_index: self.index()?, carried })
    }

    fn install_snapshot(&mut self) -> Result<InstallSnapshot, DecodeError> {
        let (last_included, offset) = (self.entry_id()?, self.u64()?);
        let rest = match self.u8()? {
            0 => Rest::More,
            1 => Rest::Done,
            found => return Err(DecodeError::Unknown { what: "rest", found }),
        };
        Ok(InstallSnapshot { last_included, offset, chunk: self.bytes()?, rest })
    }

    fn install_snapshot_reply(&mut self) -> Result<InstallSnapshotReply, DecodeError> {
        match self.u8()? {
            0 => Ok(InstallSnapshotReply::OldTerm),
            1 => Ok(InstallSnapshotReply::Installed { match_index: self.index()? }),
            2 => {
                let (last_included_index, offset) = (self.index()?, self.u64()?);
                Ok(InstallSnapshotReply::Continue { last_included_index, offset })
            }
            found => Err(DecodeError::Unknown { what: "reply", found }),
        }
    }
}
