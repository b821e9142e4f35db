//! The scenarios beyond the paper as tests, by the sections of Ongaro's dissertation.

use raft_tests::simulate;
use raft_tests::suites::DISSERTATION;

raft_tests::dissertation_tests!();

#[test]
fn each_passes_with_other_timeouts_too() {
    for scenario in DISSERTATION {
        for seed in 1..=20 {
            if let Err(report) = simulate(scenario, seed, None) {
                panic!("{} seed {seed}\n{report}", scenario.name);
            }
        }
    }
}
