//! Every invariant is shown to fire on a hand-made bad state, and to be silent on a good one.

mod thesis;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use raft::message::{AppendEntriesReply, Candidacy, Carried, RequestVote, Vote};
use raft::{
    Entry, EntryId, Envelope, HardState, Index, Instant, Log, LogSlice, Membership, Message,
    MessageId, Payload, PeerId, RoleName, Round, Snapshot, Status, Stored, Term,
};
use raft_tests::invariants::commit_rule::{self, Advance};
use raft_tests::invariants::configurations::{Committed, Own};
use raft_tests::invariants::election_safety::ElectionSafety;
use raft_tests::invariants::follows_leader::{self, Heard};
use raft_tests::invariants::kept_promise::Promise;
use raft_tests::invariants::leader_completeness::LeaderCompleteness;
use raft_tests::invariants::log_matching::LogMatching;
use raft_tests::invariants::monotonic::{self, Past};
use raft_tests::invariants::state_machine_safety::StateMachineSafety;
use raft_tests::invariants::timer_rule::{self, Asked};
use raft_tests::invariants::violation::Witness;
use raft_tests::invariants::{Invariants, Property, Seen, durability};

use self::verdicts::{Check, fires, holds};

fn peer(number: u64) -> Witness {
    Witness { peer: PeerId::new(number), at: Instant::from_nanos(number * 1_000_000) }
}

fn id(term: u64, index: u64) -> EntryId {
    EntryId::new(Term::new(term), Index::new(index))
}

fn entry(term: u64, index: u64, command: &[u8]) -> Entry {
    Entry { id: id(term, index), payload: Payload::Command(command.into()) }
}

fn voters(numbers: &[u64]) -> Membership {
    Membership::of_voters(numbers.iter().copied().map(PeerId::new))
}

/// The entries of these terms from index 1 on.
fn entries(terms: &[u64]) -> Vec<Entry> {
    (1..).zip(terms).map(|(index, term)| entry(*term, index, b"x")).collect()
}

fn log(terms: &[u64]) -> Log {
    Log::new(LogSlice::new(EntryId::ZERO, entries(terms)).expect("terms do not fall"))
}

fn disk(term: u64, voted_for: Option<u64>, terms: &[u64]) -> Stored {
    let voted_for = voted_for.map(PeerId::new);
    let hard_state = HardState { current_term: Term::new(term), voted_for };
    Stored { hard_state, snapshot: None, entries: entries(terms) }
}

fn status(role: RoleName, term: u64, commit: u64) -> Status {
    Status {
        id: PeerId::new(0),
        role,
        current_term: Term::new(term),
        voted_for: None,
        leader: None,
        commit_index: Index::new(commit),
        last_applied: Index::ZERO,
        durable_index: Index::ZERO,
    }
}

fn envelope(term: u64, message: Message) -> Envelope {
    let (from, to) = (PeerId::new(0), PeerId::new(1));
    Envelope { id: MessageId::new(1), from, to, term: Term::new(term), message }
}

#[test]
fn election_safety_fires_on_a_second_leader() {
    let mut elections = ElectionSafety::default();
    holds(elections.leads(Term::new(3), peer(1)));
    holds(elections.leads(Term::new(3), peer(1)));
    holds(elections.leads(Term::new(4), peer(2)));
    fires(
        elections.leads(Term::new(3), peer(2)),
        Property::ElectionSafety,
        &["term 3", "peer 1 at 1.000 ms", "peer 2 at 2.000 ms"],
    );
}

#[test]
fn election_safety_fires_on_a_second_vote() {
    let mut elections = ElectionSafety::default();
    holds(elections.votes(peer(1), Term::new(3), PeerId::new(0)));
    holds(elections.votes(peer(1), Term::new(3), PeerId::new(0)));
    holds(elections.votes(peer(1), Term::new(4), PeerId::new(2)));
    fires(
        elections.votes(peer(1), Term::new(3), PeerId::new(2)),
        Property::ElectionSafety,
        &["peer 1", "votes for 2", "voted for 0"],
    );
}

