//! Elections, followers and election timers.

use std::time::Duration;

use raft::{Incarnation, Instant, Membership, PeerId, RoleName, Status, Term};
use raft_tests::invariants::Invariant;
use raft_tests::invariants::election_safety::ElectionSafety;
use raft_tests::invariants::election_timer::{self, VoteRequested};
use raft_tests::invariants::follows_leader::{self, AfterLeaderMessage};

use crate::assertions::{fires, holds};
use crate::fixtures::{peer, status, voters};

#[test]
fn election_safety_fires_on_a_second_leader() {
    let mut elections = ElectionSafety::default();
    holds(elections.record_leader(Term::new(3), peer(1)));
    holds(elections.record_leader(Term::new(3), peer(1)));
    holds(elections.record_leader(Term::new(4), peer(2)));
    fires(
        elections.record_leader(Term::new(3), peer(2)),
        Invariant::ElectionSafety,
        &["term 3", "peer 1 at 1.000 ms", "peer 2 at 2.000 ms"],
    );
}

#[test]
fn election_safety_fires_on_a_second_vote() {
    let mut elections = ElectionSafety::default();
    holds(elections.record_vote(peer(1), Term::new(3), PeerId::new(0)));
    holds(elections.record_vote(peer(1), Term::new(3), PeerId::new(0)));
    holds(elections.record_vote(peer(1), Term::new(4), PeerId::new(2)));
    fires(
        elections.record_vote(peer(1), Term::new(3), PeerId::new(2)),
        Invariant::ElectionSafety,
        &["peer 1", "votes for 2", "voted for 0"],
    );
}

#[test]
fn election_safety_fires_on_a_vote_for_the_next_store_of_a_candidate() {
    let mut elections = ElectionSafety::default();
    let candidate = |store| (PeerId::new(0), Incarnation::new(store));
    holds(elections.record_voted_store(peer(1), Term::new(3), candidate(7)));
    holds(elections.record_voted_store(peer(1), Term::new(3), candidate(7)));
    holds(elections.record_voted_store(peer(1), Term::new(4), candidate(8)));
    let again = elections.record_voted_store(peer(1), Term::new(3), candidate(8));
    fires(again, Invariant::ElectionSafety, &["peer 1", "votes for 0 with store", "in term 3"]);
    elections.forget_votes(PeerId::new(1));
    holds(elections.record_voted_store(peer(1), Term::new(3), candidate(8)));
}

#[test]
fn election_safety_fires_on_a_leader_without_a_majority() {
    let mut elections = ElectionSafety::default();
    holds(elections.record_vote(peer(1), Term::new(3), PeerId::new(1)));
    holds(elections.record_vote(peer(2), Term::new(2), PeerId::new(1)));
    holds(elections.record_vote(peer(3), Term::new(3), PeerId::new(4)));
    let check = |elections: &ElectionSafety, members: &Membership| {
        elections.check_majority(Term::new(3), peer(1), members)
    };
    holds(check(&elections, &voters(&[1])));
    let parts = ["term 3", "votes of 1 among voters 1 2"];
    fires(check(&elections, &voters(&[1, 2])), Invariant::ElectionSafety, &parts);
    holds(elections.record_vote(peer(2), Term::new(3), PeerId::new(1)));
    holds(check(&elections, &voters(&[1, 2, 3])));
    fires(check(&elections, &voters(&[1, 2, 3, 4])), Invariant::ElectionSafety, &["votes of 2"]);
    let joint = voters(&[1, 2, 3]).enter_joint(voters(&[3, 4, 1]));
    fires(check(&elections, &joint), Invariant::ElectionSafety, &["outgoing 1 2 3"]);
    let learners = voters(&[1, 3, 4]).with_learner(PeerId::new(2));
    fires(check(&elections, &learners), Invariant::ElectionSafety, &["votes of 1"]);
}

#[test]
fn election_safety_fires_on_a_follower_of_an_unelected_leader() {
    let mut elections = ElectionSafety::default();
    holds(elections.record_leader(Term::new(3), peer(1)));
    holds(elections.check_follower(peer(0), Term::new(3), PeerId::new(1)));
    let other = elections.check_follower(peer(0), Term::new(3), PeerId::new(2));
    fires(other, Invariant::ElectionSafety, &["follows 2 in term 3", "peer 1 at"]);
    let unelected = elections.check_follower(peer(0), Term::new(4), PeerId::new(1));
    fires(unelected, Invariant::ElectionSafety, &["term 4", "no peer was elected"]);
}

#[test]
fn follows_leader_fires_on_a_candidate_that_stays_one_and_on_a_timer_that_goes_on() {
    let leader = PeerId::new(2);
    let timeout_min = Duration::from_millis(300);
    let check = |leads, deadline_ms: u64| {
        let status = Status { leader: leads, ..status(RoleName::Follower, 3, 0) };
        let deadline = Some(Instant::from_nanos(deadline_ms * 1_000_000));
        follows_leader::check(peer(1), AfterLeaderMessage { leader, status, deadline }, timeout_min)
    };
    holds(check(Some(leader), 301));
    let parts = ["peer 1", "a message of 2", "term 3", "does not follow it"];
    fires(check(None, 301), Invariant::FollowsLeader, &parts);
    fires(check(Some(PeerId::new(0)), 301), Invariant::FollowsLeader, &["does not follow it"]);
    fires(check(Some(leader), 300), Invariant::FollowsLeader, &["does not restart its timer"]);
}

#[test]
fn election_timer_fires_on_a_wait_without_a_vote_and_on_a_vote_without_a_wait() {
    let timeout_min = Duration::from_millis(300);
    let follower = |voted_for: Option<u64>| Status {
        voted_for: voted_for.map(PeerId::new),
        ..status(RoleName::Follower, 3, 0)
    };
    let asked = |voted_for, [before, after]: [u64; 2]| VoteRequested {
        candidate: PeerId::new(1),
        status: [follower(None), follower(voted_for)],
        deadline: [before, after].map(|ms| Instant::from_nanos(ms * 1_000_000)),
    };
    let check = |asked| election_timer::check(peer(0), asked, timeout_min);
    holds(check(asked(Some(1), [200, 400])));
    holds(check(asked(Some(2), [200, 200])));
    holds(check(asked(None, [200, 200])));
    let refused = check(asked(Some(2), [200, 400]));
    fires(refused, Invariant::ElectionTimer, &["refuses its vote and restarts its timer"]);
    let granted = check(asked(Some(1), [200, 200]));
    fires(granted, Invariant::ElectionTimer, &["grants its vote and does not restart its timer"]);
}
