//! Runs the swarm over many seeds in this process, on all cores.
//!
//! ```text
//! swarm run [FIRST_SEED] [SEEDS] [NAME]      runs, coverage, speed; a failure is confirmed apart
//! swarm verify [FIRST_SEED] [SEEDS] [NAME]   every seed in two processes: the traces must be equal
//! swarm shrink [FIRST_SEED] [SEEDS] [NAME]   shrinks the first failure of each kind, prints the cases
//! swarm case   [FIRST_SEED] [SEEDS] [NAME]   prints runs as cases
//! swarm once   [FIRST_SEED] [SEEDS] [NAME]   prints the reports of the runs that fail
//! ```
//!
//! NAME is a part of a test's name, such as `members` or `services`. A case of the library
//! lists every decision, one of services its plan and its faults; steps of services are not compared,
//! and `verify` says so.
//!
//! `cargo run --profile sim -p meta-tests --bin swarm -- run 1 1000`
#![expect(clippy::print_stdout, reason = "a program prints for its user")]

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Instant;

use raft_tests::coverage::Mark;
use raft_tests::harness::{Runnable, SmallCase};
use raft_tests::shrink::shrink;
use raft_tests::sim::trace_hash;
use raft_tests::suites::SWARM;
use raft_tests::{Run, RunSummary, Scenario};
use rayon::prelude::*;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (command, rest) = words.split_first().unwrap_or((&"run", &[]));
    let Some(asked) = Asked::of(rest) else { return usage() };
    if asked.tests().next().is_none() {
        let names: Vec<&str> = Asked::default().tests().map(Runnable::name).collect();
        println!("no test has `{}` in its name; tests: {}", asked.pattern, names.join(", "));
        return ExitCode::from(2);
    }
    if *command == "steps" && asked.scenarios().next().is_none() {
        println!("steps: runs of services have none; `traces` prints the trace of a whole run");
        return ExitCode::from(2);
    }
    match *command {
        "run" => run(&asked),
        "verify" => verify(&asked),
        "shrink" => shrink_all(&asked),
        "traces" => print_traces(&asked),
        "steps" => print_steps(&asked),
        "case" => print_cases(&asked),
        "once" => print_failures(&asked),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    println!("usage: swarm run|verify|shrink|case|once [FIRST_SEED] [SEEDS] [NAME]");
    ExitCode::from(2)
}

/// Selection of runs.
#[derive(Default)]
struct Asked {
    first: u64,
    count: u64,
    pattern: String,
}

impl Asked {
    fn of(words: &[&str]) -> Option<Self> {
        let number = |position: usize, default| match words.get(position) {
            None => Some(default),
            Some(word) => word.parse().ok(),
        };
        let pattern = words.get(2).copied().unwrap_or_default().to_owned();
        Some(Self { first: number(0, 1)?, count: number(1, 100)?, pattern })
    }

    fn tests(&self) -> impl Iterator<Item = Test> {
        let library = SWARM.iter().map(|scenario| scenario as Test);
        let all = library.chain(services::suites::SWARM.iter().map(|scenario| scenario as Test));
        all.filter(|test| test.name().contains(&self.pattern))
    }

    fn runs(&self) -> Vec<(Test, u64)> {
        self.seeds().flat_map(|seed| self.tests().map(move |test| (test, seed))).collect()
    }

    /// The runs of the library.
    fn library_runs(&self) -> Vec<(&'static Scenario, u64)> {
        let runs = |seed| self.scenarios().map(move |scenario| (scenario, seed));
        self.seeds().flat_map(runs).collect()
    }

    /// The tests of the library.
    fn scenarios(&self) -> impl Iterator<Item = &'static Scenario> {
        SWARM.iter().filter(|scenario| scenario.name.contains(&self.pattern))
    }

    /// The runs of services.
    fn service_runs(&self) -> Vec<(Test, u64)> {
        self.runs().into_iter().filter(|(test, _)| !is_of_library(test.name())).collect()
    }

    /// The first run of services of each failure.
    fn failing_services(&self) -> BTreeMap<String, (Test, u64)> {
        let runs = self.service_runs().into_par_iter().map(Sum::of);
        let failures = runs.reduce(Sum::default, Sum::and).failures;
        let first = |runs: Vec<(Test, u64)>| runs.into_iter().min_by_key(|(_, seed)| *seed);
        failures.into_iter().filter_map(|(kind, runs)| Some((kind, first(runs)?))).collect()
    }

    fn seeds(&self) -> impl Iterator<Item = u64> {
        (0..self.count).map(|more| self.first.wrapping_add(more))
    }
}