#[test]
fn election_safety_fires_on_a_leader_without_a_majority() {
    let mut elections = ElectionSafety::default();
    holds(elections.votes(peer(1), Term::new(3), PeerId::new(1)));
    holds(elections.votes(peer(2), Term::new(2), PeerId::new(1)));
    holds(elections.votes(peer(3), Term::new(3), PeerId::new(4)));
    let check = |elections: &ElectionSafety, members: &Membership| {
        elections.wins(Term::new(3), peer(1), members)
    };
    holds(check(&elections, &voters(&[1])));
    let parts = ["term 3", "votes of 1 among voters 1 2"];
    fires(check(&elections, &voters(&[1, 2])), Property::ElectionSafety, &parts);
    holds(elections.votes(peer(2), Term::new(3), PeerId::new(1)));
    holds(check(&elections, &voters(&[1, 2, 3])));
    fires(check(&elections, &voters(&[1, 2, 3, 4])), Property::ElectionSafety, &["votes of 2"]);
    let joint = voters(&[1, 2, 3]).towards(voters(&[3, 4, 1]));
    fires(check(&elections, &joint), Property::ElectionSafety, &["outgoing 1 2 3"]);
    let learners = voters(&[1, 3, 4]).with_learner(PeerId::new(2));
    fires(check(&elections, &learners), Property::ElectionSafety, &["votes of 1"]);
}

#[test]
fn follows_leader_fires_on_a_candidate_that_stays_one_and_on_a_timer_that_goes_on() {
    let leader = PeerId::new(2);
    let timeout_min = Duration::from_millis(300);
    let check = |leads, deadline_ms: u64| {
        let status = Status { leader: leads, ..status(RoleName::Follower, 3, 0) };
        let deadline = Some(Instant::from_nanos(deadline_ms * 1_000_000));
        follows_leader::check(peer(1), Heard { leader, status, deadline }, timeout_min)
    };
    holds(check(Some(leader), 301));
    let parts = ["peer 1", "hears from 2", "term 3", "does not follow it"];
    fires(check(None, 301), Property::FollowsLeader, &parts);
    fires(check(Some(PeerId::new(0)), 301), Property::FollowsLeader, &["does not follow it"]);
    fires(check(Some(leader), 300), Property::FollowsLeader, &["does not wait anew"]);
}

#[test]
fn election_safety_fires_on_a_follower_of_somebody_who_was_not_elected() {
    let mut elections = ElectionSafety::default();
    holds(elections.leads(Term::new(3), peer(1)));
    holds(elections.follows(peer(0), Term::new(3), PeerId::new(1)));
    let other = elections.follows(peer(0), Term::new(3), PeerId::new(2));
    fires(other, Property::ElectionSafety, &["follows 2 in term 3", "peer 1 at"]);
    let nobody = elections.follows(peer(0), Term::new(4), PeerId::new(1));
    fires(nobody, Property::ElectionSafety, &["term 4", "nobody was elected"]);
}

#[test]
fn log_matching_fires_on_another_payload_and_on_another_predecessor() {
    let mut matching = LogMatching::default();
    holds(matching.holds(peer(1), Term::new(1), &entry(2, 5, b"a")));
    holds(matching.holds(peer(2), Term::new(1), &entry(2, 5, b"a")));
    holds(matching.holds(peer(2), Term::new(1), &entry(3, 5, b"b")));
    let other_payload = matching.holds(peer(3), Term::new(1), &entry(2, 5, b"b"));
    fires(other_payload, Property::LogMatching, &["entry 5@2", "payload", "peer 1", "peer 3"]);
    let other_prev = matching.holds(peer(3), Term::new(2), &entry(3, 5, b"b"));
    fires(other_prev, Property::LogMatching, &["entry 5@3", "predecessor", "peer 2", "peer 3"]);
}

#[test]
fn leader_completeness_fires_on_a_leader_that_lacks_a_committed_entry() {
    let mut completeness = LeaderCompleteness::default();
    completeness.commits(peer(0), Term::new(2), &log(&[1, 2, 2]), Index::new(2));
    holds(completeness.leads(peer(1), Term::new(3), &log(&[1, 2])));
    // A leader of the same or an older term may lack what was committed since.
    holds(completeness.leads(peer(1), Term::new(2), &log(&[1])));
    fires(
        completeness.leads(peer(1), Term::new(3), &log(&[1, 1, 1])),
        Property::LeaderCompleteness,
        &["leader of term 3", "entry 2@2", "committed in term 2 by peer 0"],
    );
    fires(
        completeness.leads(peer(1), Term::new(3), &log(&[1])),
        Property::LeaderCompleteness,
        &["entry 2@2", "ends with 1@1"],
    );
}

