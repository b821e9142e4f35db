//! Logs, commits and applied entries.

use raft::{EntryId, Index, Membership, PeerId, PersistentState, Term};
use raft_tests::invariants::Invariant;
use raft_tests::invariants::acknowledged_entries::AcknowledgedEntry;
use raft_tests::invariants::commit_rule::{self, Advance};
use raft_tests::invariants::leader_completeness::LeaderCompleteness;
use raft_tests::invariants::log_matching::LogMatching;
use raft_tests::invariants::state_machine_safety::StateMachineSafety;

use crate::assertions::{fires, holds};
use crate::fixtures::{disk, entry, id, log, peer, voters};

#[test]
fn log_matching_fires_on_another_payload_and_on_another_predecessor() {
    let mut matching = LogMatching::default();
    holds(matching.check_entry(peer(1), Term::new(1), &entry(2, 5, b"a")));
    holds(matching.check_entry(peer(2), Term::new(1), &entry(2, 5, b"a")));
    holds(matching.check_entry(peer(2), Term::new(1), &entry(3, 5, b"b")));
    let other_payload = matching.check_entry(peer(3), Term::new(1), &entry(2, 5, b"b"));
    fires(other_payload, Invariant::LogMatching, &["entry 5@2", "payload", "peer 1", "peer 3"]);
    let other_prev = matching.check_entry(peer(3), Term::new(2), &entry(3, 5, b"b"));
    fires(other_prev, Invariant::LogMatching, &["entry 5@3", "predecessor", "peer 2", "peer 3"]);
}

#[test]
fn leader_completeness_fires_on_a_leader_that_lacks_a_committed_entry() {
    let mut completeness = LeaderCompleteness::default();
    completeness.record_committed(peer(0), Term::new(2), &log(&[1, 2, 2]), Index::new(2));
    holds(completeness.check_leader(peer(1), Term::new(3), &log(&[1, 2])));
    // A leader of the same or an older term may lack what was committed since.
    holds(completeness.check_leader(peer(1), Term::new(2), &log(&[1])));
    fires(
        completeness.check_leader(peer(1), Term::new(3), &log(&[1, 1, 1])),
        Invariant::LeaderCompleteness,
        &["leader of term 3", "entry 2@2", "committed in term 2 by peer 0"],
    );
    fires(
        completeness.check_leader(peer(1), Term::new(3), &log(&[1])),
        Invariant::LeaderCompleteness,
        &["entry 2@2", "ends with 1@1"],
    );
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
    fires(check(old, &members, 3), Invariant::CommitRule, &["term 4", "entry 2@2"]);
    fires(check(advance, &members, 2), Invariant::CommitRule, &["2 disks", "0 1 2 3 4"]);
    let joint = members.enter_joint(voters(&[2, 3, 4]));
    fires(check(advance, &joint, 3), Invariant::CommitRule, &["3 disks", "outgoing"]);
    holds(check(advance, &joint, 4));
}

#[test]
fn commit_rule_fires_on_a_follower_that_does_not_hold_what_is_counted() {
    let counts = |matched, disk: &PersistentState| {
        commit_rule::check_match_index(peer(0), Term::new(3), PeerId::new(1), matched, disk)
    };
    holds(counts(id(2, 2), &disk(3, None, &[1, 2])));
    holds(counts(EntryId::ZERO, &disk(0, None, &[])));
    // The follower has a later leader, who may have replaced the entry.
    holds(counts(id(2, 2), &disk(4, None, &[1, 4])));
    for terms in [&[1][..], &[1, 3]] {
        let check = counts(id(2, 2), &disk(3, None, terms));
        fires(check, Invariant::CommitRule, &["counts 1 as holding", "through 2@2"]);
    }
}

#[test]
fn acknowledged_entries_fires_on_an_acknowledged_entry_that_is_gone() {
    let mut acknowledged = AcknowledgedEntry::default();
    acknowledged.record(Term::new(3), id(2, 3));
    acknowledged.record(Term::new(3), id(2, 2));
    let term = Term::new(3);
    holds(acknowledged.check(peer(0), term, &log(&[1, 2, 2, 3])));
    for gone in [&[1, 2][..], &[1, 2, 3]] {
        let check = acknowledged.check(peer(0), term, &log(gone));
        fires(check, Invariant::AcknowledgedEntries, &["peer 0", "entry 3@2", "term 3"]);
        // Another leader may replace what was not committed.
        holds(acknowledged.check(peer(0), Term::new(4), &log(gone)));
    }
}

#[test]
fn state_machine_safety_fires_on_a_different_entry() {
    let mut safety = StateMachineSafety::default();
    holds(safety.record_applied(peer(0), &entry(1, 1, b"a")));
    holds(safety.record_applied(peer(1), &entry(1, 1, b"a")));
    let witnesses = ["peer 0", "peer 1"];
    let other_term = safety.record_applied(peer(1), &entry(2, 1, b"a"));
    fires(other_term, Invariant::StateMachineSafety, &witnesses);
    let other_payload = safety.record_applied(peer(1), &entry(1, 1, b"b"));
    fires(other_payload, Invariant::StateMachineSafety, &witnesses);
    let gap = safety.record_applied(peer(1), &entry(1, 3, b"a"));
    fires(gap, Invariant::StateMachineSafety, &["no peer has applied index 2"]);

    holds(safety.check_restored(peer(1), id(1, 1)));
    let other_snapshot = safety.check_restored(peer(1), id(2, 1));
    fires(other_snapshot, Invariant::StateMachineSafety, &witnesses);
    let future = safety.check_restored(peer(1), id(1, 2));
    fires(future, Invariant::StateMachineSafety, &["no peer has applied"]);
}
