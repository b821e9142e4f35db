//! Terms that must be followed, and those that must not.

use raft::message::{Candidacy, ReadIndexReply, RequestPreVoteReply, RequestVote, Vote};
use raft::{EntryId, Envelope, Index, Message, PeerId, RequestId, RoleName, Status, Term};
use raft_tests::invariants::Invariant;
use raft_tests::invariants::terms::{Effect, Receiver, Sender, check};

use crate::assertions::{fires, holds};
use crate::fixtures::{envelope, id, peer, status};

const LIMIT: u64 = 1 << 32;

/// A follower of peer 7 in term 5, without a live leader, and a message of peer 0, a member.
fn receiver(sender: Sender) -> Receiver {
    let status = Status { leader: Some(PeerId::new(7)), ..status(RoleName::Follower, 5, 3) };
    let (joins, keeps_to_leader) = (false, false);
    let last_log = id(4, 9);
    Receiver { status, last_log, sender, joins, keeps_to_leader, term_jump_max: LIMIT }
}

fn request_vote(last_log: EntryId) -> Message {
    Message::RequestVote(RequestVote { last_log, candidacy: Candidacy::Transfer })
}

fn reply(message: Message) -> Envelope {
    envelope(6, message)
}

#[test]
fn terms_fires_on_a_peer_that_stays_behind_or_follows_a_stranger() {
    let before = receiver(Sender::Member).status;
    let ahead = Status { current_term: Term::new(6), ..before };
    let heard = (PeerId::new(1), Term::new(6));
    holds(check(peer(0), Effect::Followed, heard, &before, &ahead));
    holds(check(peer(0), Effect::None, heard, &before, &before));
    let behind = check(peer(0), Effect::Followed, heard, &before, &before);
    fires(behind, Invariant::Terms, &["receives term 6 from 1", "does not follow it"]);
    fires(check(peer(0), Effect::None, heard, &before, &ahead), Invariant::Terms, &["is changed"]);
}

#[test]
fn requests_of_members_are_followed_and_of_others_that_may_be_members() {
    let member = receiver(Sender::Member);
    let outsider = receiver(Sender::Outsider);
    let kept = Receiver { keeps_to_leader: true, ..outsider };
    let (newer, older) = (request_vote(id(4, 10)), request_vote(id(4, 9)));
    for (receiver, message, effect) in [
        (member, &older, Effect::Followed),
        (outsider, &older, Effect::None),
        (outsider, &newer, Effect::Followed),
        (kept, &newer, Effect::None),
        (member, &Message::TimeoutNow, Effect::None),
    ] {
        assert_eq!(receiver.effect(&envelope(6, message.clone())), effect, "{receiver:?}");
    }
    assert_eq!(member.effect(&envelope(5, Message::TimeoutNow)), Effect::Any);
    assert_eq!(outsider.effect(&envelope(5, Message::TimeoutNow)), Effect::None);
}

#[test]
fn answers_are_followed_if_something_was_asked() {
    let vote = Vote::Rejected;
    let with = |change: fn(&mut Status)| {
        let mut receiver = receiver(Sender::Member);
        change(&mut receiver.status);
        receiver
    };
    let pre_vote = |request_term| {
        let request_term = Term::new(request_term);
        Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
    };
    let read = Message::ReadIndexReply(ReadIndexReply::Ready {
        request: RequestId::new(1),
        read_index: Index::new(1),
    });
    let voted = with(|status| status.voted_for = Some(status.id));
    let asks = with(|status| status.role = RoleName::PreCandidate);
    for (receiver, message, effect) in [
        (voted, Message::RequestVoteReply(vote), Effect::Followed),
        (asks, Message::RequestVoteReply(vote), Effect::None),
        (asks, pre_vote(5), Effect::Followed),
        (asks, pre_vote(4), Effect::None),
        (voted, pre_vote(5), Effect::None),
        (asks, read.clone(), Effect::None),
        (with(|status| status.leader = Some(PeerId::new(0))), read, Effect::Followed),
    ] {
        assert_eq!(receiver.effect(&reply(message.clone())), effect, "{message:?}");
        let outsider = Receiver { sender: Sender::Outsider, ..receiver };
        let led = receiver.status.leader == Some(PeerId::new(0));
        assert!(led || outsider.effect(&reply(message)) == Effect::None);
    }
}

#[test]
fn a_term_out_of_reach_is_not_followed_by_a_peer_that_knows_better() {
    let member = receiver(Sender::Member);
    let at = |term| envelope(term, request_vote(id(4, 10)));
    assert_eq!(member.effect(&at(5 + LIMIT)), Effect::Followed);
    assert_eq!(member.effect(&at(6 + LIMIT)), Effect::None);
    let joins = Receiver { joins: true, sender: Sender::Outsider, ..member };
    assert_eq!(joins.effect(&at(6 + LIMIT)), Effect::Followed);
    assert_eq!(joins.effect(&at(u64::MAX)), Effect::None);
}
