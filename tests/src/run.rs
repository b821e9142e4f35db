//! Running scenarios and cases in this process.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use raft::verbose::Logger;

use crate::case::{Case, Script, Settings};
use crate::cluster::Cluster;
use crate::coverage::Coverage;
use crate::failure::Failure;
use crate::lab2::{Body, Part, Scenario};
use crate::report::FailureReport;
use crate::sim::executor::Tasks;
use crate::sim::trace_hash::TraceHash;
use crate::swarm;
use crate::world::{Setup, Traffic, World, drive};

/// What a run that passed has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSummary {
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
    /// For how many keys it is not known whether what clients saw is linearizable: the search was
    /// given up.
    pub undecided: u64,
    /// The situations that came about.
    pub coverage: Coverage,
}

/// Everything there is to say about a failure, in a box: it is large and rare.
pub type Outcome = Result<RunSummary, Box<FailureReport>>;

/// Runs a scenario once. All state is built anew: runs do not know of each other.
///
/// # Errors
/// Everything there is to say about the failure.
pub fn simulate(scenario: &Scenario, seed: u64, logger: Option<Logger>) -> Outcome {
    Run::of_scenario(scenario, seed, logger, None).outcome
}

/// Runs a scenario once in a world made of something else than its own settings.
///
/// # Errors
/// Everything there is to say about the failure.
pub fn simulate_in(scenario: &Scenario, settings: Settings, seed: u64) -> Outcome {
    let setup = Setup { settings, script: Script::default(), logger: None, checkpoints: None };
    Run::with(scenario.name, scenario.part, seed, setup, scenario.body).outcome
}

/// Runs a case once.
///
/// # Errors
/// Everything there is to say about the failure.
pub fn simulate_case(case: &Case, logger: Option<Logger>) -> Outcome {
    Run::of_case(case, logger).outcome
}

/// A run that has ended.
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// The run as a list of decisions: playing it gives this run.
    pub case: Case,
    /// The trace after each so many events, if that was asked for.
    pub checkpoints: Vec<TraceHash>,
}

impl Run {
    /// Runs a scenario once; the trace is kept after each `checkpoints` events.
    #[must_use]
    pub fn of_scenario(
        scenario: &Scenario,
        seed: u64,
        logger: Option<Logger>,
        checkpoints: Option<u64>,
    ) -> Self {
        let settings = scenario.spec.settings(seed);
        let setup = Setup { settings, script: Script::default(), logger, checkpoints };
        Self::with(scenario.name, scenario.part, seed, setup, scenario.body)
    }

    /// Runs a case once.
    #[must_use]
    pub fn of_case(case: &Case, logger: Option<Logger>) -> Self {
        let part = Scenario::find(&case.test).map_or(Part::Swarm, |scenario| scenario.part);
        let script = Script::new(&case.decisions);
        let settings = case.settings.clone();
        let setup = Setup { settings, script, logger, checkpoints: None };
        let (steps, end) = (swarm::steps(case), case.end);
        let body = |cluster: Cluster| -> Body { Box::pin(swarm::replay(cluster, steps, end)) };
        Self::with(&case.test, part, case.seed, setup, body)
    }

    fn with(
        name: &str,
        part: Part,
        seed: u64,
        setup: Setup,
        body: impl FnOnce(Cluster) -> Body,
    ) -> Self {
        let mut case = Case {
            test: name.to_owned(),
            fails: None,
            seed,
            settings: setup.settings.clone(),
            end: raft::Instant::START,
            decisions: Vec::new(),
        };
        let world = match World::new(seed, setup) {
            Ok(world) => Rc::new(RefCell::new(world)),
            Err(failure) => {
                let report =
                    FailureReport::without_world(name, part, seed, &case.settings, failure);
                return Self { outcome: Err(Box::new(report)), case, checkpoints: Vec::new() };
            }
        };
        let outcome = attempt(&world, body);
        let mut world = world.borrow_mut();
        let outcome = outcome.map(|()| RunSummary::of(&world)).map_err(|failure| {
            case.fails = Some(failure.identity());
            world.log_failure(&failure);
            Box::new(FailureReport::new(name, part, &world, failure))
        });
        case.end = world.now();
        case.decisions = world.take_decisions();
        Self { outcome, case: case.without_chances(), checkpoints: world.checkpoints().to_vec() }
    }
}

fn attempt(world: &Rc<RefCell<World>>, body: impl FnOnce(Cluster) -> Body) -> Result<(), Failure> {
    let tasks = Tasks::default();
    // A panic leaves the world as it was; it is only looked at from here on.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let cluster = Cluster::new(Rc::clone(world), tasks.clone());
        let main = tasks.spawn("test", body(cluster));
        drive(world, &tasks, &main)
    }))
    .unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))));
    tasks.clear();
    outcome
}

impl RunSummary {
    fn of(world: &World) -> Self {
        Self {
            cluster_time: Duration::from_nanos(world.now().as_nanos()),
            peers: world.size(),
            traffic: world.traffic(),
            commands: world.applied_log().last().number(),
            events: world.events(),
            trace: world.trace(),
            undecided: world.undecided(),
            coverage: *world.coverage(),
        }
    }

    /// Adds what another run has to say; the trace becomes one of both.
    pub fn add(&mut self, other: &Self) {
        self.cluster_time += other.cluster_time;
        self.peers = self.peers.max(other.peers);
        self.traffic.add(&other.traffic);
        self.commands += other.commands;
        self.events += other.events;
        self.trace.number(other.trace.finish());
        self.undecided += other.undecided;
        self.coverage.add(&other.coverage);
    }
}

/// As the labs print it, and the trace on a line of its own.
impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_passed(f, self.cluster_time, self.peers, &self.traffic, self.commands)?;
        if self.undecided > 0 {
            let keys = self.undecided;
            write!(f, "\nundecided: {keys} keys, whose histories are too long to check")?;
        }
        write!(f, "\ntrace={}", self.trace)
    }
}

/// The labs' line of a test that passed.
pub(crate) fn fmt_passed(
    f: &mut fmt::Formatter<'_>,
    cluster_time: Duration,
    peers: usize,
    traffic: &Traffic,
    commands: u64,
) -> fmt::Result {
    let Traffic { rpcs, bytes, .. } = traffic;
    let seconds = cluster_time.as_secs_f64();
    write!(f, "  ... Passed --  {seconds:4.1}  {peers} {rpcs:4} {bytes:7} {commands:4}")
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_like_the_labs() {
        let report = RunSummary {
            cluster_time: Duration::from_millis(3590),
            peers: 3,
            traffic: Traffic { rpcs: 62, bytes: 17_250, snapshot_chunks: 0 },
            commands: 0,
            events: 1,
            trace: TraceHash::EMPTY,
            undecided: 0,
            coverage: Coverage::default(),
        };
        let expected = "  ... Passed --   3.6  3   62   17250    0\ntrace=";
        assert!(report.to_string().starts_with(expected), "{report}");
    }
}
