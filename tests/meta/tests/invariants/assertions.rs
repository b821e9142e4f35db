//! Assertions about invariants.

use raft_tests::invariants::{Invariant, Violation};

/// Result of a check.
pub(crate) type Check = Result<(), Box<Violation>>;

/// Asserts that a check fires for this invariant, with all of these parts in its text.
#[track_caller]
pub(crate) fn fires(check: Check, invariant: Invariant, parts: &[&str]) {
    let violation = check.expect_err("the state is bad");
    assert_eq!(violation.invariant, invariant, "{violation}");
    for part in parts {
        assert!(violation.text.contains(part), "{part:?} is missing in {violation}");
    }
}

#[track_caller]
pub(crate) fn holds(check: Check) {
    if let Err(violation) = check {
        panic!("the state is good, yet {violation}");
    }
}