#[test]
fn state_machine_safety_fires_on_a_different_entry() {
    let mut safety = StateMachineSafety::default();
    holds(safety.applies(peer(0), &entry(1, 1, b"a")));
    holds(safety.applies(peer(1), &entry(1, 1, b"a")));
    let witnesses = ["peer 0", "peer 1"];
    let other_term = safety.applies(peer(1), &entry(2, 1, b"a"));
    fires(other_term, Property::StateMachineSafety, &witnesses);
    let other_payload = safety.applies(peer(1), &entry(1, 1, b"b"));
    fires(other_payload, Property::StateMachineSafety, &witnesses);
    let gap = safety.applies(peer(1), &entry(1, 3, b"a"));
    fires(gap, Property::StateMachineSafety, &["nobody has applied index 2"]);

    holds(safety.restores(peer(1), id(1, 1)));
    let other_snapshot = safety.restores(peer(1), id(2, 1));
    fires(other_snapshot, Property::StateMachineSafety, &witnesses);
    let future = safety.restores(peer(1), id(1, 2));
    fires(future, Property::StateMachineSafety, &["nobody has applied"]);
}

#[test]
fn monotonic_fires_on_whatever_goes_back() {
    let start = Status {
        voted_for: Some(PeerId::new(1)),
        last_applied: Index::new(2),
        ..status(RoleName::Follower, 5, 3)
    };
    let rows = [
        ("its term", Status { current_term: Term::new(4), ..start }, 9),
        ("its commit index", Status { commit_index: Index::new(2), ..start }, 9),
        ("its applied index", Status { last_applied: Index::new(1), ..start }, 9),
        ("its vote", Status { voted_for: Some(PeerId::new(2)), ..start }, 9),
        ("its vote", Status { voted_for: None, ..start }, 9),
        ("not in its log", Status { commit_index: Index::new(10), ..start }, 9),
        ("not committed", Status { last_applied: Index::new(4), ..start }, 9),
    ];
    for (part, now, last) in rows {
        let mut past = Past::new(start, HardState::default());
        fires(past.goes_on(peer(0), now, Index::new(last)), Property::Monotonic, &[part]);
    }
    let mut past = Past::new(start, HardState::default());
    let next_term = Status { current_term: Term::new(6), voted_for: None, ..start };
    holds(past.goes_on(peer(0), next_term, Index::new(9)));
}

#[test]
fn monotonic_fires_on_a_disk_or_a_restart_that_goes_back() {
    let start = status(RoleName::Follower, 5, 0);
    let durable = disk(5, Some(1), &[]);
    for (worse, part) in [
        (disk(4, None, &[]), "Term(4)"),
        (disk(5, None, &[]), "None"),
        (disk(5, Some(2), &[]), "2"),
    ] {
        let mut past = Past::new(start, durable.hard_state);
        fires(past.becomes_durable(peer(0), &worse), Property::Monotonic, &[part]);
    }
    let mut past = Past::new(start, durable.hard_state);
    holds(past.becomes_durable(peer(0), &disk(6, None, &[])));

    let mut past = Past::new(start, durable.hard_state);
    let forgot = past.restarts(peer(0), status(RoleName::Follower, 4, 0), &durable);
    fires(forgot, Property::Monotonic, &["restarts with", "its disk holds"]);
}

#[test]
fn monotonic_fires_on_a_peer_that_stays_behind_a_term_it_heard_of() {
    holds(monotonic::follows(peer(0), Term::new(4), Term::new(4)));
    holds(monotonic::follows(peer(0), Term::new(4), Term::new(5)));
    let behind = monotonic::follows(peer(0), Term::new(5), Term::new(4));
    fires(behind, Property::Monotonic, &["heard of term 5", "stays in term 4"]);
}

#[test]
fn timer_rule_fires_on_a_wait_without_a_vote_and_on_a_vote_without_a_wait() {
    let timeout_min = Duration::from_millis(300);
    let follower = |voted_for: Option<u64>| Status {
        voted_for: voted_for.map(PeerId::new),
        ..status(RoleName::Follower, 3, 0)
    };
    let asked = |voted_for, [before, after]: [u64; 2]| Asked {
        candidate: PeerId::new(1),
        status: [follower(None), follower(voted_for)],
        deadline: [before, after].map(|ms| Instant::from_nanos(ms * 1_000_000)),
    };
    let check = |asked| timer_rule::check(peer(0), asked, timeout_min);
    holds(check(asked(Some(1), [200, 400])));
    holds(check(asked(Some(2), [200, 200])));
    holds(check(asked(None, [200, 200])));
    let refused = check(asked(Some(2), [200, 400]));
    fires(refused, Property::TimerRule, &["refuses its vote and waits longer"]);
    let granted = check(asked(Some(1), [200, 200]));
    fires(granted, Property::TimerRule, &["grants its vote and does not wait"]);
}

