//! Harness of a run inside a test: reads the environment, prints the labs' lines.
//!
//! | variable | meaning |
//! |---|---|
//! | `DSTEST_SEED` | the seed; 42 without one |
//! | `DSTEST_SEEDS_PER_RUN` | run this many seeds, beginning with that one |
//! | `DSTEST_CASE` | play this case instead of a seed |
//! | `DSTEST_SHRINK` | the run is known to fail: write its small case to this file |
//! | `VERBOSE`, `VERBOSE_FORMAT` | write the log |
//! | `RAFT_WORLD` | `sim`, also if unset: the simulated world; `real`: real peers, see [`WorldKind`] |

use std::fmt;
use std::path::{Path, PathBuf};

use raft::verbose::{Logger, Settings};
use serde_json::Value;

use crate::case::Case;
use crate::failure::Failure;
use crate::invariants::Picture;
use crate::report::RunSummary;
use crate::run::{Outcome, Run, add_evidence, simulate, simulate_case};
use crate::scenario::{Part, Scenario};
use crate::{shrink, suites};

/// The seed of a run that was given none, so that plain `cargo test` always does the same.
pub const DEFAULT_SEED: u64 = 42;

/// A scenario as the harness sees it, of this package or another one.
pub trait Runnable {
    /// The test's name.
    fn name(&self) -> &'static str;
    /// The part of the labs or the suite it belongs to.
    fn part(&self) -> Part;
    /// One line about its subject, as it is printed.
    fn description(&self) -> &'static str;
    /// Number of peers.
    fn peers(&self, seed: u64) -> usize;
    /// Runs it once; all state is built anew.
    ///
    /// # Errors
    /// The report of the failure.
    fn simulate(&self, seed: u64, logger: Option<Logger>) -> Outcome;

    /// Runs it once on real peers; `None` if it needs the simulated world.
    #[cfg(feature = "real")]
    fn run_real(&self, seed: u64, logger: Option<Logger>) -> Option<crate::real::RealOutcome> {
        let _ = (seed, logger);
        None
    }

    /// The run of a seed as a case; `None` if this has no cases.
    fn case(&self, seed: u64) -> Option<String> {
        let _ = seed;
        None
    }

    /// Reads a case: its seed, and what plays it.
    ///
    /// # Errors
    /// It is not a case, or this has none.
    fn read_case(&self, text: &str) -> Result<(u64, Box<dyn Runnable>), String> {
        let _ = text;
        Err(no_cases(self.name()))
    }

    /// Shrinks the run of a seed.
    ///
    /// # Errors
    /// It passes, or this has no cases.
    fn shrink(&self, seed: u64) -> Result<SmallCase, String> {
        let _ = seed;
        Err(no_cases(self.name()))
    }
}

/// A small case that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallCase {
    /// The case.
    pub text: String,
    /// Number of its decisions.
    pub size: usize,
    /// Number of decisions of the run that it comes from.
    pub from: usize,
}

/// The error for a test without cases.
#[must_use]
pub fn no_cases(name: &str) -> String {
    format!("{name} has no cases; replay its seed")
}

impl Runnable for Scenario {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn peers(&self, seed: u64) -> usize {
        self.spec.settings(seed).peers
    }

    fn simulate(&self, seed: u64, logger: Option<Logger>) -> Outcome {
        simulate(self, seed, logger)
    }

    #[cfg(feature = "real")]
    fn run_real(&self, seed: u64, logger: Option<Logger>) -> Option<crate::real::RealOutcome> {
        suites::real_body(self.name).map(|body| crate::real::run(self, seed, logger, body))
    }
}

/// Runs a scenario as a test: with the seed, the case and the log that the environment requests,
/// printing to standard output.
///
/// # Panics
/// The run fails, or a variable of the environment cannot be read.
pub fn run(name: &str) {
    let scenario = suites::find(name).unwrap_or_else(|| panic!("unknown scenario {name}"));
    let (world, request) = begin(scenario);
    match (world, request) {
        (WorldKind::Simulated, RunRequest::Seeds { first, count }) => {
            run_seeds(scenario, first, count);
        }
        (WorldKind::Simulated, RunRequest::Case(path)) => run_case(scenario, &path),
        (WorldKind::Simulated, RunRequest::Shrink { first, count, path }) => {
            shrink_to(scenario, first, count, &path);
        }
        (WorldKind::Real, RunRequest::Seeds { first, count }) => run_real(scenario, first, count),
        (WorldKind::Real, RunRequest::Case(_)) => requires_simulation("DSTEST_CASE"),
        (WorldKind::Real, RunRequest::Shrink { .. }) => requires_simulation("DSTEST_SHRINK"),
    }
}

