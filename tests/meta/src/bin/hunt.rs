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

use raft_tests::harness::Runnable;
use raft_tests::suites;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let suite = arguments.next().unwrap_or_default();
    if hunting(&suite).is_empty() {
        let suites = [suites::hunts(), services::suites::hunts()].concat().join(" or ");
        println!("usage: hunt SUITE [SEEDS_MAX], where SUITE is {suites}");
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
        let mut runs = hunting(&suite).into_iter().map(|scenario| scenario.simulate(seed, None));
        if let Some(Err(report)) = runs.find(Result::is_err) {
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

/// The scenarios of a suite, of the library or of the services.
fn hunting(suite: &str) -> Vec<&'static dyn Runnable> {
    let library = suites::hunting(suite).map(|scenario| scenario as &dyn Runnable);
    library.chain(services::suites::hunting(suite).map(|scenario| scenario as _)).collect()
}
