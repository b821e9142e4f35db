//! Checks the core exhaustively within bounds: every order of timeouts, messages, flushes and
//! crashes.
//!
//! `cargo run --release -p meta-tests --bin model -- [CASE]`, where CASE is a name of
//! `meta_tests::model::CASES` or a part of one; without it, all small ones.
//!
//! The last line is that of the program `hunt`, so that the command `canaries` reads both.
#![expect(clippy::print_stdout, reason = "a program prints for its user")]

use std::process::ExitCode;
use std::time::Instant;

use meta_tests::model::{CASES, ModelCase, Size};
use meta_tests::model_check;

fn main() -> ExitCode {
    let pattern = std::env::args().nth(1).filter(|name| name != "model");
    let asked = |case: &&ModelCase| match &pattern {
        Some(pattern) => case.name.contains(pattern),
        None => case.size == Size::Small,
    };
    let cases: Vec<&ModelCase> = CASES.iter().filter(asked).collect();
    if cases.is_empty() {
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        println!("unknown case; cases: {}", names.join(", "));
        return ExitCode::from(2);
    }
    #[expect(clippy::disallowed_methods, reason = "what a check costs is measured from outside")]
    let start = Instant::now();
    println!("seed 1");
    for case in cases {
        let before = start.elapsed();
        // One thread finds the same way every time; a large case is in a hurry.
        let threads = match case.size {
            Size::Small => 1,
            Size::Large => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let found = model_check::check(case.bounds, threads);
        let seconds = (start.elapsed() - before).as_secs_f64();
        let (states, depth) = (found.states, found.depth);
        println!("{}: {states} states, {depth} deep, {seconds:.1} s", case.name);
        for name in &found.unreached {
            println!("{}: never reached {name}", case.name);
        }
        if let Some((rule, way)) = found.broken {
            let seconds = start.elapsed().as_secs_f64();
            println!("{way}caught seeds=1 seconds={seconds:.2} by={} rule={rule}", case.name);
            return ExitCode::FAILURE;
        }
    }
    println!("passed seeds=1 seconds={:.2}", start.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
