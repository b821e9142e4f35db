//! Looks for the first seed with which any scenario fails: how long a given bug stays hidden.
//!
//! `cargo run --release -p raft-tests --example hunt -- [FIRST_SEED] [SEEDS_MAX] [NAME]`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;

use raft_tests::{SCENARIOS, STORMS, SWARMS, simulate};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let most: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let pattern = arguments.next().unwrap_or_default();
    let scenarios: Vec<_> = SCENARIOS
        .iter()
        .chain(&STORMS)
        .chain(&SWARMS)
        .filter(|scenario| scenario.name.contains(&pattern))
        .collect();
    for seed in first..first + most {
        let runs = scenarios.iter().map(|scenario| simulate(scenario, seed, None));
        let failures: Vec<_> = runs.filter_map(Result::err).collect();
        let Some(report) = failures.first() else { continue };
        println!("seen with {} seeds, by {} scenarios", seed - first + 1, failures.len());
        for failure in &failures {
            println!("  {:32} {}", failure.name, failure.failure.signature());
        }
        println!("{report}");
        return ExitCode::FAILURE;
    }
    println!("not seen with {most} seeds");
    ExitCode::SUCCESS
}