/// Runs a scenario of another package as a test, with the seed, the case and the log that the
/// environment requests.
///
/// # Panics
/// The run fails, or the environment asks for something else.
pub fn run_seeded(scenario: &dyn Runnable) {
    match begin(scenario) {
        (WorldKind::Simulated, RunRequest::Seeds { first, count }) => {
            run_seeds(scenario, first, count);
        }
        (WorldKind::Simulated, RunRequest::Case(path)) => {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
            let case = text.and_then(|text| scenario.read_case(&text));
            let (seed, case) = case.unwrap_or_else(|error| panic!("DSTEST_CASE={path}: {error}"));
            run_seeds(&*case, seed, 1);
        }
        (WorldKind::Simulated, RunRequest::Shrink { first, count, path }) => {
            let small = shrink_first(scenario, seeds(first, count));
            let SmallCase { text, size, from } = small.unwrap_or_else(|error| panic!("{error}"));
            save_case(&path, &text, size, from);
        }
        (WorldKind::Real, RunRequest::Seeds { first, count }) => run_real(scenario, first, count),
        (WorldKind::Real, RunRequest::Case(_)) => requires_simulation("DSTEST_CASE"),
        (WorldKind::Real, RunRequest::Shrink { .. }) => requires_simulation("DSTEST_SHRINK"),
    }
}

/// Shrinks the first run that fails.
fn shrink_first(
    scenario: &dyn Runnable,
    mut seeds: impl Iterator<Item = u64>,
) -> Result<SmallCase, String> {
    let fails = |seed: &u64| scenario.simulate(*seed, None).is_err();
    let seed = seeds.find(fails).ok_or("nothing to shrink: no run fails")?;
    scenario.shrink(seed)
}

/// Writes a small case, and says so to dstest.
#[expect(clippy::print_stdout, reason = "dstest reads the line")]
fn save_case(path: &str, text: &str, size: usize, from: usize) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
    println!("shrunk={path} decisions={size} of={from}");
}

/// Prints the line a test begins with, and reads what the environment requests.
#[expect(clippy::print_stdout, reason = "the labs print these lines, and dstest reads them")]
fn begin(scenario: &dyn Runnable) -> (WorldKind, RunRequest) {
    println!("Test ({}): {} ...", scenario.part(), scenario.description());
    let world = WorldKind::from_env().unwrap_or_else(|error| panic!("{error}"));
    (world, RunRequest::from_env().unwrap_or_else(|error| panic!("{error}")))
}

fn requires_simulation(variable: &str) -> ! {
    panic!("{variable} needs the simulated world, and RAFT_WORLD=real asks for another: unset one")
}

/// The world a run happens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldKind {
    /// The simulated one: a seed is a run.
    Simulated,
    /// Real peers on a real clock; needs the feature `real`, and only the labs know it.
    Real,
}

impl WorldKind {
    /// Reads `RAFT_WORLD`.
    ///
    /// # Errors
    /// The value is unknown.
    pub fn from_env() -> Result<Self, UnknownWorld> {
        let value = std::env::var_os("RAFT_WORLD");
        Self::parse(value.map(|value| value.to_string_lossy().into_owned()).as_deref())
    }

    /// Parses a value of `RAFT_WORLD`.
    ///
    /// # Errors
    /// It is unknown.
    pub fn parse(value: Option<&str>) -> Result<Self, UnknownWorld> {
        match value {
            None | Some("" | "sim") => Ok(Self::Simulated),
            Some("real") => Ok(Self::Real),
            Some(value) => Err(UnknownWorld(value.to_owned())),
        }
    }
}

/// An unknown value of `RAFT_WORLD`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("RAFT_WORLD={0:?} is not understood; use sim or real")]
pub struct UnknownWorld(String);

