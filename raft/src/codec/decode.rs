//! Reads each part of a message as [`super::encode`] writes it. The bytes are not trusted:
//! everything is checked, and nothing is reserved for a length that is only claimed.

use super::ENTRIES_MAX;
use super::bytes::Reader;
use super::error::DecodeError;
use super::membership::decode_membership;
use crate::entry::{Entry, LogSlice, Payload};
use crate::identity::Incarnation;
use crate::message::{
    AppendEntries, AppendEntriesReply, Candidacy, Carried, InstallSnapshot, InstallSnapshotReply,
    Message, ReadIndex, ReadIndexReply, Registration, RequestPreVote, RequestPreVoteReply,
    RequestVote, Vote,
};
use crate::types::{EntryId, Index, RequestId, Round, Term};

impl Reader<'_> {
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

    fn round(&mut self) -> Result<Round, DecodeError> {
        Ok(Round::new(self.u64()?))
    }

    pub(super) fn body(&mut self, kind: u8) -> Result<Message, DecodeError> {
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
                let (request_term, vote) = (Term::new(self.u64()?), self.vote()?);
                Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
            }
            11 => Message::TimeoutNow,
            12 => Message::Register,
            13 => Message::RegisterReply(self.registration()?),
            found => return Err(DecodeError::Unknown { what: "message", found }),
        })
    }

    fn registration(&mut self) -> Result<Registration, DecodeError> {
        match self.u8()? {
            0 => Ok(Registration::Registered { store: Incarnation::new(self.u64()?) }),
            1 => Ok(Registration::Refused { known: None }),
            2 => Ok(Registration::Refused { known: Some(Incarnation::new(self.u64()?)) }),
            found => Err(DecodeError::Unknown { what: "registration", found }),
        }
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
            0 => Ok(Vote::Rejected),
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
            if entries.len() == ENTRIES_MAX {
                return Err(DecodeError::TooManyEntries);
            }
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
        let done = match self.u8()? {
            0 => None,
            1 => Some(self.membership()?.into()),
            found => return Err(DecodeError::Unknown { what: "done", found }),
        };
        let chunk = self.bytes()?.into();
        Ok(InstallSnapshot { last_included, offset, chunk, done, round })
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
            0 => Ok(ReadIndexReply::Rejected { request }),
            1 => Ok(ReadIndexReply::Ready { request, read_index: self.index()? }),
            found => Err(DecodeError::Unknown { what: "reply", found }),
        }
    }
}
