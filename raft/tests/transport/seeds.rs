//! The seeds of the fuzz target `receiver`: every kind of message, as the codec writes it.
//!
//! `RAFT_WRITE_SEEDS=1 cargo test -p raft --test transport seeds` writes the files anew.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use raft::codec::{self, DecodeError};
use raft::message::{
    AppendEntries, AppendEntriesReply, Candidacy, Carried, InstallSnapshot, InstallSnapshotReply,
    ReadIndex, ReadIndexReply, Registration, RequestPreVote, RequestPreVoteReply, RequestVote,
    Vote,
};
use raft::transport::tcp::{Answer, Expected, Hello, Received, Receiver, Verdict, encode_frame};
use raft::{
    Entry, EntryId, Envelope, Incarnation, Index, LogSlice, Membership, Message, MessageId,
    Payload, RequestId, Round, Standing, StoreStamp, Term,
};

use super::support::peer;

/// The name of a message's seed. A new kind, or a new case of one, needs a line here, and a message
/// in [`messages`].
fn name(message: &Message) -> &'static str {
    match message {
        Message::RequestVote(RequestVote { candidacy: Candidacy::Timeout, .. }) => "request_vote",
        Message::RequestVote(RequestVote { candidacy: Candidacy::Transfer, .. }) => "transfer_vote",
        Message::RequestVoteReply(Vote::Granted) => "vote",
        Message::RequestVoteReply(Vote::Rejected) => "vote_refused",
        Message::RequestPreVote(RequestPreVote { .. }) => "request_pre_vote",
        Message::RequestPreVoteReply(RequestPreVoteReply { vote: Vote::Granted, .. }) => "pre_vote",
        Message::RequestPreVoteReply(RequestPreVoteReply { vote: Vote::Rejected, .. }) => {
            "pre_vote_refused"
        }
        Message::TimeoutNow => "timeout_now",
        Message::AppendEntries(append) => match append.carried() {
            Carried::Entries => "append",
            Carried::Nothing => "heartbeat",
        },
        Message::AppendEntriesReply(reply) => match reply {
            AppendEntriesReply::Accepted { carried: Carried::Entries, .. } => "accepted",
            AppendEntriesReply::Accepted { carried: Carried::Nothing, .. } => "heard",
            AppendEntriesReply::Rejected { .. } => "rejected",
            AppendEntriesReply::OldTerm => "append_of_old_term",
        },
        Message::InstallSnapshot(InstallSnapshot { done: None, .. }) => "chunk",
        Message::InstallSnapshot(InstallSnapshot { done: Some(_), .. }) => "last_chunk",
        Message::InstallSnapshotReply(reply) => match reply {
            InstallSnapshotReply::Continue { .. } => "continue",
            InstallSnapshotReply::Installed { .. } => "installed",
            InstallSnapshotReply::OldTerm => "chunk_of_old_term",
        },
        Message::Register => "register",
        Message::RegisterReply(Registration::Registered { .. }) => "registered",
        Message::RegisterReply(Registration::Refused { .. }) => "register_refused",
        Message::ReadIndex(ReadIndex { .. }) => "read_index",
        Message::ReadIndexReply(ReadIndexReply::Ready { .. }) => "read_ready",
        Message::ReadIndexReply(ReadIndexReply::Rejected { .. }) => "read_refused",
    }
}

const LAST: EntryId = EntryId::new(Term::new(1), Index::new(7));
const ROUND: Round = Round::new(3);

/// One message of each name.
fn messages() -> Vec<Message> {
    let request_vote = |candidacy| Message::RequestVote(RequestVote { last_log: LAST, candidacy });
    let pre_vote = |vote| {
        Message::RequestPreVoteReply(RequestPreVoteReply { request_term: Term::new(1), vote })
    };
    let accepted = |carried| {
        let match_index = Index::new(9);
        Message::AppendEntriesReply(AppendEntriesReply::Accepted {
            match_index,
            carried,
            round: ROUND,
        })
    };
    let chunk = |offset, done| {
        let chunk = vec![7; 20].into();
        let chunk = InstallSnapshot { last_included: LAST, offset, chunk, done, round: ROUND };
        Message::InstallSnapshot(chunk)
    };
    let last_included_index = LAST.index;
    let request = RequestId::new(5);
    vec![
        request_vote(Candidacy::Timeout),
        request_vote(Candidacy::Transfer),
        Message::RequestVoteReply(Vote::Granted),
        Message::RequestVoteReply(Vote::Rejected),
        Message::RequestPreVote(RequestPreVote { last_log: LAST }),
        pre_vote(Vote::Granted),
        pre_vote(Vote::Rejected),
        Message::TimeoutNow,
        append(vec![Payload::NoOp, Payload::Command((*b"x=1").into()), members()]),
        append(Vec::new()),
        accepted(Carried::Entries),
        accepted(Carried::Nothing),
        Message::AppendEntriesReply(AppendEntriesReply::Rejected {
            prev_log_index: Index::new(9),
            hint: LAST,
            round: ROUND,
        }),
        Message::AppendEntriesReply(AppendEntriesReply::OldTerm),
        chunk(0, None),
        chunk(20, Some(Arc::new(joint()))),
        Message::InstallSnapshotReply(InstallSnapshotReply::Continue {
            last_included_index,
            offset: 20,
            round: ROUND,
        }),
        Message::InstallSnapshotReply(InstallSnapshotReply::Installed {
            match_index: last_included_index,
            round: ROUND,
        }),
        Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm),
        Message::Register,
        Message::RegisterReply(Registration::Registered { store: Incarnation::new(4) }),
        Message::RegisterReply(Registration::Refused { known: Some(Incarnation::new(3)) }),
        Message::ReadIndex(ReadIndex { request }),
        Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index: Index::new(9) }),
        Message::ReadIndexReply(ReadIndexReply::Rejected { request }),
    ]
}

