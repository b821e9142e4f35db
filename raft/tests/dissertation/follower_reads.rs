//! Ongaro's dissertation §6.4 on followers: read index requests.

use raft::message::{ReadIndex, ReadIndexReply};
use raft::{Index, Message, RequestId};

use crate::cluster::{append, id, peer};
use crate::reads::{HEARTBEAT, answer, leader};

#[test]
fn a_follower_requests_a_read_index_and_serves_once_it_is_applied() {
    let mut cluster = leader(3);
    cluster.cut(peer(2));
    cluster.commit(peer(0), b"y");
    cluster.heal(peer(2));
    cluster.read(peer(2), 1).unwrap();
    cluster.read(peer(2), 2).unwrap();
    let requests = cluster.take_sent(peer(2));
    let request = RequestId::new(1);
    assert_eq!(requests, [Message::ReadIndex(ReadIndex { request })], "one question for both");
    cluster.inject(2, peer(0), 1, requests[0].clone());
    cluster.poll(peer(0));
    // The reply overtakes the entries.
    cluster.wire.clear();
    cluster.inject(1, peer(0), 1, answer(1));
    let replies = cluster.take_sent(peer(0));
    let read_index = Index::new(2);
    let answer = Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index });
    assert_eq!(replies, std::slice::from_ref(&answer));
    cluster.inject(0, peer(2), 1, answer);
    cluster.poll(peer(2));
    assert_eq!(cluster.reads(peer(2)), [], "entry 2 is not here");
    cluster.advance(HEARTBEAT);
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(2)), [(1, Ok(2)), (2, Ok(2))]);
}

/// etcd #20418: a reply to an old request must not be taken for one to a new one.
#[test]
fn a_reply_to_another_request_is_ignored() {
    let mut cluster = leader(3);
    let ready = |request, index| {
        let (request, read_index) = (RequestId::new(request), Index::new(index));
        Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index })
    };
    cluster.read(peer(1), 1).unwrap();
    cluster.poll(peer(1));
    cluster.inject(0, peer(1), 1, ready(99, 0));
    cluster.inject(0, peer(1), 1, ready(0, 0));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), []);
    cluster.inject(0, peer(1), 1, ready(1, 1));
    cluster.inject(0, peer(1), 1, ready(1, 1));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(1))]);
    cluster.read(peer(1), 2).unwrap();
    cluster.poll(peer(1));
    cluster.inject(0, peer(1), 1, ready(1, 0));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), [], "the second question has a number of its own");
}

#[test]
fn a_later_reply_covers_earlier_requests() {
    let mut cluster = leader(3);
    cluster.read(peer(1), 1).unwrap();
    cluster.take_sent(peer(1));
    cluster.read(peer(1), 2).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(1)), (2, Ok(1))]);
}

/// Committed entries stay committed, under any later leader.
#[test]
fn a_confirmed_read_waits_for_its_entries_through_a_change_of_leader() {
    let mut cluster = leader(3);
    cluster.read(peer(1), 1).unwrap();
    cluster.take_sent(peer(1));
    let (request, read_index) = (RequestId::new(1), Index::new(2));
    let ready = Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index });
    cluster.inject(0, peer(1), 1, ready);
    let entry = crate::cluster::entry(1, 2);
    cluster.inject(2, peer(1), 2, append(id(1, 1), &[entry], 2));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(2))]);
}

#[test]
fn a_deposed_leader_rejects_a_read_index_request() {
    let mut cluster = leader(3);
    let request = RequestId::new(5);
    let question = Message::ReadIndex(ReadIndex { request });
    let refusal = Message::ReadIndexReply(ReadIndexReply::Rejected { request });
    cluster.inject(2, peer(1), 1, question.clone());
    assert_eq!(cluster.take_sent(peer(1)), std::slice::from_ref(&refusal));
    cluster.inject(2, peer(0), 9, append(id(1, 1), &[], 1));
    cluster.take_sent(peer(0));
    cluster.inject(1, peer(0), 1, question);
    assert_eq!(cluster.take_sent(peer(0)), [refusal], "in the current term");
}
