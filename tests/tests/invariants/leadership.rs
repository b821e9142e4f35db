//! The rules beyond the paper fire on hand-made bad states, and hold on good ones.

use std::time::Duration;

use raft::message::{Candidacy, RequestPreVoteReply, Vote};
use raft::{
    CheckQuorum, Entry, EntryId, Envelope, Index, Instant, Log, LogSlice, Membership, Message,
    MessageId, Payload, PeerId, PersistentState, RoleName, Status, Term,
};
use raft_tests::invariants::leader_contact::{
    LeaderContact, MessageKind, ReceivedMessage, StepDown, Timeouts,
};
use raft_tests::invariants::lease::{self, Held};
use raft_tests::invariants::pre_vote::{self, KnownLeader, OpenPreVotes, PreVotes};
use raft_tests::invariants::violation::Witness;
use raft_tests::invariants::{Property, limits, transfer};

use crate::assertions::{fires, holds};
use crate::fixtures::status;

const OFFICE: Timeouts = Timeouts {
    check_quorum: CheckQuorum::On,
    timeout_min: Duration::from_millis(100),
    timeout_max: Duration::from_millis(200),
};

fn members(count: u64) -> Membership {
    Membership::of_voters((0..count).map(PeerId::new))
}

fn at(ms: u64) -> Instant {
    Instant::from_nanos(ms * 1_000_000)
}

fn seen(ms: u64) -> Witness {
    Witness { peer: PeerId::new(0), at: at(ms) }
}

fn message(from: u64, term: u64, kind: MessageKind) -> ReceivedMessage {
    ReceivedMessage { from: PeerId::new(from), term: Term::new(term), kind }
}

/// A peer that became the leader of term 2 at 10 ms.
fn leader() -> LeaderContact {
    let mut hearing =
        LeaderContact::starts(at(0), &status(RoleName::Follower, 0, 0), members(3).into());
    let (before, now) = (status(RoleName::Candidate, 2, 0), status(RoleName::Leader, 2, 0));
    holds(hearing.becomes(seen(10), &before, &now, OFFICE, StepDown::Unasked));
    hearing
}

#[test]
fn check_quorum_fires_on_a_leader_that_hears_nobody() {
    let mut hearing = leader();
    holds(hearing.may_lead(seen(209), OFFICE));
    fires(hearing.may_lead(seen(210), OFFICE), Property::CheckQuorum, &["no quorum for 200 ms"]);
    hearing.hears(at(100), message(1, 2, MessageKind::OfFollower), &status(RoleName::Leader, 2, 0));
    holds(hearing.may_lead(seen(210), OFFICE));
    fires(hearing.may_lead(seen(300), OFFICE), Property::CheckQuorum, &["no quorum for 200 ms"]);
    holds(hearing.may_lead(seen(300), Timeouts { check_quorum: CheckQuorum::Off, ..OFFICE }));
}

#[test]
fn check_quorum_does_not_count_votes_and_answers_of_other_terms() {
    let mut hearing = leader();
    for told in [message(1, 1, MessageKind::OfFollower), message(1, 2, MessageKind::Other)] {
        hearing.hears(at(200), told, &status(RoleName::Leader, 2, 0));
    }
    fires(hearing.may_lead(seen(210), OFFICE), Property::CheckQuorum, &["no quorum"]);
}

#[test]
fn check_quorum_fires_on_a_leader_that_gives_up_too_soon() {
    let gives_up = |ms, timeouts, leave| {
        let (before, now) = (status(RoleName::Leader, 2, 0), status(RoleName::Follower, 2, 0));
        leader().becomes(seen(ms), &before, &now, timeouts, leave)
    };
    fires(gives_up(109, OFFICE, StepDown::Unasked), Property::CheckQuorum, &["99 ms ago"]);
    holds(gives_up(110, OFFICE, StepDown::Unasked));
    holds(gives_up(11, OFFICE, StepDown::Asked));
    let off = Timeouts { check_quorum: CheckQuorum::Off, ..OFFICE };
    fires(gives_up(900, off, StepDown::Unasked), Property::CheckQuorum, &["gives up leadership"]);
}