#[test]
fn commit_rule_fires_on_an_old_term_and_on_a_minority() {
    let advance = Advance { term: Term::new(4), entry: id(4, 2) };
    let members = voters(&[0, 1, 2, 3, 4]);
    let check = |advance, members: &Membership, holders: u64| {
        commit_rule::check(peer(0), advance, members, |peer| peer.number() < holders)
    };
    holds(check(advance, &members, 3));
    let old = Advance { entry: id(2, 2), ..advance };
    fires(check(old, &members, 3), Property::CommitRule, &["term 4", "entry 2@2"]);
    fires(check(advance, &members, 2), Property::CommitRule, &["2 disks", "0 1 2 3 4"]);
    let joint = members.towards(voters(&[2, 3, 4]));
    fires(check(advance, &joint, 3), Property::CommitRule, &["3 disks", "outgoing"]);
    holds(check(advance, &joint, 4));
}

#[test]
fn kept_promise_fires_on_an_acknowledged_entry_that_is_gone() {
    let mut promise = Promise::default();
    promise.acknowledges(Term::new(3), id(2, 3));
    promise.acknowledges(Term::new(3), id(2, 2));
    let term = Term::new(3);
    holds(promise.is_kept(peer(0), term, &log(&[1, 2, 2, 3])));
    for gone in [&[1, 2][..], &[1, 2, 3]] {
        let check = promise.is_kept(peer(0), term, &log(gone));
        fires(check, Property::KeptPromise, &["peer 0", "entry 3@2", "term 3"]);
        // Another leader may replace what was not committed.
        holds(promise.is_kept(peer(0), Term::new(4), &log(gone)));
    }
}

#[test]
fn commit_rule_fires_on_a_follower_that_does_not_hold_what_is_counted() {
    let counts = |matched, disk: &Stored| {
        commit_rule::counts(peer(0), Term::new(3), PeerId::new(1), matched, disk)
    };
    holds(counts(id(2, 2), &disk(3, None, &[1, 2])));
    holds(counts(EntryId::ZERO, &disk(0, None, &[])));
    // The follower has a later leader, who may have replaced the entry.
    holds(counts(id(2, 2), &disk(4, None, &[1, 4])));
    for terms in [&[1][..], &[1, 3]] {
        let check = counts(id(2, 2), &disk(3, None, terms));
        fires(check, Property::CommitRule, &["counts 1 as holding", "through 2@2"]);
    }
}

#[test]
fn durability_fires_on_a_promise_that_could_be_lost() {
    let candidacy =
        || Message::RequestVote(RequestVote { last_log: id(1, 1), candidacy: Candidacy::Timeout });
    let vote = || Message::RequestVoteReply(Vote::Granted);
    let accept = |index| {
        let match_index = Index::new(index);
        Message::AppendEntriesReply(AppendEntriesReply::Accepted {
            match_index,
            carried: Carried::Entries,
            round: Round::ZERO,
        })
    };
    let rows = [
        ("candidacy in a term not durable", candidacy(), disk(2, Some(0), &[1])),
        ("candidacy without its own vote", candidacy(), disk(3, None, &[1])),
        ("vote not durable", vote(), disk(3, None, &[1])),
        ("vote for another", vote(), disk(3, Some(2), &[1])),
        ("entry not durable", accept(2), disk(3, None, &[1])),
        ("entry of another term", accept(2), disk(3, None, &[1, 1])),
        ("acknowledgement of a term not durable", accept(1), disk(2, None, &[1])),
    ];
    for (name, message, disk) in rows {
        let leader = log(&[1, 2]);
        let envelope = envelope(3, message);
        let check = durability::releases(peer(0), &envelope, &disk, |index| leader.term_at(index));
        assert_eq!(check.expect_err(name).property, Property::Durability, "{name}");
    }
    for (message, disk) in [
        (candidacy(), disk(3, Some(0), &[1])),
        (vote(), disk(3, Some(1), &[1])),
        (accept(2), disk(3, None, &[1, 2])),
        (Message::RequestVoteReply(Vote::Refused), disk(2, None, &[])),
    ] {
        let leader = log(&[1, 2]);
        let envelope = envelope(3, message);
        holds(durability::releases(peer(0), &envelope, &disk, |index| leader.term_at(index)));
    }
}

