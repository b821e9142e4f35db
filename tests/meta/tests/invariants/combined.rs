//! All invariants together, over the states of one peer.

use std::sync::Arc;

use raft::{Instant, Membership, PersistentState, RoleName};
use raft_tests::invariants::{Invariant, InvariantChecker, ObservedPeer};

use crate::assertions::{Check, fires, holds};
use crate::fixtures::{disk, log, status, voters};

/// One peer that passes through states under all invariants.
struct Life {
    invariants: InvariantChecker,
    disk: PersistentState,
    members: Arc<Membership>,
}

impl Life {
    fn new(terms: &[u64]) -> Self {
        let members = Arc::new(voters(&[0]));
        let invariants = InvariantChecker::new(Arc::clone(&members));
        let mut life = Self { invariants, disk: disk(0, None, terms), members };
        let (log, status) = (log(terms), status(RoleName::Follower, 0, 0));
        let (members, disk) = (&life.members, &life.disk);
        let seen = ObservedPeer { at: Instant::START, server: 0, status, log: &log, members, disk };
        holds(life.invariants.peer_started(seen));
        life
    }

    fn becomes(&mut self, role: RoleName, term: u64, commit: u64, terms: &[u64]) -> Check {
        let (log, status) = (log(terms), status(role, term, commit));
        let (members, disk) = (&self.members, &self.disk);
        let seen = ObservedPeer { at: Instant::START, server: 0, status, log: &log, members, disk };
        self.invariants.check_after_input(seen, |_, _| true)
    }
}

#[test]
fn leader_append_only_fires_on_a_leader_that_deletes() {
    let mut life = Life::new(&[1, 1]);
    holds(life.becomes(RoleName::Leader, 2, 0, &[1, 1, 2]));
    holds(life.becomes(RoleName::Leader, 2, 0, &[1, 1, 2, 2]));
    let deletes = life.becomes(RoleName::Leader, 2, 0, &[1, 1, 2]);
    fires(deletes, Invariant::LeaderAppendOnly, &["term 2", "4@2"]);
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
    fires(term_back, Invariant::Monotonic, &["term"]);

    let mut life = Life::new(&[1, 1]);
    holds(life.becomes(RoleName::Leader, 2, 0, &[1, 1]));
    let old_term = life.becomes(RoleName::Leader, 2, 2, &[1, 1]);
    fires(old_term, Invariant::CommitRule, &["entry 2@1"]);

    let mut life = Life::new(&[1, 1]);
    holds(life.becomes(RoleName::Follower, 2, 2, &[1, 1]));
    let incomplete = life.becomes(RoleName::Leader, 3, 2, &[1, 2]);
    fires(incomplete, Invariant::LeaderCompleteness, &["entry 2@1"]);
}