#[test]
fn a_peer_knows_a_leader_for_the_shortest_timeout_after_it_heard_one_or_started() {
    let mut hearing =
        LeaderContact::starts(at(0), &status(RoleName::Follower, 0, 0), members(3).into());
    assert!(!hearing.knows_a_leader(seen(0), OFFICE), "a new peer");
    let follows = Status { leader: Some(PeerId::new(1)), ..status(RoleName::Follower, 2, 0) };
    hearing.hears(at(50), message(1, 2, MessageKind::OfLeader), &follows);
    hearing.hears(at(90), message(2, 2, MessageKind::RequestVote(Candidacy::Timeout)), &follows);
    assert!(hearing.knows_a_leader(seen(149), OFFICE));
    assert!(!hearing.knows_a_leader(seen(150), OFFICE));
    let again =
        LeaderContact::starts(at(200), &status(RoleName::Follower, 2, 0), members(3).into());
    assert!(again.knows_a_leader(seen(299), OFFICE) && !again.knows_a_leader(seen(300), OFFICE));
    assert!(
        leader().knows_a_leader(seen(109), OFFICE) && !leader().knows_a_leader(seen(110), OFFICE)
    );
}

#[test]
fn stickiness_fires_on_a_peer_that_is_moved() {
    let (before, candidate) = (status(RoleName::Follower, 2, 0), PeerId::new(2));
    holds(LeaderContact::stays(seen(1), candidate, &before, &before));
    let moved =
        LeaderContact::stays(seen(1), candidate, &before, &status(RoleName::Follower, 3, 0));
    fires(moved, Property::Stickiness, &["is moved by 2"]);
}

#[test]
fn pre_vote_fires_on_whoever_stands_without_a_majority() {
    let mut pre_votes = PreVotes::default();
    let mut says = |from: u64, asked_in: u64, vote| {
        let asked_in = Term::new(asked_in);
        pre_votes.sends(&Envelope {
            id: MessageId::new(1),
            from: PeerId::new(from),
            to: PeerId::new(0),
            term: Term::new(1),
            message: Message::RequestPreVoteReply(RequestPreVoteReply { asked_in, vote }),
        });
    };
    says(1, 4, Vote::Granted);
    says(1, 4, Vote::Granted);
    says(2, 4, Vote::Refused);
    says(3, 3, Vote::Granted);
    let one = pre_votes.stands(seen(1), Term::new(5), &members(5));
    fires(one, Property::PreVote, &["2 would vote for it among"]);
    holds(pre_votes.stands(seen(1), Term::new(5), &members(3)));
}

#[test]
fn lease_fires_on_an_election_before_it_ends() {
    let elected = |until| {
        let held = Held { by: PeerId::new(2), now: at(5), until: at(until) };
        lease::is_over(seen(9), Term::new(3), held)
    };
    holds(elected(5));
    fires(elected(6), Property::Lease, &["the lease of 2 lasts for another 1ms"]);
}

#[test]
fn stickiness_fires_on_a_pre_vote_beside_a_leader() {
    let answer = |to: u64, asked_in: u64, vote| Envelope {
        id: MessageId::new(1),
        from: PeerId::new(0),
        to: PeerId::new(to),
        term: Term::new(4),
        message: Message::RequestPreVoteReply(RequestPreVoteReply {
            asked_in: Term::new(asked_in),
            vote,
        }),
    };
    let asked = |all: &[KnownLeader]| {
        let mut unanswered = OpenPreVotes::default();
        all.iter().for_each(|known_leader| {
            unanswered.is_asked(PeerId::new(1), Term::new(4), *known_leader)
        });
        unanswered
    };
    let yes = answer(1, 4, Vote::Granted);
    fires(
        asked(&[KnownLeader::ALeader]).answers(seen(1), &yes),
        Property::Stickiness,
        &["when 1 asked in term 4"],
    );
    holds(asked(&[KnownLeader::Nobody]).answers(seen(1), &yes));
    holds(asked(&[KnownLeader::ALeader]).answers(seen(1), &answer(2, 4, Vote::Granted)));
    holds(asked(&[KnownLeader::ALeader]).answers(seen(1), &answer(1, 3, Vote::Granted)));
    // Of two questions, each has its own answer.
    let mut both = asked(&[KnownLeader::ALeader, KnownLeader::Nobody]);
    holds(both.answers(seen(1), &answer(1, 4, Vote::Refused)));
    holds(both.answers(seen(1), &yes));
    let mut both = asked(&[KnownLeader::Nobody, KnownLeader::ALeader]);
    holds(both.answers(seen(1), &yes));
    fires(both.answers(seen(1), &yes), Property::Stickiness, &["would vote for it"]);
}

