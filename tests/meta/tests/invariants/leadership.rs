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
use raft_tests::invariants::lease::{self, HeldLease};
use raft_tests::invariants::pre_vote::{self, GrantedPreVotes, KnownLeader, OpenPreVotes};
use raft_tests::invariants::violation::Witness;
use raft_tests::invariants::{Invariant, limits, transfer};

use crate::assertions::{fires, holds};
use crate::fixtures::status;

const TIMEOUTS: Timeouts = Timeouts {
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
    let mut contact =
        LeaderContact::start(at(0), &status(RoleName::Follower, 0, 0), members(3).into());
    let (before, now) = (status(RoleName::Candidate, 2, 0), status(RoleName::Leader, 2, 0));
    holds(contact.transition(seen(10), &before, &now, TIMEOUTS, StepDown::Unrequested));
    contact
}

#[test]
fn check_quorum_fires_on_a_leader_without_contact() {
    let mut contact = leader();
    holds(contact.check_quorum(seen(209), TIMEOUTS));
    fires(
        contact.check_quorum(seen(210), TIMEOUTS),
        Invariant::CheckQuorum,
        &["a quorum for 200 ms"],
    );
    contact.record(
        at(100),
        message(1, 2, MessageKind::OfFollower(None)),
        &status(RoleName::Leader, 2, 0),
    );
    holds(contact.check_quorum(seen(210), TIMEOUTS));
    fires(
        contact.check_quorum(seen(300), TIMEOUTS),
        Invariant::CheckQuorum,
        &["a quorum for 200 ms"],
    );
    holds(contact.check_quorum(seen(300), Timeouts { check_quorum: CheckQuorum::Off, ..TIMEOUTS }));
}

#[test]
fn check_quorum_does_not_count_votes_and_answers_of_other_terms() {
    let mut contact = leader();
    for told in [message(1, 1, MessageKind::OfFollower(None)), message(1, 2, MessageKind::Other)] {
        contact.record(at(200), told, &status(RoleName::Leader, 2, 0));
    }
    fires(
        contact.check_quorum(seen(210), TIMEOUTS),
        Invariant::CheckQuorum,
        &["without contact to a quorum"],
    );
}

#[test]
fn check_quorum_fires_on_a_leader_that_gives_up_too_soon() {
    let gives_up = |ms, timeouts, step_down| {
        let (before, now) = (status(RoleName::Leader, 2, 0), status(RoleName::Follower, 2, 0));
        leader().transition(seen(ms), &before, &now, timeouts, step_down)
    };
    fires(gives_up(109, TIMEOUTS, StepDown::Unrequested), Invariant::CheckQuorum, &["99 ms ago"]);
    holds(gives_up(110, TIMEOUTS, StepDown::Unrequested));
    holds(gives_up(11, TIMEOUTS, StepDown::Requested));
    let off = Timeouts { check_quorum: CheckQuorum::Off, ..TIMEOUTS };
    fires(gives_up(900, off, StepDown::Unrequested), Invariant::CheckQuorum, &["steps down"]);
}

#[test]
fn a_peer_has_live_leader_for_the_shortest_timeout_after_it_heard_one_or_started() {
    let mut contact =
        LeaderContact::start(at(0), &status(RoleName::Follower, 0, 0), members(3).into());
    assert!(!contact.has_live_leader(seen(0), TIMEOUTS), "a new peer");
    let follows = Status { leader: Some(PeerId::new(1)), ..status(RoleName::Follower, 2, 0) };
    contact.record(at(50), message(1, 2, MessageKind::OfLeader), &follows);
    contact.record(at(90), message(2, 2, MessageKind::RequestVote(Candidacy::Timeout)), &follows);
    assert!(contact.has_live_leader(seen(149), TIMEOUTS));
    assert!(!contact.has_live_leader(seen(150), TIMEOUTS));
    let again = LeaderContact::start(at(200), &status(RoleName::Follower, 2, 0), members(3).into());
    assert!(
        again.has_live_leader(seen(299), TIMEOUTS) && !again.has_live_leader(seen(300), TIMEOUTS)
    );
    assert!(
        leader().has_live_leader(seen(109), TIMEOUTS)
            && !leader().has_live_leader(seen(110), TIMEOUTS)
    );
}

