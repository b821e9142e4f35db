//! Configurations of a peer, and the steps between them.

use std::sync::Arc;

use raft::{Entry, EntryId, Index, Log, LogSlice, Membership, Payload, PeerId, RoleName, Snapshot};
use raft_tests::invariants::Invariant;
use raft_tests::invariants::configurations::{
    CommittedConfigurations, PeerConfigurations, check_admitted,
};

use crate::assertions::{fires, holds};
use crate::fixtures::{entry, id, log, peer, status, voters};

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
    let joint = old.enter_joint(new.clone());
    let more = old.clone().with_learner(PeerId::new(5));
    let first = Arc::new(old.clone());
    let check = |steps: &[&Membership]| {
        let committed = CommittedConfigurations::new(Arc::clone(&first));
        let mut own = PeerConfigurations::default();
        own.start(&first, &committed, &log(&[]));
        let follower = status(RoleName::Follower, 1, 0);
        own.log_changed(peer(0), &follower, &committed, &log_of(steps), Index::ZERO)
    };
    holds(check(&[&joint, &new]));
    holds(check(&[&more, &old]));
    for steps in [&[&new][..], &[&joint, &old], &[&joint, &joint], &[&joint, &more]] {
        fires(check(steps), Invariant::Configurations, &["peer 0", "become"]);
    }
}

#[test]
fn configurations_fire_on_changes_that_come_too_soon() {
    let first = Arc::new(voters(&[0, 1]));
    let more = |peer| voters(&[0, 1]).with_learner(PeerId::new(peer));
    let check = |commit, terms: u64| {
        let committed = CommittedConfigurations::new(Arc::clone(&first));
        let mut own = PeerConfigurations::default();
        own.start(&first, &committed, &log(&[]));
        let leader = status(RoleName::Leader, terms, commit);
        let entries = vec![entry(1, 1, b"x"), membership_entry(1, 2, &more(5))];
        let two = Log::new(LogSlice::new(EntryId::ZERO, entries.clone()).expect("one term"));
        own.log_changed(peer(0), &leader, &committed, &two, Index::ZERO)?;
        let third = membership_entry(terms, 3, &more(6));
        let three = LogSlice::new(EntryId::ZERO, [entries, vec![third]].concat()).expect("rises");
        own.log_changed(peer(0), &leader, &committed, &Log::new(three), Index::new(2))
    };
    holds(check(2, 1));
    fires(check(1, 1), Invariant::Configurations, &["at 3", "the change at 2 is not committed"]);
    fires(check(2, 2), Invariant::Configurations, &["term 2", "nothing is committed"]);
}

#[test]
fn configurations_fire_on_a_peer_that_goes_by_others_or_stands_without_a_vote() {
    let first = Arc::new(voters(&[0, 1]));
    let new = voters(&[1, 2]);
    let (committed, mut own) =
        (CommittedConfigurations::new(Arc::clone(&first)), PeerConfigurations::default());
    own.start(&first, &committed, &log_of(&[&first.enter_joint(new.clone()), &new]));
    let kept = |role, commit, effective: &Membership| {
        own.check_in_force(peer(0), &status(role, 1, commit), effective)
    };
    holds(kept(RoleName::Follower, 2, &new));
    holds(kept(RoleName::Leader, 1, &new));
    let parts = ["peer 0 at 0.000 ms uses the members voters 0 1; by its log"];
    fires(kept(RoleName::Follower, 0, &first), Invariant::Configurations, &parts);
    let parts = ["is a candidate and has no vote"];
    holds(kept(RoleName::Candidate, 1, &new));
    fires(kept(RoleName::Candidate, 2, &new), Invariant::Configurations, &parts);
    let parts = ["is a leader and has no vote"];
    fires(kept(RoleName::Leader, 2, &new), Invariant::Configurations, &parts);
}

#[test]
fn configurations_fire_on_a_snapshot_of_other_members() {
    let (first, later) = (voters(&[0, 1]), voters(&[0, 1]).with_learner(PeerId::new(2)));
    let mut committed = CommittedConfigurations::new(Arc::new(first.clone()));
    committed.record_committed(&log_of(&[&first, &later]), Index::new(2));
    let check = |index, members: &Membership| {
        let membership = Arc::new(members.clone());
        let snapshot = Snapshot { last_included: id(1, index), membership, data: [].into() };
        committed.check_snapshot(peer(0), &snapshot)
    };
    holds(check(1, &first));
    holds(check(2, &later));
    fires(check(1, &later), Invariant::Configurations, &["through 1", "which are voters 0 1"]);
    fires(check(2, &first), Invariant::Configurations, &["which are voters 0 1, learners 2"]);
}

#[test]
fn configurations_fire_on_a_voter_that_does_not_know_of_its_record() {
    let check = |is_held| check_admitted(peer(0), PeerId::new(3), Index::new(5), is_held);
    holds(check(true));
    fires(check(false), Invariant::Configurations, &["makes 3 a voter", "configuration at 5"]);
}