#[test]
fn pre_vote_fires_on_whatever_changes() {
    let follower = status(RoleName::Follower, 2, 0);
    let asks = status(RoleName::PreCandidate, 2, 0);
    holds(pre_vote::asks(seen(1), &follower, &asks));
    let higher = pre_vote::asks(seen(1), &follower, &status(RoleName::PreCandidate, 3, 0));
    fires(higher, Property::PreVote, &["changes its term or vote"]);
    let unvoted = Status { voted_for: Some(PeerId::new(1)), ..follower };
    fires(
        pre_vote::asks(seen(1), &unvoted, &asks),
        Property::PreVote,
        &["changes its term or vote"],
    );

    let is_asked = |status, due| {
        pre_vote::is_asked(
            seen(1),
            PeerId::new(2),
            [follower, status],
            [Some(at(5)), Some(at(due))],
        )
    };
    holds(is_asked(follower, 5));
    fires(is_asked(status(RoleName::Follower, 3, 0), 5), Property::PreVote, &["that changes it"]);
    fires(is_asked(follower, 6), Property::PreVote, &["that changes it"]);
    fires(Err(pre_vote::writes(seen(1), "a vote")), Property::PreVote, &["writes a vote"]);
}

fn entries(terms: &[u64]) -> Vec<Entry> {
    let entry = |(index, term): (u64, &u64)| Entry {
        id: EntryId::new(Term::new(*term), Index::new(index)),
        payload: Payload::Command([7; 7].as_slice().into()),
    };
    (1..).zip(terms).map(entry).collect()
}

#[test]
fn transfer_fires_on_a_successor_that_lacks_something_and_on_a_command() {
    let disk = |term, terms| {
        let mut stored = PersistentState { entries: entries(terms), ..PersistentState::default() };
        stored.hard_state.current_term = Term::new(term);
        stored
    };
    let last = EntryId::new(Term::new(2), Index::new(2));
    let calls = |disk: &PersistentState| transfer::calls(seen(1), Term::new(2), last, disk);
    holds(calls(&disk(2, &[1, 2])));
    holds(calls(&disk(3, &[1])));
    fires(calls(&disk(2, &[1])), Property::Transfer, &["ends with 1@1, its own log ends with 2@2"]);
    fires(calls(&disk(2, &[1, 1])), Property::Transfer, &["ends with 2@1"]);
    fires(Err(transfer::takes(seen(1), last)), Property::Transfer, &["takes the command 2@2"]);
}

#[test]
fn limits_fire_on_too_much_and_on_a_refusal_without_a_reason() {
    let log = |terms: &[u64]| {
        Log::new(LogSlice::new(EntryId::ZERO, entries(terms)).expect("terms do not fall"))
    };
    let check = |terms: &[u64], commit: u64, refused, limit| {
        let status = Status { commit_index: Index::new(commit), ..status(RoleName::Leader, 2, 0) };
        limits::uncommitted(seen(1), &log(terms), &status, refused, limit)
    };
    // Each entry has 20 bytes.
    holds(check(&[2, 2, 2], 0, None, 60));
    fires(check(&[2, 2, 2], 0, None, 59), Property::Limits, &["60 bytes wait"]);
    holds(check(&[2, 2, 2], 2, None, 1));
    holds(check(&[1, 1, 2], 0, None, 1));
    holds(check(&[2, 2, 2], 0, Some(20), 79));
    fires(check(&[2, 2, 2], 0, Some(20), 80), Property::Limits, &["has room for"]);
    fires(check(&[2, 2, 2], 3, Some(20), 1), Property::Limits, &["has room for"]);
    fires(check(&[1, 1, 1], 0, Some(20), 1), Property::Limits, &["has room for"]);
}
