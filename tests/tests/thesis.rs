//! What peers do beyond the paper, as scenarios, by the sections of Ongaro's dissertation.

use raft_tests::{THESIS, run, simulate};

#[test]
fn deaf_peer_4_2_3() {
    run("deaf_peer_4_2_3");
}

#[test]
fn returning_peer_9_6() {
    run("returning_peer_9_6");
}

#[test]
fn lonely_leader_6_2() {
    run("lonely_leader_6_2");
}

#[test]
fn transfer_3_10() {
    run("transfer_3_10");
}

#[test]
fn transfer_to_the_dead_3_10() {
    run("transfer_to_the_dead_3_10");
}

#[test]
fn full_leader() {
    run("full_leader");
}

#[test]
fn each_passes_with_other_timeouts_too() {
    for scenario in &THESIS {
        for seed in 1..=20 {
            if let Err(report) = simulate(scenario, seed, None) {
                panic!("{} seed {seed}\n{report}", scenario.name);
            }
        }
    }
}