#[test]
fn stickiness_fires_on_a_peer_that_is_moved() {
    let (before, candidate) = (status(RoleName::Follower, 2, 0), PeerId::new(2));
    holds(LeaderContact::check_unmoved(seen(1), candidate, &before, &before));
    let moved = LeaderContact::check_unmoved(
        seen(1),
        candidate,
        &before,
        &status(RoleName::Follower, 3, 0),
    );
    fires(moved, Invariant::Stickiness, &["the vote request of 2"]);
}

#[test]
fn pre_vote_fires_on_a_candidate_without_a_majority() {
    let mut pre_votes = GrantedPreVotes::default();
    for (voter, request_term) in [(1, 4), (1, 4), (3, 3)] {
        pre_votes.record_granted(Term::new(request_term), PeerId::new(voter));
    }
    let one = pre_votes.check_candidate(seen(1), Term::new(5), &members(5));
    fires(one, Invariant::PreVote, &["with 2 pre-votes among"]);
    holds(pre_votes.check_candidate(seen(1), Term::new(5), &members(3)));
    // Those of an earlier request do not add up with those of the next.
    pre_votes.record_timeout();
    pre_votes.record_granted(Term::new(4), PeerId::new(2));
    let two = pre_votes.check_candidate(seen(1), Term::new(5), &members(5));
    fires(two, Invariant::PreVote, &["with 2 pre-votes among", "since its election timer fired"]);
}

#[test]
fn lease_fires_on_an_election_before_it_ends() {
    let elected = |until| {
        let held = HeldLease { by: PeerId::new(2), now: at(5), until: at(until) };
        lease::check_expired(seen(9), Term::new(3), held)
    };
    holds(elected(5));
    fires(elected(6), Invariant::Lease, &["the lease of 2 lasts for another 1ms"]);
}

#[test]
fn stickiness_fires_on_a_pre_vote_beside_a_leader() {
    let answer = |to: u64, request_term: u64, vote| Envelope {
        id: MessageId::new(1),
        from: PeerId::new(0),
        to: PeerId::new(to),
        term: Term::new(4),
        store: None,
        message: Message::RequestPreVoteReply(RequestPreVoteReply {
            request_term: Term::new(request_term),
            vote,
        }),
    };
    let asked = |all: &[KnownLeader]| {
        let mut open_pre_votes = OpenPreVotes::default();
        all.iter().for_each(|known_leader| {
            open_pre_votes.record_request(PeerId::new(1), Term::new(4), *known_leader);
        });
        open_pre_votes
    };
    let yes = answer(1, 4, Vote::Granted);
    fires(
        asked(&[KnownLeader::Live]).check_answer(seen(1), &yes),
        Invariant::Stickiness,
        &["when 1 requested a pre-vote in term 4"],
    );
    holds(asked(&[KnownLeader::None]).check_answer(seen(1), &yes));
    holds(asked(&[KnownLeader::Live]).check_answer(seen(1), &answer(2, 4, Vote::Granted)));
    holds(asked(&[KnownLeader::Live]).check_answer(seen(1), &answer(1, 3, Vote::Granted)));
    // Of two questions, each has its own answer.
    let mut both = asked(&[KnownLeader::Live, KnownLeader::None]);
    holds(both.check_answer(seen(1), &answer(1, 4, Vote::Rejected)));
    holds(both.check_answer(seen(1), &yes));
    let mut both = asked(&[KnownLeader::None, KnownLeader::Live]);
    holds(both.check_answer(seen(1), &yes));
    fires(both.check_answer(seen(1), &yes), Invariant::Stickiness, &["granted it"]);
}

