//! The 28 scenarios as tests, one each, named as the lab names them.
//!
//! `DSTEST_SEED` chooses the seed, `VERBOSE` a log of what happens.

/// A test for each scenario, and the list of their names.
macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                raft_tests::run(stringify!($name));
            }
        )*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios! {
    initial_election_2a
    re_election_2a
    many_elections_2a
    basic_agree_2b
    rpc_bytes_2b
    follower_failure_2b
    leader_failure_2b
    fail_agree_2b
    fail_no_agree_2b
    concurrent_starts_2b
    rejoin_2b
    backup_2b
    count_2b
    persist1_2c
    persist2_2c
    persist3_2c
    figure8_2c
    unreliable_agree_2c
    figure8_unreliable_2c
    reliable_churn_2c
    unreliable_churn_2c
    snapshot_basic_2d
    snapshot_install_2d
    snapshot_install_unreliable_2d
    snapshot_install_crash_2d
    snapshot_install_un_crash_2d
    snapshot_all_crash_2d
    snapshot_init_2d
}

#[test]
fn every_scenario_has_its_test() {
    let table: Vec<&str> = raft_tests::SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(table, NAMES);
}
