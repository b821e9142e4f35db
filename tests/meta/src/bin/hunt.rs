//! Looks for the first seed on which a suite fails: how long a given bug stays hidden.
//!
//! `cargo run --profile sim -p meta-tests --bin hunt -- SUITE [SEEDS_MAX]`
//!
//! The last line is `caught seeds=3 seconds=0.12 by=figure8_2c rule=commit-rule` and the exit code
//! 1, or `passed seeds=100 seconds=4.20`; before it, a line for each seed that is tried. The command
//! `canaries` reads these lines.
#![expect(clippy::print_stdout, reason = "a program prints for its user")]

use std::process::ExitCode;
use std::time::Instant;

use raft_tests::run::first_failure;
use raft_tests::suites::{hunting, hunts};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let suite = arguments.next().unwrap_or_default();
    if hunting(&suite).next().is_none() {
        println!("usage: hunt SUITE [SEEDS_MAX], where SUITE is {}", hunts().join(" or "));
        return ExitCode::from(2);
    }
    let most: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100);
    #[expect(
        clippy::disallowed_methods,
        reason = "the duration of a hunt is measured from outside"
    )]
    let start = Instant::now();
    for seed in 1..=most {
        println!("seed {seed}");
        if let Err(report) = first_failure(hunting(&suite), seed) {
            let seconds = start.elapsed().as_secs_f64();
            let (name, rule) = (&report.name, report.failure.signature());
            println!("{}", report.failure);
            println!("caught seeds={seed} seconds={seconds:.2} by={name} rule={rule}");
            return ExitCode::FAILURE;
        }
    }
    println!("passed seeds={most} seconds={:.2}", start.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
