//! The core, checked exhaustively within small bounds; the program `model` has larger ones.

use meta_tests::model::{Bounds, CASES};
use meta_tests::model_check;

fn bounds(name: &str) -> Bounds {
    CASES.iter().find(|case| case.name == name).expect("the test names a case").bounds
}

/// Checks a case at a depth that a build without optimisation reaches in a second or two.
#[track_caller]
fn holds(name: &str, depth: usize, reached: &[&str]) {
    let findings = model_check::check(Bounds { depth, ..bounds(name) }, 1);
    if let Some((rule, way)) = findings.broken {
        panic!("{rule} is broken by\n{way}");
    }
    assert_eq!(findings.depth, depth, "some behaviours go on longer than this");
    assert!(findings.states > 1000, "{findings:?} cannot be all there is");
    for name in reached {
        assert!(!findings.unreached.contains(name), "{name} must be possible: {findings:?}");
    }
}

#[test]
fn elections_of_three_peers_that_crash() {
    holds("elections", 5, &["a leader"]);
}

#[test]
fn elections_of_three_peers_that_ask_first() {
    holds("pre_votes", 7, &["a leader"]);
}

#[test]
fn agreement_of_two_peers_that_crash() {
    holds("two_peers", 12, &["a leader", "an agreement"]);
}

#[test]
fn snapshots_of_two_peers_that_crash() {
    holds("snapshots", 12, &["a leader", "an agreement"]);
}

#[test]
fn a_voter_takes_the_place_of_another_one_and_both_crash() {
    holds("replacement", 18, &["a change"]);
}

#[test]
fn two_voters_become_three_and_then_two_again() {
    holds("growth", 12, &["a change"]);
}

#[test]
fn a_leader_leaves_and_two_voters_stay() {
    holds("leader_removal", 13, &["a change"]);
}

#[test]
fn reads_of_leaders_and_of_followers() {
    holds("reads", 9, &["a read"]);
}

#[test]
fn reads_of_a_leader_that_has_a_successor() {
    holds("deposed_leader_reads", 8, &["a read"]);
}
