//! Does a service keep its word? Three real processes of `raft/examples/kv_service.rs` with their
//! logs on the disk, clients that write and read all the time, and trouble: what was acknowledged
//! must be there, and every read must be of the newest state.
//!
//! ```console
//! $ cargo test --release -p crash-tests -- kill_9 --rounds 1000
//! ```
//!
//! `--reads lease` lets the leaders of any scenario answer reads by leases; one does it always.
//!
//! Faults and calls are drawn from a seed, which is printed first. Real time cannot be repeated,
//! so the same seed gives the same storm, not the same run: a failure keeps everything the
//! processes said (`VERBOSE=1` makes it every protocol event), their logs, and the history of all
//! calls, in a folder that it names.
//!
//! `--store redb` lets the processes keep their logs in databases, `--reads lease` lets leaders answer
//! reads without asking.
//!
//! `kill -9` takes nothing that the operating system was told to write; what a power cut leaves of
//! a store is tested where a disk is simulated.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "real processes live in real time")]
#![expect(clippy::print_stdout, reason = "a run says what it does while it lasts")]

mod crowd;
mod gates;
mod group;
mod load;
mod record;
mod remote;
mod scenarios;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use libtest_mimic::{Arguments, Failed, Trial};

use self::scenarios::{SCENARIOS, Scenario};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Plan {
    /// How often each kind of trouble comes
    #[arg(long, default_value_t = 2)]
    pub(crate) rounds: usize,
    /// What faults and calls are drawn from
    #[arg(long, env = "DSTEST_SEED", default_value_t = raft_tests::harness::DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// How the service answers reads, unless the scenario says it
    #[arg(long, value_enum, default_value_t = Reads::ReadIndex)]
    pub(crate) reads: Reads,
    /// What the service keeps its log in, unless the scenario says it
    #[arg(long, value_enum, default_value_t = Store::Disk)]
    pub(crate) store: Store,
    #[command(flatten)]
    tests: Arguments,
}

/// How a leader makes sure that it still leads when it answers a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reads {
    /// It asks the others.
    ReadIndex,
    /// It has a lease. The processes share one clock, so that nothing is allowed for its drift.
    Lease,
}

/// What a process keeps its log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// Files of its own.
    Disk,
    /// A redb database.
    Redb,
}

fn main() -> ExitCode {
    let plan = Plan::parse();
    let trials = SCENARIOS.map(|scenario| {
        let plan = plan.clone();
        Trial::test(scenario.name, move || test(&scenario, &plan).map_err(Failed::from))
    });
    // Each scenario has all the machine.
    let tests = Arguments { test_threads: Some(1), ..plan.tests };
    libtest_mimic::run(&tests, trials.into()).exit_code()
}

/// Plays a scenario in a folder of its own, which goes if all is well.
fn test(scenario: &Scenario, plan: &Plan) -> Result<(), String> {
    let Plan { rounds, seed, .. } = plan;
    println!("{}: seed {seed}, {rounds} rounds", scenario.name);
    let start = Instant::now();
    let folder = folder(scenario.name, *seed);
    let played = prepare(&folder).and_then(|()| scenario.play(plan, &folder));
    match played {
        Ok(totals) => {
            println!("  ... {totals} in {:.1} s", start.elapsed().as_secs_f64());
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))
        }
        Err(error) => {
            let kept = folder.display();
            Err(format!("seed {seed}: {error}\nlogs and the history of all calls are in {kept}"))
        }
    }
}

fn folder(name: &str, seed: u64) -> PathBuf {
    let run = std::env::var_os("DSTEST_RUN_DIR").map(PathBuf::from);
    let base = run.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash"));
    base.join(format!("{name}-{seed}-{}", std::process::id()))
}

fn prepare(folder: &Path) -> Outcome {
    // What is left of a process of the same number is of an earlier run.
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}
