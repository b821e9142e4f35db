//! Members that a peer does not send to, and receivers that its driver does not know.

use raft::message::{ReadIndex, RequestVote, Vote};
use raft::output::AddressBook;
use raft::{EntryId, Message, PeerId, RequestId, message::Candidacy};
use raft_tests::invariants::{Invariant, address_book};

use crate::assertions::{fires, holds};
use crate::fixtures::{envelope, peer, voters};

fn listed(numbers: &[u64]) -> AddressBook {
    numbers.iter().map(|number| (PeerId::new(*number), None)).collect()
}

#[test]
fn address_book_fires_on_a_member_that_is_missing() {
    let check = |numbers: &[u64]| {
        let joint = voters(&[0, 1]).enter_joint(voters(&[0, 2]));
        address_book::check_members(peer(0), &joint, &listed(numbers))
    };
    holds(check(&[0, 1, 2, 3]));
    fires(check(&[0, 2, 3]), Invariant::AddressBook, &["peer 0", "sends nothing to 1"]);
}

#[test]
fn address_book_fires_on_a_request_to_an_unlisted_peer() {
    let check = |message, numbers: &[u64]| {
        address_book::check_sent(peer(0), &envelope(2, message), &listed(numbers))
    };
    let request = RequestVote { last_log: EntryId::ZERO, candidacy: Candidacy::Timeout };
    holds(check(Message::RequestVote(request), &[0, 1]));
    let parts = ["sends RequestVote", "to 1, which it has not listed"];
    fires(check(Message::RequestVote(request), &[0, 2]), Invariant::AddressBook, &parts);
    holds(check(Message::RequestVoteReply(Vote::Granted), &[0]));
    holds(check(Message::ReadIndex(ReadIndex { request: RequestId::new(1) }), &[0]));
}
