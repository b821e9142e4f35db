//! Runs scenarios on many seeds in this process, and prints costs and failures.
//!
//! `cargo run --release -p meta-tests --bin campaign -- [FIRST_SEED] [SEEDS] [NAME]`
#![expect(clippy::print_stdout, reason = "a program prints for its user")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use raft_tests::suites::SUITES;
use raft_tests::{RunSummary, Scenario, simulate};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let seeds: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(20);
    let pattern = arguments.next().unwrap_or_default();
    let mut failures = 0;
    let mut totals = Totals::default();
    println!(
        "scenario                         cluster s    rpcs     bytes  cmds   events  cpu ms  ns/event"
    );
    for suite in SUITES {
        for scenario in suite.scenarios.iter().filter(|it| it.name.contains(&pattern)) {
            let mut row = Totals::default();
            for seed in first..first + seeds {
                failures += row.run(scenario, seed);
            }
            println!("{:30} {row}", scenario.name);
            if suite.name == "lab2" {
                totals.add(&row);
            }
        }
    }
    println!("{:30} {totals}", "all of the labs");
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Totals {
    runs: u64,
    cluster_time: Duration,
    cluster_time_max: Duration,
    rpcs: u64,
    bytes: u64,
    commands: u64,
    events: u64,
    real_time: Duration,
}

impl Totals {
    /// Runs a scenario once and returns how often it failed.
    fn run(&mut self, scenario: &Scenario, seed: u64) -> u64 {
        #[expect(clippy::disallowed_methods, reason = "what a run costs is measured from outside")]
        let start = Instant::now();
        let outcome = simulate(scenario, seed, None);
        self.real_time += start.elapsed();
        match outcome {
            Ok(report) => {
                self.count(&report);
                0
            }
            Err(report) => {
                println!("{report}");
                1
            }
        }
    }

    fn count(&mut self, report: &RunSummary) {
        self.runs += 1;
        self.cluster_time += report.cluster_time;
        self.cluster_time_max = self.cluster_time_max.max(report.cluster_time);
        self.rpcs += report.traffic.rpcs;
        self.bytes += report.traffic.bytes;
        self.commands += report.commands;
        self.events += report.events;
    }

    /// Adds a scenario's mean to the sum over all of them.
    fn add(&mut self, row: &Self) {
        let runs = row.runs.max(1);
        self.runs = 1;
        self.cluster_time += row.cluster_time / u32::try_from(runs).unwrap_or(u32::MAX);
        self.cluster_time_max += row.cluster_time_max;
        self.rpcs += row.rpcs / runs;
        self.bytes += row.bytes / runs;
        self.commands += row.commands / runs;
        self.events += row.events / runs;
        self.real_time += row.real_time / u32::try_from(runs).unwrap_or(u32::MAX);
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let runs = self.runs.max(1);
        write!(
            f,
            "{:7.2} ({:6.2} max) {:6} {:9} {:5} {:8} {:7.2} {:6}",
            self.cluster_time.as_secs_f64() / runs as f64,
            self.cluster_time_max.as_secs_f64(),
            self.rpcs / runs,
            self.bytes / runs,
            self.commands / runs,
            self.events / runs,
            self.real_time.as_secs_f64() * 1e3 / runs as f64,
            self.real_time.as_nanos() as u64 / self.events.max(1),
        )
    }
}
