//! Ongaro's dissertation §6.4 on followers: they ask the leader what they may read.

use raft::message::{ReadIndex, ReadIndexReply};
use raft::{Index, Message, RequestId};

use crate::cluster::{append, id, peer};
use crate::reads::{HEARTBEAT, answer, leader};

#[test]
fn a_follower_asks_its_leader_and_serves_when_it_has_applied_as_much() {
    let mut cluster = leader(3);
    cluster.cut(peer(2));
    cluster.commit(peer(0), b"y");
    cluster.heal(peer(2));
    cluster.read(peer(2), 1).unwrap();
    cluster.read(peer(2), 2).unwrap();
    let asked = cluster.said(peer(2));
    let request = RequestId::new(1);
    assert_eq!(asked, [Message::ReadIndex(ReadIndex { request })], "one question for both");
    cluster.inject(2, peer(0), 1, asked[0].clone());
    cluster.poll(peer(0));
    // The answer overtakes the entries.
    cluster.wire.clear();
    cluster.inject(1, peer(0), 1, answer(1));
    let told = cluster.said(peer(0));
    let read_index = Index::new(2);
    let answer = Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index });
    assert_eq!(told, std::slice::from_ref(&answer));
    cluster.inject(0, peer(2), 1, answer);
    cluster.poll(peer(2));
    assert_eq!(cluster.reads(peer(2)), [], "entry 2 is not here");
    cluster.pass(HEARTBEAT);
    cluster.settle();
    assert_eq!(cluster.reads(peer(2)), [(1, Ok(2)), (2, Ok(2))]);
}

/// etcd #20418: an answer to an old question must not be taken for one to a new one.
#[test]
fn an_answer_to_another_question_means_nothing() {
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
fn a_later_answer_covers_the_questions_before_it() {
    let mut cluster = leader(3);
    cluster.read(peer(1), 1).unwrap();
    cluster.said(peer(1));
    cluster.read(peer(1), 2).unwrap();
    cluster.settle();
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(1)), (2, Ok(1))]);
}

/// What is committed stays so, whoever leads.
#[test]
fn a_confirmed_read_waits_for_its_entries_through_a_change_of_leader() {
    let mut cluster = leader(3);
    cluster.read(peer(1), 1).unwrap();
    cluster.said(peer(1));
    let (request, read_index) = (RequestId::new(1), Index::new(2));
    let ready = Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index });
    cluster.inject(0, peer(1), 1, ready);
    let entry = crate::cluster::entry(1, 2);
    cluster.inject(2, peer(1), 2, append(id(1, 1), &[entry], 2));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(2))]);
}

#[test]
fn a_peer_that_leads_no_more_refuses_a_question() {
    let mut cluster = leader(3);
    let request = RequestId::new(5);
    let question = Message::ReadIndex(ReadIndex { request });
    let refusal = Message::ReadIndexReply(ReadIndexReply::Rejected { request });
    cluster.inject(2, peer(1), 1, question.clone());
    assert_eq!(cluster.said(peer(1)), std::slice::from_ref(&refusal));
    cluster.inject(2, peer(0), 9, append(id(1, 1), &[], 1));
    cluster.said(peer(0));
    cluster.inject(1, peer(0), 1, question);
    assert_eq!(cluster.said(peer(0)), [refusal], "in the term that has begun since");
}