#[test]
fn pre_vote_fires_on_any_change() {
    let follower = status(RoleName::Follower, 2, 0);
    let asks = status(RoleName::PreCandidate, 2, 0);
    holds(pre_vote::check_pre_candidate(seen(1), &follower, &asks));
    let higher =
        pre_vote::check_pre_candidate(seen(1), &follower, &status(RoleName::PreCandidate, 3, 0));
    fires(higher, Invariant::PreVote, &["changes its term or vote"]);
    let unvoted = Status { voted_for: Some(PeerId::new(1)), ..follower };
    fires(
        pre_vote::check_pre_candidate(seen(1), &unvoted, &asks),
        Invariant::PreVote,
        &["changes its term or vote"],
    );

    let is_asked = |status, due| {
        pre_vote::check_unchanged(
            seen(1),
            PeerId::new(2),
            [follower, status],
            [Some(at(5)), Some(at(due))],
        )
    };
    holds(is_asked(follower, 5));
    fires(is_asked(status(RoleName::Follower, 3, 0), 5), Invariant::PreVote, &["is changed by"]);
    fires(is_asked(follower, 6), Invariant::PreVote, &["is changed by"]);
    fires(
        Err(pre_vote::write_violation(seen(1), "a vote")),
        Invariant::PreVote,
        &["writes a vote"],
    );
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
    let calls =
        |disk: &PersistentState| transfer::check_successor(seen(1), Term::new(2), last, disk);
    holds(calls(&disk(2, &[1, 2])));
    holds(calls(&disk(3, &[1])));
    fires(
        calls(&disk(2, &[1])),
        Invariant::Transfer,
        &["ends with 1@1; its own log ends with 2@2"],
    );
    fires(calls(&disk(2, &[1, 1])), Invariant::Transfer, &["ends with 2@1"]);
    fires(
        Err(transfer::entry_violation(seen(1), "command", last)),
        Invariant::Transfer,
        &["accepts the command 2@2"],
    );
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
    fires(check(&[2, 2, 2], 0, None, 59), Invariant::Limits, &["60 bytes are uncommitted"]);
    holds(check(&[2, 2, 2], 2, None, 1));
    holds(check(&[1, 1, 2], 0, None, 1));
    holds(check(&[2, 2, 2], 0, Some(20), 79));
    fires(check(&[2, 2, 2], 0, Some(20), 80), Invariant::Limits, &["within its limit"]);
    fires(check(&[2, 2, 2], 3, Some(20), 1), Invariant::Limits, &["within its limit"]);
    fires(check(&[1, 1, 1], 0, Some(20), 1), Invariant::Limits, &["within its limit"]);
}

#[test]
fn transfer_fires_on_a_target_without_a_vote() {
    let learners = members(2).with_learner(PeerId::new(2));
    let check = |target| {
        let before = None;
        transfer::check_target(seen(1), PeerId::new(target), before, &learners)
    };
    holds(check(1));
    let second = transfer::check_target(seen(1), PeerId::new(0), Some(PeerId::new(1)), &learners);
    fires(second, Invariant::Transfer, &["a transfer to 0, while one to 1"]);
    fires(check(2), Invariant::Transfer, &["a transfer to 2", "not a voter"]);
}

#[test]
fn configurations_fires_on_a_silent_learner_that_is_promoted() {
    let mut contact = leader();
    let check =
        |contact: &LeaderContact, ms| contact.check_promoted(seen(ms), PeerId::new(1), TIMEOUTS);
    contact.record(
        at(50),
        message(1, 2, MessageKind::OfFollower(None)),
        &status(RoleName::Leader, 2, 0),
    );
    holds(check(&contact, 149));
    fires(check(&contact, 150), Invariant::Configurations, &["makes 1 a voter"]);
}
