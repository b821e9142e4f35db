//! Storms as tests: the seed decides what kind of storm it is.

use raft_tests::run;

#[test]
fn storm_of_one() {
    run("storm_of_one");
}

#[test]
fn storm_of_three() {
    run("storm_of_three");
}

#[test]
fn storm_of_five() {
    run("storm_of_five");
}

#[test]
fn storm_of_seven() {
    run("storm_of_seven");
}

#[test]
fn isolated_leader_of_three() {
    run("isolated_leader_of_three");
}

#[test]
fn isolated_leader_of_five() {
    run("isolated_leader_of_five");
}