fn append(payloads: Vec<Payload>) -> Message {
    let entries = (LAST.index.number() + 1..).zip(payloads).map(|(index, payload)| Entry {
        id: EntryId::new(Term::new(1), Index::new(index)),
        payload,
    });
    let slice = LogSlice::new(LAST, entries.collect()).expect("indexes follow");
    Message::AppendEntries(AppendEntries { slice, leader_commit: LAST.index, round: ROUND })
}

fn members() -> Payload {
    Payload::Membership(Arc::new(joint()))
}

/// A configuration with a part of every kind.
fn joint() -> Membership {
    let old = Membership::of_voters([1, 2, 3].map(peer)).with_address(peer(1), "host-1:7000");
    let new = Membership::of_voters([1, 2, 4].map(peer)).with_learner(peer(5));
    old.enter_joint(new.with_address(peer(4), "host-4:7000"))
}

const NONCE: u64 = 42;
const LIMIT: usize = 16 * 1024;

fn envelope(message: Message) -> Envelope {
    let (id, term) = (MessageId::new(1), Term::new(1));
    Envelope { id, from: peer(1), to: peer(2), term, store: None, message }
}

fn hello() -> Hello {
    Hello { version: 1, from: peer(1), to: peer(2), cluster: "fuzz".into(), origin: None }
}

/// The first two bytes are the target's: where the rest begins, and the size of the pieces.
pub(crate) fn seeds() -> BTreeMap<String, Vec<u8>> {
    let (mut seeds, mut frames) = (BTreeMap::new(), Vec::new());
    for message in messages() {
        let name = name(&message).to_owned();
        let envelope = envelope(message);
        encode_frame(&envelope, LIMIT, &mut frames).expect("it is within the limit");
        let seed = [&[2, 9][..], &codec::encode(&envelope)].concat();
        assert_eq!(seeds.insert(name.clone(), seed), None, "two messages are {name}");
    }
    for (name, standing) in [("vote_new", Standing::New), ("vote_confirmed", Standing::Confirmed)] {
        let stamp = StoreStamp { incarnation: Incarnation::new(3), standing };
        let vote = envelope(Message::RequestVoteReply(Vote::Granted));
        let stamped = codec::encode(&Envelope { store: Some(stamp), ..vote });
        seeds.insert(name.into(), [&[2, 9][..], &stamped].concat());
    }
    let whole = [&[0, 3][..], &hello().encode(), &NONCE.to_le_bytes(), &frames].concat();
    let answer = Answer {
        version: 1,
        verdict: Verdict::Accepted,
        nonce: NONCE,
        frame_bytes_max: 1 << 17,
        process: None,
        conflict: None,
    };
    seeds.insert("frames".into(), [&[1, 2][..], &frames].concat());
    seeds.insert("whole".into(), whole);
    seeds.insert("answer".into(), [&[3, 0][..], &answer.encode()].concat());
    seeds
}

#[test]
fn the_stored_seeds_match_the_codec() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let seeds = seeds();
    if env::var_os("RAFT_WRITE_SEEDS").is_some() {
        fs::remove_dir_all(&directory).expect("the directory may go");
        fs::create_dir(&directory).expect("it may come again");
        for (name, seed) in &seeds {
            fs::write(directory.join(name), seed).expect("it takes files");
        }
    }
    let mut found = BTreeMap::new();
    for file in fs::read_dir(directory).expect("a directory") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("a name of letters");
        found.insert(name, fs::read(file.path()).expect("its bytes"));
    }
    assert!(found == seeds, "write them anew with RAFT_WRITE_SEEDS=1");
}

#[test]
fn every_message_kind_has_a_seed() {
    let seeds = seeds();
    // The two bits above are those of the sender's store.
    for kind in 0..0x40 {
        let unknown = matches!(codec::decode(&[kind; 33]), Err(DecodeError::Unknown { .. }));
        let has_seed = seeds.values().any(|seed| seed[..3] == [2, 9, kind]);
        assert_eq!(has_seed, !unknown, "kind {kind}");
    }
}

#[test]
fn the_longest_seed_is_a_complete_connection() {
    let expected =
        Expected { me: peer(2), cluster: "fuzz".into(), nonce: NONCE, frame_bytes_max: LIMIT };
    let mut receiver = Receiver::new(expected);
    receiver.buffer().extend_from_slice(&seeds()["whole"][2..]);
    assert_eq!(receiver.take_next(), Ok(Some(Received::Hello(hello()))));
    assert_eq!(receiver.take_next(), Ok(Some(Received::Identified(peer(1)))));
    for message in messages() {
        assert_eq!(receiver.take_next(), Ok(Some(Received::Message(envelope(message)))));
    }
    assert_eq!(receiver.take_next(), Ok(None));
}
