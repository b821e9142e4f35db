//! The core, checked exhaustively within small bounds; the example `model` has larger ones.

#[path = "../examples/model/checked.rs"]
mod checked;

use raft_tests::model::{Bounds, CASES};

fn bounds(name: &str) -> Bounds {
    CASES.iter().find(|case| case.name == name).expect("the test names a case").bounds
}

/// Checks a case at a depth that a build without optimisation reaches in a second or two.
#[track_caller]
fn holds(name: &str, depth: usize, reached: &[&str]) {
    let findings = checked::check(Bounds { depth, ..bounds(name) }, 2);
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
    holds("elections", 7, &["a leader"]);
}

#[test]
fn elections_of_three_peers_that_ask_first() {
    holds("pre_votes", 9, &["a leader"]);
}

#[test]
fn agreement_of_two_peers_that_crash() {
    holds("pair", 14, &["a leader", "an agreement"]);
}

#[test]
fn snapshots_of_two_peers_that_crash() {
    holds("snapshots", 14, &["a leader", "an agreement"]);
}