/// A test of the swarm, of the library or of the services.
type Test = &'static (dyn Runnable + Sync);

/// Totals of many runs.
#[derive(Default)]
struct Sum {
    total: Option<RunSummary>,
    failures: BTreeMap<String, Vec<(Test, u64)>>,
}

impl Sum {
    fn of((test, seed): (Test, u64)) -> Self {
        let mut sum = Self::default();
        match test.simulate(seed, None) {
            Ok(report) => sum.total = Some(report),
            Err(report) => {
                sum.failures.insert(report.failure.identity(), vec![(test, seed)]);
            }
        }
        sum
    }

    fn and(mut self, other: Self) -> Self {
        self.total = match (self.total, other.total) {
            (Some(mut total), Some(more)) => {
                total.add(&more);
                Some(total)
            }
            (total, more) => total.or(more),
        };
        for (identity, runs) in other.failures {
            self.failures.entry(identity).or_default().extend(runs);
        }
        self
    }
}

fn run(asked: &Asked) -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "what a campaign takes is measured from outside")]
    let start = Instant::now();
    let runs = asked.runs();
    let count = runs.len();
    let sum = runs.into_par_iter().map(Sum::of).reduce(Sum::default, Sum::and);
    let seconds = start.elapsed().as_secs_f64();
    let mut holes: Vec<&Mark> = Vec::new();
    if let Some(total) = &sum.total {
        print_coverage(total);
        print_speed(total, count, seconds);
        holes.extend(Mark::ALL.iter().filter(|mark| total.coverage.count(**mark) == 0));
    }
    // Fewer runs may miss a rare situation by chance.
    let is_hole = !holes.is_empty() && asked.pattern.is_empty() && asked.count >= ALL_MARKS_SEEDS;
    for mark in holes {
        println!("never reached: {}", mark.as_str());
    }
    let verdict = if sum.failures.is_empty() && count > 0 && !is_hole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    for (identity, mut runs) in sum.failures {
        runs.sort_unstable_by_key(|(_, seed)| *seed);
        println!("{} failed: {identity}", runs.len());
        for (test, seed) in runs.iter().take(SHOWN_MAX) {
            println!("  {} seed {seed}", test.name());
        }
        if let Some((test, seed)) = runs.first() {
            confirm(*test, *seed);
        }
    }
    verdict
}

fn print_coverage(total: &RunSummary) {
    for mark in Mark::ALL {
        println!("{:40} {:>10}", mark.as_str(), total.coverage.count(*mark));
    }
}

fn print_speed(total: &RunSummary, runs: usize, seconds: f64) {
    let cores = rayon::current_num_threads() as f64;
    let simulated = total.cluster_time.as_secs_f64();
    println!(
        "{runs} runs in {seconds:.1} s: {:.0} runs/s, {:.0} simulated s/s, {:.2} M events/s, {:.2} M \
         a core",
        runs as f64 / seconds,
        simulated / seconds,
        total.events as f64 / seconds / 1e6,
        total.events as f64 / seconds / cores / 1e6,
    );
}

/// Runs a seed that failed once more, in a process of its own.
fn confirm(test: Test, seed: u64) {
    let verdict = match child("once", test.name(), seed) {
        Ok(said) if said.starts_with("FAIL ") => "confirmed in a process of its own",
        Ok(_) => "not seen again in a process of its own: the runs depend on each other",
        Err(_) => "not confirmed: this program cannot start itself",
    };
    println!("  {verdict}");
    if let Err(report) = test.simulate(seed, None) {
        println!("{report}");
    }
}

