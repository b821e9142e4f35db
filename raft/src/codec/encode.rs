//! Writes each part of a message; [`super::decode`] reads it again, in the same order.

use super::bytes::Writer;
use super::membership::membership_len;
use crate::entry::{Entry, Payload};
use crate::message::{
    AppendEntries, AppendEntriesReply, Candidacy, Carried, InstallSnapshot, InstallSnapshotReply,
    Message, ReadIndex, ReadIndexReply, Registration, Vote,
};

impl Writer {
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

    pub(super) fn body(&mut self, message: &Message) {
        match message {
            Message::RequestVote(request) => {
                self.entry_id(request.last_log);
                self.u8(match request.candidacy {
                    Candidacy::Timeout => 0,
                    Candidacy::Transfer => 1,
                });
            }
            Message::TimeoutNow | Message::Register => {}
            Message::RequestVoteReply(vote) => self.vote(*vote),
            Message::RequestPreVote(request) => self.entry_id(request.last_log),
            Message::RequestPreVoteReply(reply) => {
                self.u64(reply.request_term.number());
                self.vote(reply.vote);
            }
            Message::AppendEntries(append) => self.append_entries(append),
            Message::AppendEntriesReply(reply) => self.append_entries_reply(*reply),
            Message::InstallSnapshot(chunk) => self.install_snapshot(chunk),
            Message::InstallSnapshotReply(reply) => self.install_snapshot_reply(*reply),
            Message::ReadIndex(ReadIndex { request }) => self.u64(request.number()),
            Message::ReadIndexReply(reply) => self.read_index_reply(*reply),
            Message::RegisterReply(reply) => self.registration(*reply),
        }
    }

    fn vote(&mut self, vote: Vote) {
        self.u8(match vote {
            Vote::Rejected => 0,
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
        match &chunk.done {
            None => self.u8(0),
            Some(membership) => {
                self.u8(1);
                self.membership(membership);
            }
        }
        let bytes = chunk.chunk.bytes();
        self.bytes(bytes.expect(
            "a driver reads a stored chunk before it sends it (rule 10 of `raft::output`)",
        ));
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

    fn registration(&mut self, reply: Registration) {
        match reply {
            Registration::Registered { store } => {
                self.u8(0);
                self.u64(store.number());
            }
            Registration::Refused { known: None } => self.u8(1),
            Registration::Refused { known: Some(store) } => {
                self.u8(2);
                self.u64(store.number());
            }
        }
    }

    fn read_index_reply(&mut self, reply: ReadIndexReply) {
        match reply {
            ReadIndexReply::Rejected { request } => {
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

/// The byte that identifies the kind of message.
pub(super) const fn kind(message: &Message) -> u8 {
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
        Message::Register => 12,
        Message::RegisterReply(_) => 13,
    }
}
