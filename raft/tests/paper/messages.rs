//! Messages that no correct peer sends: rejected, traced, without effect.

use std::sync::{Arc, Mutex};

use raft::message::InstallSnapshot;
use raft::trace::{Event, RejectReason, Sink, Source};
use raft::{Envelope, Input, Instant, Message, MessageId, Round, Status, Term};

use crate::cluster::{Cluster, accepted, append, entry, id, peer, request_pre_vote, request_vote};

/// Collects the reasons of all rejections.
#[derive(Clone, Default)]
struct Rejections(Arc<Mutex<Vec<RejectReason>>>);

impl Sink for Rejections {
    fn record(&mut self, _: Instant, _: Source, event: &Event<'_>) {
        if let Event::Rejected { reason, .. } = event {
            self.0.lock().unwrap().push(*reason);
        }
    }
}

fn chunk(index: u64, offset: u64) -> Message {
    chunk_of(id(1, index), offset)
}

fn chunk_of(last_included: raft::EntryId, offset: u64) -> Message {
    let chunk = b"abc".as_slice().into();
    Message::InstallSnapshot(InstallSnapshot {
        last_included,
        offset,
        chunk,
        done: None,
        round: Round::ZERO,
    })
}

/// A leader of term 1 with one committed entry, and one message to it.
fn send_to_leader(
    from: u64,
    to: u64,
    term: u64,
    message: Message,
) -> (Vec<RejectReason>, Status, Status) {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    send(
        &mut cluster,
        0,
        Envelope {
            id: MessageId::new(99),
            from: peer(from),
            to: peer(to),
            term: Term::new(term),
            store: None,
            message,
        },
    )
}

fn send(
    cluster: &mut Cluster,
    number: u64,
    envelope: Envelope,
) -> (Vec<RejectReason>, Status, Status) {
    let rejections = Rejections::default();
    let node = &mut cluster.peers.get_mut(&peer(number)).unwrap().node;
    node.set_sink(Box::new(rejections.clone()));
    let before = node.status();
    node.handle(cluster.now, Input::Receive(envelope));
    let reasons = rejections.0.lock().unwrap().clone();
    (reasons, before, cluster.node(peer(number)).status())
}

#[test]
fn invalid_messages_are_rejected_without_effect() {
    let future = append(id(1, 1), &[entry(9, 2)], 0);
    let rows = [
        (1, 2, 1, request_vote(0, 0), RejectReason::WrongReceiver),
        (0, 0, 1, request_vote(0, 0), RejectReason::FromSelf),
        (1, 0, 0, accepted(0), RejectReason::TermZero),
        (1, 0, u64::MAX, accepted(0), RejectReason::TermTooHigh),
        (1, 0, 1, append(id(1, 1), &[], 1), RejectReason::SecondLeader),
        (1, 0, 1, chunk(1, 0), RejectReason::SecondLeader),
        (1, 0, 5, request_vote(5, 1), RejectReason::EntryTermTooHigh),
        (1, 0, 5, request_pre_vote(6, 1), RejectReason::EntryTermTooHigh),
        (1, 0, 5, future, RejectReason::EntryTermTooHigh),
        (1, 0, 5, chunk_of(id(6, 7), 0), RejectReason::EntryTermTooHigh),
        (1, 0, Term::MAX.number() + 1, accepted(0), RejectReason::TermTooHigh),
        (1, 0, 1, accepted(7), RejectReason::AcknowledgesUnsent),
        (1, 0, 5, chunk(0, 0), RejectReason::InvalidChunk),
        (1, 0, 5, chunk(7, u64::MAX), RejectReason::InvalidChunk),
        (1, 0, 5, chunk(7, 1 << 40), {
            let (bytes, limit) = ((1 << 40) + 3, 1 << 30);
            RejectReason::SnapshotTooLarge { bytes, limit }
        }),
    ];
    for (from, to, term, message, expected) in rows {
        let sent = format!("{message:?}");
        let (reasons, before, after) = send_to_leader(from, to, term, message);
        assert_eq!(reasons, [expected], "{sent}");
        assert_eq!(before, after, "{sent}");
    }
}