/// Run requested by the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RunRequest {
    Seeds { first: u64, count: u64 },
    Case(String),
    Shrink { first: u64, count: u64, path: String },
}

impl RunRequest {
    fn from_env() -> Result<Self, InvalidVariable> {
        let text = |name: &str| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
        if let Some(path) = text("DSTEST_CASE").filter(|path| !path.is_empty()) {
            return Ok(Self::Case(path));
        }
        let first = seed_from_env()?;
        let count = match text("DSTEST_SEEDS_PER_RUN").filter(|count| !count.is_empty()) {
            None => 1,
            Some(count) => parse_number("DSTEST_SEEDS_PER_RUN", &count, 1)?,
        };
        Ok(match text("DSTEST_SHRINK").filter(|path| !path.is_empty()) {
            None => Self::Seeds { first, count },
            Some(path) => Self::Shrink { first, count, path },
        })
    }
}

/// The seeds of a run, from the first on.
fn seeds(first: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |more| first.wrapping_add(more))
}

fn run_seeds(scenario: &dyn Runnable, first: u64, count: u64) {
    let mut total: Option<RunSummary> = None;
    for seed in seeds(first, count) {
        let logger = logger(scenario.name(), seed, scenario.peers(seed));
        match scenario.simulate(seed, logger) {
            Ok(report) => match &mut total {
                None => total = Some(report),
                Some(total) => total.add(&report),
            },
            Err(mut report) => {
                add_evidence(&mut report, |logger| scenario.simulate(seed, Some(logger)));
                fail(&report, &report.to_json(), &report.failure);
            }
        }
    }
    if let Some(report) = total {
        print_passed(scenario.part(), &report);
    }
}

#[cfg(feature = "real")]
#[expect(clippy::print_stdout, reason = "the labs print these lines, and dstest reads them")]
fn run_real(scenario: &dyn Runnable, first: u64, count: u64) {
    let mut total: Option<crate::real::RealRunSummary> = None;
    for seed in seeds(first, count) {
        let logger = logger(scenario.name(), seed, scenario.peers(seed));
        let outcome = scenario.run_real(seed, logger);
        match outcome.unwrap_or_else(|| {
            panic!("{} needs the simulated world: unset RAFT_WORLD", scenario.name())
        }) {
            Ok(passed) => match &mut total {
                None => total = Some(passed),
                Some(total) => total.add(&passed),
            },
            Err(failure) => fail(&*failure, &failure.to_json(), failure.failure()),
        }
    }
    if let Some(passed) = total {
        println!("{passed}");
    }
}

#[cfg(not(feature = "real"))]
fn run_real(_: &dyn Runnable, _: u64, _: u64) {
    panic!(
        "RAFT_WORLD=real, but the real world is not built in: build with `--features real`, as \
         dstest.toml of this workspace makes dstest do"
    );
}

#[expect(clippy::print_stdout, reason = "the labs print these lines, and dstest reads them")]
fn print_passed(part: Part, report: &RunSummary) {
    println!("{}", report.of_part(part));
    if part == Part::Swarm {
        println!("{}", report.coverage);
    }
}

#[expect(clippy::print_stdout, reason = "a test prints its progress")]
fn run_case(scenario: &Scenario, path: &str) {
    let case = read_case(Path::new(path)).unwrap_or_else(|error| panic!("{error}"));
    if suites::find(&case.test).is_none_or(|found| found.name != scenario.name) {
        println!("case of {}, not of {}: not replayed", case.test, scenario.name);
        return;
    }
    println!("replays {path}: {} decisions", case.size());
    let logger = logger(scenario.name, case.seed, case.settings.peers);
    match simulate_case(&case, logger) {
        Ok(report) => print_passed(scenario.part, &report),
        Err(mut report) => {
            add_evidence(&mut report, |logger| simulate_case(&case, Some(logger)));
            fail(&report, &report.to_json(), &report.failure);
        }
    }
}

/// Prints and saves the report of a failure, and fails.
#[expect(clippy::print_stdout, reason = "the labs print these lines, and dstest reads them")]
fn fail(report: &dyn fmt::Display, json: &Value, failure: &Failure) -> ! {
    println!("{report}");
    if let Some(picture) = failure.picture() {
        println!("{}", picture.text);
    }
    if let Err(error) = save_report(json, failure.picture()) {
        println!("report.json cannot be written: {error}");
    }
    // The report is printed: another panic message would only add the stack of this function.
    std::panic::resume_unwind(Box::new(failure.headline()));
}

