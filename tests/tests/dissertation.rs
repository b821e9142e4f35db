//! The scenarios beyond the paper as tests, by the sections of Ongaro's dissertation.

use std::num::NonZeroUsize;
use std::thread;

use raft_tests::simulate;
use raft_tests::suites::DISSERTATION;

raft_tests::dissertation_tests!();

/// Seeds of each scenario, and so timeouts.
const SEEDS: usize = 20;

#[test]
fn each_passes_with_other_timeouts_too() {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(SEEDS);
    let runs_of = |thread: usize| {
        for scenario in DISSERTATION {
            for seed in (1..=SEEDS as u64).skip(thread).step_by(threads) {
                if let Err(report) = simulate(scenario, seed, None) {
                    panic!("{} seed {seed}\n{report}", scenario.name);
                }
            }
        }
    };
    thread::scope(|scope| {
        (0..threads).for_each(|thread| drop(scope.spawn(move || runs_of(thread))));
    });
}
