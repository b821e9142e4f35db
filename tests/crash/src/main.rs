//! Crash tests: three real processes of `raft/examples/kv_service` with stores on disk, clients that
//! write and read all the time, and faults. Every acknowledged write must be there, and every read
//! must see the newest state.
//!
//! ```console
//! $ cargo test --release -p crash-tests -- kill_9 --rounds 1000
//! ```
//!
//! `--wipe-every 10` empties the disk of a killed process in every tenth round of `kill_9`; its leader
//! re-seeds it. `--reads lease` lets leaders answer reads by leases, `--store redb` keeps logs in databases.
//!
//! The seed, which is printed first, decides faults and calls. Real time cannot be repeated: the same
//! seed gives the same kinds of faults, not the same run. A failed run keeps the output of the
//! processes (`VERBOSE=1` makes it every protocol event), their stores, and the history of all calls,
//! in a directory that its message names.
//!
//! `kill -9` loses nothing that the operating system has accepted; power cuts are tested on a
//! simulated disk.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "real processes live in real time")]
#![expect(clippy::print_stdout, reason = "progress of a long run")]

mod cluster;
mod concurrent_readers;
mod evidence;
mod http_client;
mod operations;
mod process;
mod proxies;
mod recorder;
mod scenarios;
mod sharded;
mod workload;

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use libtest_mimic::{Arguments, Failed, Trial};
use raft_tests::harness::run_directory;

use self::scenarios::SCENARIOS;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Crash tests of real processes: faults and client calls are drawn from a seed
#[derive(Clone, Debug, Parser)]
#[command(name = "crash", after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Rounds of faults in each scenario
    #[arg(long, default_value_t = 2)]
    pub(crate) rounds: usize,
    /// In every Nth round of kill_9, one killed process also loses its disk, and is re-seeded
    #[arg(long, value_name = "N")]
    pub(crate) wipe_every: Option<NonZeroUsize>,
    /// Seed of faults and calls
    #[arg(long, env = "DSTEST_SEED", default_value_t = raft_tests::harness::DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Way of reading, where the scenario leaves it open
    #[arg(long, value_enum, default_value_t = ReadMode::ReadIndex)]
    pub(crate) reads: ReadMode,
    /// Store, where the scenario leaves it open
    #[arg(long, value_enum, default_value_t = Store::Disk)]
    pub(crate) store: Store,
    #[command(flatten)]
    tests: Arguments,
}

const EXAMPLES: &str = "Examples, behind `cargo test --release -p crash-tests --`:
  kill_9 --rounds 1000                   a long run of one scenario
  kill_9 --rounds 1000 --wipe-every 10   the same, with a lost disk in every tenth round
  --seed 7 --reads lease --store redb    other faults and calls, leases, databases
  --list                                 the scenarios";

/// The way in which a leader that answers a read makes sure that it still leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadMode {
    /// By a round of heartbeats.
    ReadIndex,
    /// By a lease; the processes share one clock, so that its drift is zero.
    Lease,
}

/// The store of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// Log files.
    Disk,
    /// A redb database.
    Redb,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let scenarios = SCENARIOS.map(|scenario| {
        let (name, options) = (scenario.name, options.clone());
        let play = move |options: &Options, directory: &Path| {
            Ok(scenario.play(options, directory)?.to_string())
        };
        trial(name, options, play)
    });
    let sharded = sharded::SCENARIOS.map(|(name, play)| trial(name, options.clone(), play));
    let own = Trial::test("a_failure_keeps_its_evidence", || Ok(evidence::check()?));
    let page = Trial::test("commands_of_the_operations_page", || {
        operations::check();
        Ok(())
    });
    // One scenario at a time.
    let tests = Arguments { test_threads: Some(1), ..options.tests };
    libtest_mimic::run(&tests, scenarios.into_iter().chain(sharded).chain([own, page]).collect())
        .exit_code()
}

fn trial(
    name: &'static str,
    options: Options,
    play: impl FnOnce(&Options, &Path) -> Outcome<String> + Send + 'static,
) -> Trial {
    Trial::test(name, move || test(name, &options, play).map_err(Failed::from))
}

/// Plays a scenario in a directory of its own, which is removed if it passes.
fn test(
    name: &str,
    options: &Options,
    play: impl FnOnce(&Options, &Path) -> Outcome<String>,
) -> Result<(), String> {
    let Options { rounds, seed, .. } = options;
    println!("{name}: seed {seed}, {rounds} rounds");
    let start = Instant::now();
    let directory = directory(name, *seed);
    let played = prepare(&directory).and_then(|()| play(options, &directory));
    match played {
        Ok(totals) => {
            println!("  ... {totals} in {:.1} s", start.elapsed().as_secs_f64());
            fs::remove_dir_all(&directory)
                .map_err(|error| format!("{}: {error}", directory.display()))
        }
        Err(error) => {
            let kept = directory.display();
            Err(format!(
                "seed {seed}: {error}\nlogs, stores and what was recorded of all calls: {kept}"
            ))
        }
    }
}

fn directory(name: &str, seed: u64) -> PathBuf {
    let base =
        run_directory().unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash"));
    base.join(format!("{name}-{seed}-{}", std::process::id()))
}

fn prepare(directory: &Path) -> Outcome {
    // An earlier run had the same process id.
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    Ok(fs::create_dir_all(directory)?)
}