#[test]
fn durability_fires_on_what_is_applied_or_believed_too_early() {
    let disk = Stored {
        snapshot: Some(Snapshot {
            last_included: id(1, 2),
            membership: Default::default(),
            data: [].into(),
        }),
        entries: vec![entry(2, 3, b"x")],
        ..Stored::default()
    };
    holds(durability::applies(peer(0), &[entry(1, 2, b"x"), entry(2, 3, b"x")], &disk));
    let missing = durability::applies(peer(0), &[entry(2, 4, b"x")], &disk);
    fires(missing, Property::Durability, &["entry 4@2", "ends with 3@2"]);
    let other = durability::applies(peer(0), &[entry(3, 3, b"x")], &disk);
    fires(other, Property::Durability, &["entry 3@3"]);
    holds(durability::restores(peer(0), id(1, 2), &disk));
    let early = durability::restores(peer(0), id(3, 4), &disk);
    fires(early, Property::Durability, &["snapshot through 4@3", "ends with 3@2"]);
}

#[test]
fn durability_fires_on_a_peer_that_believes_more_durable_than_is() {
    let disk = disk(3, None, &[1, 2, 2]);
    let believes =
        |index, terms: &[u64]| durability::believes(peer(0), Index::new(index), &log(terms), &disk);
    holds(believes(3, &[1, 2, 2, 3]));
    holds(believes(1, &[1, 3]));
    for (index, terms) in [(4, &[1, 2, 2, 3][..]), (2, &[1, 3]), (3, &[1, 2])] {
        let count = format!("through {index} as durable");
        fires(believes(index, terms), Property::Durability, &[&count]);
    }
}

fn membership_entry(term: u64, index: u64, members: &Membership) -> Entry {
    Entry { id: id(term, index), payload: Payload::Membership(members.clone().into()) }
}

/// A log of term 1 whose entries are these configurations.
fn log_of(members: &[&Membership]) -> Log {
    let entries = (1..).zip(members).map(|(index, one)| membership_entry(1, index, one)).collect();
    Log::new(LogSlice::new(EntryId::ZERO, entries).expect("one term"))
}

#[test]
fn configurations_fire_on_steps_that_do_not_follow() {
    let (old, new) = (voters(&[0, 1]), voters(&[0, 2]));
    let joint = old.towards(new.clone());
    let more = old.clone().with_learner(PeerId::new(5));
    let first = Arc::new(old.clone());
    let check = |steps: &[&Membership]| {
        let committed = Committed::new(Arc::clone(&first));
        let mut own = Own::default();
        own.starts(&first, &committed, &log(&[]));
        let follower = status(RoleName::Follower, 1, 0);
        own.changes(peer(0), &follower, &committed, &log_of(steps), Index::ZERO)
    };
    holds(check(&[&joint, &new]));
    holds(check(&[&more, &old]));
    for steps in [&[&new][..], &[&joint, &old], &[&joint, &joint], &[&joint, &more]] {
        fires(check(steps), Property::Configurations, &["peer 0", "become"]);
    }
}

#[test]
fn configurations_fire_on_changes_that_come_too_soon() {
    let first = Arc::new(voters(&[0, 1]));
    let more = |peer| voters(&[0, 1]).with_learner(PeerId::new(peer));
    let check = |commit, terms: u64| {
        let committed = Committed::new(Arc::clone(&first));
        let mut own = Own::default();
        own.starts(&first, &committed, &log(&[]));
        let leader = status(RoleName::Leader, terms, commit);
        let entries = vec![entry(1, 1, b"x"), membership_entry(1, 2, &more(5))];
        let two = Log::new(LogSlice::new(EntryId::ZERO, entries.clone()).expect("one term"));
        own.changes(peer(0), &leader, &committed, &two, Index::ZERO)?;
        let third = membership_entry(terms, 3, &more(6));
        let three = LogSlice::new(EntryId::ZERO, [entries, vec![third]].concat()).expect("rises");
        own.changes(peer(0), &leader, &committed, &Log::new(three), Index::new(2))
    };
    holds(check(2, 1));
    fires(check(1, 1), Property::Configurations, &["at 3", "the change at 2 is not committed"]);
    fires(check(2, 2), Property::Configurations, &["term 2", "nothing is committed"]);
}

