//! What peers do beyond the paper, as scenarios, by the sections of Ongaro's dissertation.

use raft_tests::{DISSERTATION, run, simulate};

#[test]
fn one_way_partition_4_2_3() {
    run("one_way_partition_4_2_3");
}

#[test]
fn rejoining_peer_9_6() {
    run("rejoining_peer_9_6");
}

#[test]
fn leader_without_quorum_6_2() {
    run("leader_without_quorum_6_2");
}

#[test]
fn transfer_3_10() {
    run("transfer_3_10");
}

#[test]
fn transfer_to_crashed_peer_3_10() {
    run("transfer_to_crashed_peer_3_10");
}

#[test]
fn uncommitted_limit() {
    run("uncommitted_limit");
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
fn shrink_to_one_and_grow_4_1() {
    run("shrink_to_one_and_grow_4_1");
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
fn leader_removes_itself_4_2_2() {
    run("leader_removes_itself_4_2_2");
}

#[test]
fn removed_peer_not_notified_4_2_3() {
    run("removed_peer_not_notified_4_2_3");
}

#[test]
fn removed_candidate_not_notified_4_2_3() {
    run("removed_candidate_not_notified_4_2_3");
}

#[test]
fn one_majority_cannot_commit_4_3() {
    run("one_majority_cannot_commit_4_3");
}

#[test]
fn one_majority_cannot_elect_4_3() {
    run("one_majority_cannot_elect_4_3");
}

#[test]
fn joint_leader_crashes_4_3() {
    run("joint_leader_crashes_4_3");
}

#[test]
fn joint_change_truncated_4_1() {
    run("joint_change_truncated_4_1");
}

#[test]
fn all_crash_in_joint_4_3() {
    run("all_crash_in_joint_4_3");
}

#[test]
fn membership_in_snapshots_5() {
    run("membership_in_snapshots_5");
}

#[test]
fn snapshot_before_change_5() {
    run("snapshot_before_change_5");
}

#[test]
fn paused_lease_holder_6_4_1() {
    run("paused_lease_holder_6_4_1");
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