#[test]
fn the_furthest_term_that_elections_can_reach_is_followed() {
    let furthest = 1 + (1 << 32);
    let (reasons, _, after) = send_to_leader(1, 0, furthest, request_vote(0, 0));
    assert_eq!((reasons, after.current_term), (vec![], Term::new(furthest)));
    let (reasons, before, after) = send_to_leader(1, 0, furthest + 1, request_vote(0, 0));
    let (term, limit) = (Term::new(furthest + 1), 1 << 32);
    assert_eq!((reasons, after), (vec![RejectReason::TermJump { term, limit }], before));
}

#[test]
fn entries_that_conflict_with_committed_ones_are_rejected() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let envelope = Envelope {
        id: MessageId::new(99),
        from: peer(2),
        to: peer(1),
        term: Term::new(2),
        store: None,
        message: append(id(0, 0), &[entry(2, 1)], 0),
    };
    let (reasons, before, after) = send(&mut cluster, 1, envelope);
    assert_eq!(reasons, [RejectReason::ConflictsWithCommitted]);
    assert_eq!(before.commit_index, after.commit_index);
    assert_eq!(cluster.node(peer(1)).log().last(), id(1, 1));
}

mod bytes {
    use proptest::prelude::*;
    use raft::codec;
    use raft::message::{
        AppendEntries, AppendEntriesReply, Candidacy, Carried, InstallSnapshot,
        InstallSnapshotReply, ReadIndex, ReadIndexReply, Registration, RequestPreVote,
        RequestPreVoteReply, RequestVote, Vote,
    };
    use raft::{
        ClusterId, Entry, EntryId, Envelope, Incarnation, Index, LogSlice, Membership, Message,
        MessageId, Payload, PeerId, RequestId, Round, Standing, StoreStamp, Term,
    };

    fn an_id() -> impl Strategy<Value = EntryId> {
        (0..u64::MAX, 0..1_u64 << 40).prop_map(|(t, i)| EntryId::new(Term::new(t), Index::new(i)))
    }