#[test]
fn configurations_fire_on_a_peer_that_goes_by_others_or_stands_without_a_vote() {
    let first = Arc::new(voters(&[0, 1]));
    let new = voters(&[1, 2]);
    let (committed, mut own) = (Committed::new(Arc::clone(&first)), Own::default());
    own.starts(&first, &committed, &log_of(&[&first.towards(new.clone()), &new]));
    let kept = |role, commit, goes_by: &Membership| {
        own.are_kept(peer(0), &status(role, 1, commit), goes_by)
    };
    holds(kept(RoleName::Follower, 2, &new));
    holds(kept(RoleName::Leader, 1, &new));
    let parts = ["peer 0 at 0.000 ms goes by the members voters 0 1; by its log"];
    fires(kept(RoleName::Follower, 0, &first), Property::Configurations, &parts);
    let parts = ["is a candidate and has no vote"];
    holds(kept(RoleName::Candidate, 1, &new));
    fires(kept(RoleName::Candidate, 2, &new), Property::Configurations, &parts);
    let parts = ["is a leader and has no vote"];
    fires(kept(RoleName::Leader, 2, &new), Property::Configurations, &parts);
}

#[test]
fn configurations_fire_on_a_snapshot_of_other_members() {
    let (first, later) = (voters(&[0, 1]), voters(&[0, 1]).with_learner(PeerId::new(2)));
    let mut committed = Committed::new(Arc::new(first.clone()));
    committed.commits(&log_of(&[&first, &later]), Index::new(2));
    let check = |index, members: &Membership| {
        let membership = Arc::new(members.clone());
        let snapshot = Snapshot { last_included: id(1, index), membership, data: [].into() };
        committed.is_in(peer(0), &snapshot)
    };
    holds(check(1, &first));
    holds(check(2, &later));
    fires(check(1, &later), Property::Configurations, &["through 1", "which are voters 0 1"]);
    fires(check(2, &first), Property::Configurations, &["which are voters 0 1, learners 2"]);
}

/// One peer's life in front of all invariants together.
struct Life {
    invariants: Invariants,
    disk: Stored,
    members: Arc<Membership>,
}

impl Life {
    fn new(terms: &[u64]) -> Self {
        let members = Arc::new(voters(&[0]));
        let invariants = Invariants::of(Arc::clone(&members));
        let mut life = Self { invariants, disk: disk(0, None, terms), members };
        let (log, status) = (log(terms), status(RoleName::Follower, 0, 0));
        let (members, disk) = (&life.members, &life.disk);
        let seen = Seen { at: Instant::START, place: 0, status, log: &log, members, disk };
        holds(life.invariants.starts(seen));
        life
    }

    fn becomes(&mut self, role: RoleName, term: u64, commit: u64, terms: &[u64]) -> Check {
        let (log, status) = (log(terms), status(role, term, commit));
        let (members, disk) = (&self.members, &self.disk);
        let seen = Seen { at: Instant::START, place: 0, status, log: &log, members, disk };
        self.invariants.after_input(seen, |_, _| true)
    }
}

#[test]
fn leader_append_only_fires_on_a_leader_that_deletes() {
    let mut life = Life::new(&[1, 1]);
    holds(life.becomes(RoleName::Leader, 2, 0, &[1, 1, 2]));
    holds(life.becomes(RoleName::Leader, 2, 0, &[1, 1, 2, 2]));
    let deletes = life.becomes(RoleName::Leader, 2, 0, &[1, 1, 2]);
    fires(deletes, Property::LeaderAppendOnly, &["term 2", "4@2"]);
}

#[test]
fn a_follower_may_delete_what_a_leader_may_not() {
    let mut life = Life::new(&[1, 1, 1]);
    holds(life.becomes(RoleName::Follower, 2, 0, &[1, 2]));
    holds(life.becomes(RoleName::Leader, 3, 0, &[1, 2, 3]));
}

#[test]
fn all_together_each_property_is_looked_at() {
    let mut life = Life::new(&[1, 1]);
    let term_back = {
        holds(life.becomes(RoleName::Follower, 3, 0, &[1, 1]));
        life.becomes(RoleName::Follower, 2, 0, &[1, 1])
    };
    fires(term_back, Property::Monotonic, &["term"]);

    let mut life = Life::new(&[1, 1]);
    holds(life.becomes(RoleName::Leader, 2, 0, &[1, 1]));
    let old_term = life.becomes(RoleName::Leader, 2, 2, &[1, 1]);
    fires(old_term, Property::CommitRule, &["entry 2@1"]);

    let mut life = Life::new(&[1, 1]);
    holds(life.becomes(RoleName::Follower, 2, 2, &[1, 1]));
    let incomplete = life.becomes(RoleName::Leader, 3, 2, &[1, 2]);
    fires(incomplete, Property::LeaderCompleteness, &["entry 2@1"]);
}