/// The directory that dstest gives a run, if it runs this.
#[must_use]
pub fn run_directory() -> Option<PathBuf> {
    std::env::var_os("DSTEST_RUN_DIR").map(PathBuf::from)
}

/// Leaves the report, and a picture if there is one, in the directory that dstest gives a run, if there is one.
fn save_report(json: &Value, picture: Option<&Picture>) -> std::io::Result<()> {
    let Some(directory) = run_directory() else { return Ok(()) };
    if let Some(picture) = picture {
        picture.save(&directory)?;
    }
    std::fs::write(directory.join("report.json"), json.to_string())
}

/// Shrinks the first failure among the seeds.
#[expect(clippy::print_stdout, reason = "a test prints its progress")]
fn shrink_to(scenario: &Scenario, first: u64, count: u64, path: &str) {
    let failing = seeds(first, count).map(|seed| Run::of_scenario(scenario, seed, None, None));
    let mut failing = failing.filter(|run| run.outcome.is_err());
    let Some(run) = failing.next() else {
        panic!("nothing to shrink: {} passes with seed {first} and {count} seeds", scenario.name);
    };
    let shrunk = shrink::shrink(&run).unwrap_or_else(|error| panic!("{error}"));
    println!("{shrunk}");
    save_case(path, &shrunk.case.to_string(), shrunk.case.size(), shrunk.from);
}

/// Reads a case.
///
/// # Errors
/// The file cannot be read, or is not a case; the text names the file and the line.
pub fn read_case(path: &Path) -> Result<Case, String> {
    let named = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    text.parse().map_err(|error: crate::case::CaseError| named(&error))
}

fn logger(name: &str, seed: u64, peers: usize) -> Option<Logger> {
    let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
    let logger = Logger::new(settings?, Box::new(std::io::stdout()));
    logger.header(name, seed, peers);
    Some(logger)
}

/// The seed that `DSTEST_SEED` asks for.
///
/// # Errors
/// The value is not a seed.
pub fn seed_from_env() -> Result<u64, InvalidVariable> {
    match std::env::var_os("DSTEST_SEED") {
        None => Ok(DEFAULT_SEED),
        Some(value) => parse_seed(&value.to_string_lossy()),
    }
}

/// A seed as it is written: a decimal number of 64 bits.
///
/// # Errors
/// The value is not such a number.
pub fn parse_seed(value: &str) -> Result<u64, InvalidVariable> {
    parse_number("DSTEST_SEED", value, 0)
}

fn parse_number(name: &'static str, value: &str, least: u64) -> Result<u64, InvalidVariable> {
    let bad = || InvalidVariable { name, value: value.to_owned(), least };
    value.parse().ok().filter(|number| *number >= least).ok_or_else(bad)
}

/// A variable of the environment that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVariable {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Its minimum.
    pub least: u64,
}

impl fmt::Display for InvalidVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, least } = self;
        write!(f, "{name}={value:?} is not understood; use a number from {least} to {}", u64::MAX)
    }
}

impl std::error::Error for InvalidVariable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_named_or_the_simulated_one() {
        for value in [None, Some(""), Some("sim")] {
            assert_eq!(WorldKind::parse(value), Ok(WorldKind::Simulated), "{value:?}");
        }
        assert_eq!(WorldKind::parse(Some("real")), Ok(WorldKind::Real));
        let error = WorldKind::parse(Some("Real")).expect_err("another word").to_string();
        assert_eq!(error, "RAFT_WORLD=\"Real\" is not understood; use sim or real");
    }

    #[test]
    fn a_seed_is_a_decimal_number() {
        assert_eq!(parse_seed("18446744073709551615"), Ok(u64::MAX));
        for value in ["", "-1", "0x10", "18446744073709551616", "many"] {
            let error = parse_seed(value).expect_err(value).to_string();
            assert!(error.contains("DSTEST_SEED") && error.contains(value), "{error}");
        }
        let error = parse_number("DSTEST_SEEDS_PER_RUN", "0", 1).expect_err("none").to_string();
        assert!(error.contains("from 1 to"), "{error}");
    }
}