    fn some_bytes() -> impl Strategy<Value = raft::Bytes> {
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Into::into)
    }

    fn a_membership() -> impl Strategy<Value = Membership> {
        let peers = |size| proptest::collection::btree_set((0..9_u64).prop_map(PeerId::new), size);
        let addresses = proptest::collection::btree_map(0..9_u64, ".{0,9}", 0..9);
        let stores = proptest::collection::btree_map(0..9_u64, any::<u64>(), 0..9);
        let records = (stores, proptest::option::of(any::<u64>()));
        (peers(1..5), proptest::option::of(peers(1..5)), peers(0..5), addresses, records).prop_map(
            |(voters, outgoing, mut learners, addresses, (stores, cluster))| {
                learners.retain(|peer| !voters.contains(peer));
                let empty = Membership::new(voters, outgoing, learners, [].into()).unwrap();
                let at = |all: Membership, (peer, address): (u64, String)| {
                    all.with_address(PeerId::new(peer), address)
                };
                let all = addresses.into_iter().fold(empty, at);
                let recorded = |all: Membership, (peer, store): (u64, u64)| {
                    all.with_store(PeerId::new(peer), Incarnation::new(store))
                };
                let all = stores.into_iter().fold(all, recorded);
                all.with_cluster(cluster.map(ClusterId::new))
            },
        )
    }

    fn a_slice() -> impl Strategy<Value = LogSlice> {
        let payload = prop_oneof![
            Just(Payload::NoOp),
            some_bytes().prop_map(Payload::Command),
            a_membership().prop_map(|membership| Payload::Membership(membership.into())),
        ];
        let entries = proptest::collection::vec((0..3_u64, payload), 0..6);
        (1..1000_u64, 0..1000_u64, entries).prop_map(|(term, index, steps)| {
            let prev = EntryId::new(Term::new(term), Index::new(index));
            let mut last = prev;
            let follow = |(step, payload): (u64, Payload)| {
                last = EntryId::new(Term::new(last.term.number() + step), last.index.next());
                Entry { id: last, payload }
            };
            let entries = steps.into_iter().map(follow).collect();
            LogSlice::new(prev, entries).unwrap()
        })
    }

    fn a_store() -> impl Strategy<Value = Option<StoreStamp>> {
        let standing = prop_oneof![Just(Standing::New), Just(Standing::Confirmed)];
        let stamp = (any::<u64>(), standing).prop_map(|(number, standing)| StoreStamp {
            incarnation: Incarnation::new(number),
            standing,
        });
        proptest::option::of(stamp)
    }

    fn a_vote() -> impl Strategy<Value = Vote> {
        prop_oneof![Just(Vote::Granted), Just(Vote::Rejected)]
    }

    fn a_message() -> impl Strategy<Value = Message> {
        let index = || (0..1_u64 << 40).prop_map(Index::new);
        let round = || any::<u64>().prop_map(Round::new);
        let request = || any::<u64>().prop_map(RequestId::new);
        let done = prop_oneof![Just(None), a_membership().prop_map(|m| Some(m.into()))];
        let carried = prop_oneof![Just(Carried::Entries), Just(Carried::Nothing)];
        prop_oneof![
            (an_id(), prop_oneof![Just(Candidacy::Timeout), Just(Candidacy::Transfer)]).prop_map(
                |(last_log, candidacy)| Message::RequestVote(RequestVote { last_log, candidacy })
            ),
            Just(Message::TimeoutNow),
            Just(Message::Register),
            prop_oneof![
                any::<u64>()
                    .prop_map(|store| Registration::Registered { store: Incarnation::new(store) }),
                proptest::option::of(any::<u64>().prop_map(Incarnation::new))
                    .prop_map(|known| Registration::Refused { known }),
            ]
            .prop_map(Message::RegisterReply),
            a_vote().prop_map(Message::RequestVoteReply),
            an_id().prop_map(|last_log| Message::RequestPreVote(RequestPreVote { last_log })),
            (any::<u64>(), a_vote()).prop_map(|(request_term, vote)| {
                let request_term = Term::new(request_term);
                Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
            }),
            (a_slice(), index(), round()).prop_map(|(slice, leader_commit, round)| {
                Message::AppendEntries(AppendEntries { slice, leader_commit, round })
            }),
            prop_oneof![
                Just(AppendEntriesReply::OldTerm),
                (index(), carried, round()).prop_map(|(match_index, carried, round)| {
                    AppendEntriesReply::Accepted { match_index, carried, round }
                }),
                (index(), an_id(), round()).prop_map(|(prev_log_index, hint, round)| {
                    AppendEntriesReply::Rejected { prev_log_index, hint, round }
                }),
            ]
            .prop_map(Message::AppendEntriesReply),
            (an_id(), any::<u64>(), some_bytes(), done, round()).prop_map(
                |(last_included, offset, chunk, done, round)| {
                    let chunk = chunk.into();
                    let chunk = InstallSnapshot { last_included, offset, chunk, done, round };
                    Message::InstallSnapshot(chunk)
                }
            ),
            prop_oneof![
                Just(InstallSnapshotReply::OldTerm),
                (index(), round()).prop_map(|(match_index, round)| {
                    InstallSnapshotReply::Installed { match_index, round }
                }),
                (index(), any::<u64>(), round()).prop_map(
                    |(last_included_index, offset, round)| {
                        InstallSnapshotReply::Continue { last_included_index, offset, round }
                    }
                ),
            ]
            .prop_map(Message::InstallSnapshotReply),
            request().prop_map(|request| Message::ReadIndex(ReadIndex { request })),
            prop_oneof![
                request().prop_map(|request| ReadIndexReply::Rejected { request }),
                (request(), index()).prop_map(|(request, read_index)| {
                    ReadIndexReply::Ready { request, read_index }
                }),
            ]
            .prop_map(Message::ReadIndexReply),
        ]
    }

    fn append(entries: Vec<Entry>) -> Vec<u8> {
        let slice = LogSlice::new(EntryId::ZERO, entries).unwrap();
        let (leader_commit, round) = (Index::ZERO, Round::ZERO);
        encoded(Message::AppendEntries(AppendEntries { slice, leader_commit, round }))
    }

    fn encoded(message: Message) -> Vec<u8> {
        let (from, to, term) = (PeerId::new(1), PeerId::new(2), Term::new(3));
        codec::encode(&Envelope { id: MessageId::new(1), from, to, term, store: None, message })
    }

    #[test]
    fn encoded_len_is_the_length_of_an_encoded_entry() {
        let id = |index| EntryId::new(Term::new(1), Index::new(index));
        let payload = Payload::Command([7; 21].as_slice().into());
        let first = Entry { id: id(1), payload: Payload::NoOp };
        let second = Entry { id: id(2), payload };
        let both = append(vec![first.clone(), second.clone()]).len();
        assert_eq!(both - append(vec![first]).len(), second.encoded_len());
    }

    #[test]
    fn encoding_allocates_once_and_little_more_than_it_needs() {
        let bytes = vec![7; 10_000].into();
        let id = EntryId::new(Term::new(1), Index::new(1));
        let payload = Payload::Command([7; 8].as_slice().into());
        let place = |index| EntryId { index: Index::new(index), ..id };
        let entry = |index| Entry { id: place(index), payload: payload.clone() };
        let entries = (1..=1000).map(entry).collect();
        let (offset, done) = (0, Some(std::sync::Arc::default()));
        let round = Round::ZERO;
        let chunk = InstallSnapshot { last_included: id, offset, chunk: bytes, done, round };
        for bytes in [append(entries), encoded(Message::InstallSnapshot(chunk))] {
            let spare = bytes.capacity() - bytes.len();
            assert!(spare <= 16, "{spare} of {} bytes are spare", bytes.capacity());
        }
    }

    #[test]
    fn an_index_leaves_room_to_count_on() {
        let installed = |index| {
            let match_index = Index::new(index);
            let reply = InstallSnapshotReply::Installed { match_index, round: Round::ZERO };
            codec::decode(&encoded(Message::InstallSnapshotReply(reply)))
        };
        let limit = u64::MAX >> 1;
        assert!(installed(limit - 1).is_ok());
        for index in [limit, u64::MAX] {
            assert_eq!(installed(index), Err(codec::DecodeError::TooLarge(index)));
        }
    }

    proptest! {
        #[test]
        fn every_message_survives_the_wire(
            (id, from, to, term) in any::<(u64, u64, u64, u64)>(),
            (store, message) in (a_store(), a_message()),
        ) {
            let (id, term) = (MessageId::new(id), Term::new(term));
            let (from, to) = (PeerId::new(from), PeerId::new(to));
            let envelope = Envelope { id, from, to, term, store, message };
            let bytes = codec::encode(&envelope);
            prop_assert_eq!(codec::decode(&bytes), Ok(envelope));
        }

        #[test]
        fn a_cut_message_is_an_error_or_a_shorter_list_of_entries(
            message in a_message(),
            cut in 0.0..1.0_f64,
        ) {
            let envelope = Envelope {
                id: MessageId::new(1), from: PeerId::new(1), to: PeerId::new(2), term: Term::new(3), store: None, message,
            };
            let bytes = codec::encode(&envelope);
            let len = ((bytes.len() as f64) * cut) as usize;
            match codec::decode(&bytes[..len]).map(|envelope| envelope.message) {
                Err(_) => {}
                Ok(Message::AppendEntries(_)) => prop_assert_eq!(envelope.message.name(), "AppendEntries"),
                Ok(other) => prop_assert!(false, "{:?} was cut to {:?}", envelope, other),
            }
        }

        #[test]
        fn any_bytes_decode_or_fail_without_a_panic(
            kind in 0..16_u8,
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut message = vec![kind];
            message.extend(bytes);
            if let Ok(envelope) = codec::decode(&message) {
                prop_assert_eq!(codec::decode(&codec::encode(&envelope)), Ok(envelope));
            }
        }
    }
}
