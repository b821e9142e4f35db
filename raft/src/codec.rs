//! Messages as bytes: what goes over a wire, and what a simulated network counts.
//!
//! All numbers are little-endian and of fixed width. Decoding is total: whatever the bytes, it
//! returns a message that keeps the invariants of its types, or an error.
//!
//! ```text
//! kind:u8 id:u64 from:u64 to:u64 term:u64 body
//! entry: term:u64 kind:u8 len:u32 bytes        (its index follows from its place)
//! ```

mod membership;

pub use self::membership::{decode_membership, encode_membership, membership_len};

use crate::entry::{BrokenSlice, Bytes, Entry, LogSlice, Payload};
use crate::membership::BrokenMembership;
use crate::message::{
    AppendEntries, AppendEntriesReply, Candidacy, Carried, Envelope, InstallSnapshot,
    InstallSnapshotReply, Message, ReadIndex, ReadIndexReply, RequestPreVote, RequestPreVoteReply,
    RequestVote, Rest, Vote,
};
use crate::types::{EntryId, Index, MessageId, PeerId, RequestId, Round, Term};

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
    /// An address that is no text.
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
            32 + append.slice.entries().iter().map(Entry::encoded_len).sum::<usize>()
        }
        Message::InstallSnapshot(chunk) => {
            37 + chunk.chunk.len()
                + match &chunk.rest {
                    Rest::More => 0,
                    Rest::Done(membership) => membership_len(membership),
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

const fn kind(message: &Message) -> u8 {
    match message {
        Message::RequestVote(_) => 1,
        Message::RequestVoteReply(_) => 2,
        Message::AppendEntries(_) => 3,
        Message::AppendEntriesReply(_) => 4,
        Message::InstallSnapshot(_) => 5,
        Message::InstallSnapshotReply(_) => 6,
        Message::ReadIndex(_) => 7,
        Message::ReadIndexReply(_) => 8,
        Message::RequestPreVote(_) => 9,
        Message::RequestPreVoteReply(_) => 10,
        Message::TimeoutNow => 11,
    }
}

/// Bytes that grow by what is encoded; a store writes its records with it, too.
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// # Panics
    /// There are 2^32 or more, which no limit of the configuration allows.
    fn count(&mut self, count: usize) {
        let short = u32::try_from(count);
        assert!(short.is_ok(), "{count} bytes do not fit into one message");
        self.0.extend_from_slice(&short.unwrap_or_default().to_le_bytes());
    }

    fn payload(&mut self, payload: &Payload) {
        match payload {
            Payload::NoOp => {
                self.u8(0);
                self.bytes(&[]);
            }
            Payload::Command(command) => {
                self.u8(1);
                self.bytes(command);
            }
            Payload::Membership(membership) => {
                self.u8(2);
                self.count(membership_len(membership));
                self.membership(membership);
            }
        }
    }

    pub(crate) fn entry_id(&mut self, id: EntryId) {
        self.u64(id.term.number());
        self.u64(id.index.number());
    }

    fn body(&mut self, message: &Message) {
        match message {
            Message::RequestVote(request) => {
                self.entry_id(request.last_log);
                self.u8(match request.candidacy {
                    Candidacy::Timeout => 0,
                    Candidacy::Transfer => 1,
                });
            }
            Message::TimeoutNow => {}
            Message::RequestVoteReply(vote) => self.vote(*vote),
            Message::RequestPreVote(request) => self.entry_id(request.last_log),
            Message::RequestPreVoteReply(reply) => {
                self.u64(reply.asked_in.number());
                self.vote(reply.vote);
            }
            Message::AppendEntries(append) => self.append_entries(append),
            Message::AppendEntriesReply(reply) => self.append_entries_reply(*reply),
            Message::InstallSnapshot(chunk) => self.install_snapshot(chunk),
            Message::InstallSnapshotReply(reply) => self.install_snapshot_reply(*reply),
            Message::ReadIndex(ReadIndex { request }) => self.u64(request.number()),
            Message::ReadIndexReply(reply) => self.read_index_reply(*reply),
        }
    }

    fn vote(&mut self, vote: Vote) {
        self.u8(match vote {
            Vote::Refused => 0,
            Vote::Granted => 1,
        });
    }

    fn append_entries(&mut self, append: &AppendEntries) {
        self.entry_id(append.slice.prev());
        self.u64(append.leader_commit.number());
        self.u64(append.round.number());
        for entry in append.slice.entries() {
            self.entry(entry);
        }
    }

    /// Everything but the index, which follows from the entry's place.
    pub(crate) fn entry(&mut self, entry: &Entry) {
        self.u64(entry.id.term.number());
        self.payload(&entry.payload);
    }

    fn append_entries_reply(&mut self, reply: AppendEntriesReply) {
        match reply {
            AppendEntriesReply::OldTerm => self.u8(0),
            AppendEntriesReply::Accepted { match_index, carried, round } => {
                self.u8(match carried {
                    Carried::Entries => 1,
                    Carried::Nothing => 3,
                });
                self.u64(round.number());
                self.u64(match_index.number());
            }
            AppendEntriesReply::Rejected { prev_log_index, hint, round } => {
                self.u8(2);
                self.u64(round.number());
                self.u64(prev_log_index.number());
                self.entry_id(hint);
            }
        }
    }

    fn install_snapshot(&mut self, chunk: &InstallSnapshot) {
        self.entry_id(chunk.last_included);
        self.u64(chunk.offset);
        self.u64(chunk.round.number());
        match &chunk.rest {
            Rest::More => self.u8(0),
            Rest::Done(membership) => {
                self.u8(1);
                self.membership(membership);
            }
        }
        self.bytes(&chunk.chunk);
    }

    fn install_snapshot_reply(&mut self, reply: InstallSnapshotReply) {
        match reply {
            InstallSnapshotReply::OldTerm => self.u8(0),
            InstallSnapshotReply::Installed { match_index, round } => {
                self.u8(1);
                self.u64(round.number());
                self.u64(match_index.number());
            }
            InstallSnapshotReply::Continue { last_included_index, offset, round } => {
                self.u8(2);
                self.u64(round.number());
                self.u64(last_included_index.number());
                self.u64(offset);
            }
        }
    }

    fn read_index_reply(&mut self, reply: ReadIndexReply) {
        match reply {
            ReadIndexReply::Refused { request } => {
                self.u8(0);
                self.u64(request.number());
            }
            ReadIndexReply::Ready { request, read_index } => {
                self.u8(1);
                self.u64(request.number());
                self.u64(read_index.number());
            }
        }
    }
}

/// The bytes not read yet.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.0.split_first().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        self.slice().map(Into::into)
    }

    fn slice(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = u64::from(self.count()?);
        let len = usize::try_from(len).map_err(|_| DecodeError::TooLarge(len))?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn count(&mut self) -> Result<u32, DecodeError> {
        let (count, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*count))
    }

    fn payload(&mut self) -> Result<Payload, DecodeError> {
        match self.u8()? {
            0 => match self.slice()?.len() {
                0 => Ok(Payload::NoOp),
                len => Err(DecodeError::TooLong(len)),
            },
            1 => Ok(Payload::Command(self.bytes()?)),
            2 => Ok(Payload::Membership(decode_membership(self.slice()?)?.into())),
            found => Err(DecodeError::Unknown { what: "payload", found }),
        }
    }

    pub(crate) fn index(&mut self) -> Result<Index, DecodeError> {
        // Leaves room to count on from any index that comes in.
        match self.u64()? {
            number if number < u64::MAX >> 1 => Ok(Index::new(number)),
            number => Err(DecodeError::TooLarge(number)),
        }
    }

    fn round(&mut self) -> Result<Round, DecodeError> {
        Ok(Round::new(self.u64()?))
    }

    pub(crate) fn entry_id(&mut self) -> Result<EntryId, DecodeError> {
        Ok(EntryId::new(Term::new(self.u64()?), self.index()?))
    }

    fn body(&mut self, kind: u8) -> Result<Message, DecodeError> {
        Ok(match kind {
            1 => Message::RequestVote(self.request_vote()?),
            2 => Message::RequestVoteReply(self.vote()?),
            3 => Message::AppendEntries(self.append_entries()?),
            4 => Message::AppendEntriesReply(self.append_entries_reply()?),
            5 => Message::InstallSnapshot(self.install_snapshot()?),
            6 => Message::InstallSnapshotReply(self.install_snapshot_reply()?),
            7 => Message::ReadIndex(ReadIndex { request: RequestId::new(self.u64()?) }),
            8 => Message::ReadIndexReply(self.read_index_reply()?),
            9 => Message::RequestPreVote(RequestPreVote { last_log: self.entry_id()? }),
            10 => {
                let (asked_in, vote) = (Term::new(self.u64()?), self.vote()?);
                Message::RequestPreVoteReply(RequestPreVoteReply { asked_in, vote })
            }
            11 => Message::TimeoutNow,
            found => return Err(DecodeError::Unknown { what: "message", found }),
        })
    }

    fn request_vote(&mut self) -> Result<RequestVote, DecodeError> {
        let last_log = self.entry_id()?;
        let candidacy = match self.u8()? {
            0 => Candidacy::Timeout,
            1 => Candidacy::Transfer,
            found => return Err(DecodeError::Unknown { what: "candidacy", found }),
        };
        Ok(RequestVote { last_log, candidacy })
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
        let (leader_commit, round) = (self.index()?, self.round()?);
        let mut entries = Vec::new();
        let mut index = prev.index;
        while !self.0.is_empty() {
            index = index.next();
            entries.push(self.entry(index)?);
        }
        Ok(AppendEntries { slice: LogSlice::new(prev, entries)?, leader_commit, round })
    }

    /// The entry at `index`.
    pub(crate) fn entry(&mut self, index: Index) -> Result<Entry, DecodeError> {
        let id = EntryId::new(Term::new(self.u64()?), index);
        Ok(Entry { id, payload: self.payload()? })
    }

    fn append_entries_reply(&mut self) -> Result<AppendEntriesReply, DecodeError> {
        match self.u8()? {
            0 => Ok(AppendEntriesReply::OldTerm),
            1 => self.accepted(Carried::Entries),
            3 => self.accepted(Carried::Nothing),
            2 => {
                let (round, prev_log_index) = (self.round()?, self.index()?);
                Ok(AppendEntriesReply::Rejected { prev_log_index, hint: self.entry_id()?, round })
            }
            found => Err(DecodeError::Unknown { what: "reply", found }),
        }
    }

    fn accepted(&mut self, carried: Carried) -> Result<AppendEntriesReply, DecodeError> {
        let round = self.round()?;
        Ok(AppendEntriesReply::Accepted { match_index: self.index()?, carried, round })
    }

    fn install_snapshot(&mut self) -> Result<InstallSnapshot, DecodeError> {
        let (last_included, offset, round) = (self.entry_id()?, self.u64()?, self.round()?);
        let rest = match self.u8()? {
            0 => Rest::More,
            1 => Rest::Done(self.membership()?.into()),
            found => return Err(DecodeError::Unknown { what: "rest", found }),
        };
        Ok(InstallSnapshot { last_included, offset, chunk: self.bytes()?, rest, round })
    }

    fn install_snapshot_reply(&mut self) -> Result<InstallSnapshotReply, DecodeError> {
        match self.u8()? {
            0 => Ok(InstallSnapshotReply::OldTerm),
            1 => {
                let round = self.round()?;
                Ok(InstallSnapshotReply::Installed { match_index: self.index()?, round })
            }
            2 => {
                let round = self.round()?;
                let (last_included_index, offset) = (self.index()?, self.u64()?);
                Ok(InstallSnapshotReply::Continue { last_included_index, offset, round })
            }
            found => Err(DecodeError::Unknown { what: "reply", found }),
        }
    }

    fn read_index_reply(&mut self) -> Result<ReadIndexReply, DecodeError> {
        let (kind, request) = (self.u8()?, RequestId::new(self.u64()?));
        match kind {
            0 => Ok(ReadIndexReply::Refused { request }),
            1 => Ok(ReadIndexReply::Ready { request, read_index: self.index()? }),
            found => Err(DecodeError::Unknown { what: "reply", found }),
        }
    }
}
