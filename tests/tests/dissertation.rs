//! What peers do beyond the paper, as scenarios, by the sections of Ongaro's dissertation.

use raft_tests::{DISSERTATION, run, simulate};

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
fn grow_4_2_1() {
    run("grow_4_2_1");
}

#[test]
fn grow_by_snapshot_4_2_1() {
    run("grow_by_snapshot_4_2_1");
}

#[test]
fn shrink_4_1() {
    run("shrink_4_1");
}

#[test]
fn to_one_and_back_4_1() {
    run("to_one_and_back_4_1");
}

#[test]
fn replace_one_by_one_4_1() {
    run("replace_one_by_one_4_1");
}

#[test]
fn replace_at_once_4_3() {
    run("replace_at_once_4_3");
}

#[test]
fn one_change_at_a_time_4_1() {
    run("one_change_at_a_time_4_1");
}

#[test]
fn leader_leaves_4_2_2() {
    run("leader_leaves_4_2_2");
}

#[test]
fn forgotten_peer_4_2_3() {
    run("forgotten_peer_4_2_3");
}

#[test]
fn forgotten_candidate_4_2_3() {
    run("forgotten_candidate_4_2_3");
}

#[test]
fn half_of_a_joint_commit_4_3() {
    run("half_of_a_joint_commit_4_3");
}

#[test]
fn half_of_a_joint_election_4_3() {
    run("half_of_a_joint_election_4_3");
}

#[test]
fn joint_leader_dies_4_3() {
    run("joint_leader_dies_4_3");
}

#[test]
fn joint_leader_is_cut_off_4_1() {
    run("joint_leader_is_cut_off_4_1");
}

#[test]
fn all_crash_in_a_joint_4_3() {
    run("all_crash_in_a_joint_4_3");
}

#[test]
fn members_in_snapshots_5() {
    run("members_in_snapshots_5");
}

#[test]
fn snapshot_before_a_change_5() {
    run("snapshot_before_a_change_5");
}

#[test]
fn paused_leader_6_4_1() {
    run("paused_leader_6_4_1");
}

#[test]
fn each_passes_with_other_timeouts_too() {
    for scenario in &DISSERTATION {
        for seed in 1..=20 {
            if let Err(report) = simulate(scenario, seed, None) {
                panic!("{} seed {seed}\n{report}", scenario.name);
            }
        }
    }
}