/// Output of this program about one run, from a process of its own.
fn child(command: &str, name: &str, seed: u64) -> std::io::Result<String> {
    let output = Command::new(std::env::current_exe()?)
        .args([command, &seed.to_string(), "1", name])
        .env("RAYON_NUM_THREADS", "1")
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Shrinks the first failure of each kind.
fn shrink_all(asked: &Asked) -> ExitCode {
    let failing =
        |(scenario, seed)| Some(Run::of_scenario(scenario, seed, None, None).case.fails).flatten();
    let failures: Vec<_> =
        asked.library_runs().into_par_iter().filter_map(|run| Some((failing(run)?, run))).collect();
    let mut kinds = BTreeMap::new();
    for (identity, run) in failures {
        kinds.entry(identity).or_insert(run);
    }
    let services = asked.failing_services();
    if kinds.is_empty() && services.is_empty() {
        println!("none of these runs fails");
    }
    for (identity, (test, seed)) in services {
        match test.shrink(seed) {
            Ok(SmallCase { text, size, from }) => {
                println!(
                    "{} seed {seed}: {identity}, {from} faults -> {size}\n{text}",
                    test.name()
                );
            }
            Err(error) => println!("{} seed {seed}: {identity}: {error}", test.name()),
        }
    }
    for (scenario, seed) in kinds.into_values() {
        #[expect(clippy::disallowed_methods, reason = "what it takes is measured from outside")]
        let start = Instant::now();
        match shrink(&Run::of_scenario(scenario, seed, None, None)) {
            Ok(shrunk) => println!("{shrunk}"),
            Err(error) => println!("{error}"),
        }
        println!("{} seed {seed}: {:.1} s\n", scenario.name, start.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}

/// A line for each run: its name, its seed and its trace.
fn print_traces(asked: &Asked) -> ExitCode {
    let line = |(test, seed): (Test, u64)| {
        let trace = match test.simulate(seed, None) {
            Ok(report) => report.trace,
            Err(report) => report.trace,
        };
        format!("{} {seed} {trace}", test.name())
    };
    let lines: Vec<String> = asked.runs().into_par_iter().map(line).collect();
    println!("{}", lines.join("\n"));
    ExitCode::SUCCESS
}

fn print_cases(asked: &Asked) -> ExitCode {
    for (scenario, seed) in asked.library_runs() {
        println!("{}", Run::of_scenario(scenario, seed, None, None).case);
    }
    for (test, seed) in asked.service_runs() {
        test.case(seed).iter().for_each(|case| println!("{case}"));
    }
    ExitCode::SUCCESS
}

/// Prints the report of each run that fails.
fn print_failures(asked: &Asked) -> ExitCode {
    for (test, seed) in asked.runs() {
        if let Err(report) = test.simulate(seed, None) {
            println!("{report}");
        }
    }
    ExitCode::SUCCESS
}

/// The trace after every single event.
fn print_steps(asked: &Asked) -> ExitCode {
    for (scenario, seed) in asked.library_runs() {
        let run = Run::of_scenario(scenario, seed, None, Some(1));
        run.checkpoints.iter().for_each(|trace| println!("{trace}"));
    }
    ExitCode::SUCCESS
}

fn verify(asked: &Asked) -> ExitCode {
    let arguments = [asked.first.to_string(), asked.count.to_string(), asked.pattern.clone()];
    let traces = || {
        let program = std::env::current_exe()?;
        Command::new(program).arg("traces").args(&arguments).output()
    };
    let (Ok(first), Ok(second)) = (traces(), traces()) else {
        println!("this program cannot start itself");
        return ExitCode::FAILURE;
    };
    let (first, second) =
        (String::from_utf8_lossy(&first.stdout), String::from_utf8_lossy(&second.stdout));
    let mut different = first.lines().zip(second.lines()).filter(|(one, other)| one != other);
    let count = first.lines().count();
    let Some((one, other)) = different.next() else {
        match count {
            1 => println!("1 run in two processes: both traces are equal"),
            _ => println!("{count} runs in two processes: all traces are equal"),
        }
        return if count > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    println!("{} of {count} runs differ; the first:\n  {one}\n  {other}", 1 + different.count());
    first_difference(one);
    ExitCode::from(3)
}

/// Returns whether a test is one of the library, and not of services.
fn is_of_library(name: &str) -> bool {
    SWARM.iter().any(|scenario| scenario.name == name)
}

/// Tells the event after which two processes no longer agree.
fn first_difference(line: &str) {
    let mut words = line.split(' ');
    let (Some(name), Some(seed)) = (words.next(), words.next().and_then(|w| w.parse().ok())) else {
        return;
    };
    if !is_of_library(name) {
        println!("{name}: the first different event is not searched for in runs of services");
        return;
    }
    for _ in 0..TRIES {
        let steps = [child("steps", name, seed), child("steps", name, seed)];
        let [Ok(one), Ok(other)] = steps else { return };
        if let Some(event) = trace_hash::first_difference(one.lines(), other.lines()) {
            println!("{name} seed {seed}: the first different event is #{event}");
            return;
        }
    }
    println!("{name} seed {seed}: no difference in {TRIES} more tries");
}

/// With this many seeds of each test every situation must have come about.
const ALL_MARKS_SEEDS: u64 = 1000;
const SHOWN_MAX: usize = 10;
const TRIES: usize = 5;
