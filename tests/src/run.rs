//! Running scenarios: one in-process run, and what a test around it prints.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use raft::verbose::{Logger, Settings};

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::lab2::Scenario;
use crate::report::{Evidence, FailureReport};
use crate::sim::disk::Latency;
use crate::sim::executor::Tasks;
use crate::sim::trace_hash::TraceHash;
use crate::world::{Setup, Traffic, World, drive};

/// What a run that passed has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How long it took, in cluster time.
    pub cluster_time: Duration,
    /// How many peers there were.
    pub peers: usize,
    /// What went over the network.
    pub traffic: Traffic,
    /// How many commands were agreed on.
    pub commands: u64,
    /// How many events happened.
    pub events: u64,
    /// The hash of everything that happened.
    pub trace: TraceHash,
}

/// The seed of a run that was given none, so that plain `cargo test` always does the same.
pub const DEFAULT_SEED: u64 = 42;

/// Runs a scenario once. All state is built anew: runs do not know of each other.
///
/// # Errors
/// Everything there is to say about the failure.
pub fn simulate(
    scenario: &Scenario,
    seed: u64,
    logger: Option<Logger>,
) -> Result<Report, Box<FailureReport>> {
    let setup = Setup {
        peers: scenario.peers,
        network: scenario.network,
        snapshots: scenario.snapshots,
        latency: Latency::DEFAULT,
        logger,
    };
    let world = match World::new(seed, setup) {
        Ok(world) => Rc::new(RefCell::new(world)),
        Err(failure) => {
            return Err(Box::new(FailureReport::without_world(scenario, seed, failure)));
        }
    };
    let tasks = Tasks::default();
    // A panic leaves the world as it was; it is only looked at from here on.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let cluster = Cluster::new(Rc::clone(&world), tasks.clone());
        let main = tasks.spawn("test", (scenario.body)(cluster));
        drive(&world, &tasks, &main)
    }))
    .unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))));
    tasks.clear();
    let world = world.borrow();
    match outcome {
        Ok(()) => Ok(Report::of(&world)),
        Err(failure) => {
            world.say_failed(&failure);
            Err(Box::new(FailureReport::new(scenario, &world, failure)))
        }
    }
}

/// Runs a scenario the way a test does: with the seed and the log that the environment asks for,
/// telling what it does on standard output.
///
/// # Panics
/// The run fails, or a variable of the environment cannot be read.
#[expect(clippy::print_stdout, reason = "the labs print these lines, and dstest reads them")]
pub fn run(name: &str) {
    let scenario = Scenario::find(name).unwrap_or_else(|| panic!("no scenario is named {name}"));
    let seed = seed_from_env().unwrap_or_else(|error| panic!("{error}"));
    let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
    let logger = settings.map(|settings| Logger::new(settings, Box::new(std::io::stdout())));
    println!("Test ({}): {} ...", scenario.part, scenario.description);
    if let Some(logger) = &logger {
        logger.header(scenario.name, seed, scenario.peers);
    }
    match simulate(scenario, seed, logger) {
        Ok(report) => println!("{report}"),
        Err(mut report) => {
            report.evidence = Some(Evidence::gather(scenario, &report));
            println!("{report}");
            if let Err(error) = keep(&report) {
                println!("report.json cannot be written: {error}");
            }
            // Everything is said: a panic of its own would only add the stack of this function.
            std::panic::resume_unwind(Box::new(report.signature()));
        }
    }
}

/// Leaves the report in the folder that dstest gives a run, if there is one.
fn keep(report: &FailureReport) -> std::io::Result<()> {
    let Some(folder) = std::env::var_os("DSTEST_RUN_DIR") else { return Ok(()) };
    std::fs::write(Path::new(&folder).join("report.json"), report.to_json().to_string())
}

/// The seed that `DSTEST_SEED` asks for.
///
/// # Errors
/// The value is no seed.
pub fn seed_from_env() -> Result<u64, BadSeed> {
    match std::env::var_os("DSTEST_SEED") {
        None => Ok(DEFAULT_SEED),
        Some(value) => parse_seed(&value.to_string_lossy()),
    }
}

/// A seed as it is written: a decimal number of 64 bits.
///
/// # Errors
/// The value is no such number.
pub fn parse_seed(value: &str) -> Result<u64, BadSeed> {
    value.parse().map_err(|_| BadSeed { value: value.to_owned() })
}

/// A seed that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSeed {
    /// What was given.
    pub value: String,
}

impl fmt::Display for BadSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value } = self;
        write!(f, "DSTEST_SEED={value:?} is not understood; use a number from 0 to {}", u64::MAX)
    }
}

impl std::error::Error for BadSeed {}

impl Report {
    fn of(world: &World) -> Self {
        Self {
            cluster_time: Duration::from_nanos(world.now().as_nanos()),
            peers: world.size(),
            traffic: world.traffic(),
            commands: world.agreed().last().number(),
            events: world.events(),
            trace: world.trace(),
        }
    }
}

/// As the labs print it, and the trace on a line of its own.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peers, commands, trace, traffic: Traffic { rpcs, bytes, .. }, .. } = self;
        let seconds = self.cluster_time.as_secs_f64();
        writeln!(f, "  ... Passed --  {seconds:4.1}  {peers} {rpcs:4} {bytes:7} {commands:4}")?;
        write!(f, "trace={trace}")
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_decimal_number() {
        assert_eq!(parse_seed("18446744073709551615"), Ok(u64::MAX));
        for value in ["", "-1", "0x10", "18446744073709551616", "many"] {
            let error = parse_seed(value).expect_err(value).to_string();
            assert!(error.contains("DSTEST_SEED") && error.contains(value), "{error}");
        }
    }

    #[test]
    fn a_report_reads_like_the_labs() {
        let report = Report {
            cluster_time: Duration::from_millis(3590),
            peers: 3,
            traffic: Traffic { rpcs: 62, bytes: 17_250, snapshot_chunks: 0 },
            commands: 0,
            events: 1,
            trace: TraceHash::EMPTY,
        };
        let expected = "  ... Passed --   3.6  3   62   17250    0\ntrace=";
        assert!(report.to_string().starts_with(expected), "{report}");
    }
}
