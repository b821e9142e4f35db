//! Running scenarios and cases in this process.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use raft::verbose::Logger;

use crate::case::{Case, Script, Settings};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::report::{Evidence, FailureReport, RunSummary};
use crate::scenario::{Body, Part, Scenario};
use crate::sim::executor::Tasks;
use crate::sim::random::mix;
use crate::sim::trace_hash::TraceHash;
use crate::world::{Setup, World, drive};
use crate::{suites, swarm};

/// Outcome of a run; the report is boxed, since it is large and rare.
pub type Outcome = Result<RunSummary, Box<FailureReport>>;

/// Runs a scenario once. All state is built anew: runs are independent.
///
/// # Errors
/// The report of the failure.
pub fn simulate(scenario: &Scenario, seed: u64, logger: Option<Logger>) -> Outcome {
    Run::of_scenario(scenario, seed, logger, None).outcome
}

/// Runs a scenario once with other settings than its own.
///
/// # Errors
/// The report of the failure.
pub fn simulate_in(scenario: &Scenario, settings: Settings, seed: u64) -> Outcome {
    let setup = setup(settings, Script::default(), None, None);
    Run::with(scenario.name, scenario.part, seed, setup, scenario.body).outcome
}

/// Runs a case once.
///
/// # Errors
/// The report of the failure.
pub fn simulate_case(case: &Case, logger: Option<Logger>) -> Outcome {
    Run::of_case(case, logger).outcome
}

/// Adds to a report what further runs of the same seed or case show.
pub fn add_evidence(report: &mut FailureReport, rerun: impl Fn(Logger) -> Outcome) {
    report.evidence =
        Some(Evidence::gather(report.trace, &report.failure, |logger| match rerun(logger) {
            Ok(summary) => (summary.trace, None),
            Err(report) => (report.trace, Some(report.failure)),
        }));
}

fn setup(
    settings: Settings,
    script: Script,
    logger: Option<Logger>,
    checkpoints: Option<u64>,
) -> Setup {
    Setup { settings, script, logger, checkpoints, first_peer: 0, services: Vec::new() }
}

/// A run that has ended.
pub struct Run {
    /// Outcome.
    pub outcome: Outcome,
    /// The run as a case: replaying it repeats the run.
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
        let setup = setup(settings, Script::default(), logger, checkpoints);
        Self::with(scenario.name, scenario.part, seed, setup, scenario.body)
    }

    /// Runs a case once.
    #[must_use]
    pub fn of_case(case: &Case, logger: Option<Logger>) -> Self {
        let scenario = suites::find(&case.test);
        let part = scenario.map_or(Part::Swarm, |scenario| scenario.part);
        let name = scenario.map_or(&*case.test, |scenario| scenario.name);
        let script = Script::new(&case.decisions);
        let settings = case.settings.clone();
        let setup = setup(settings, script, logger, None);
        let (steps, end) = (swarm::steps(case), case.end);
        let body = |cluster: Cluster| -> Body { Box::pin(swarm::replay(cluster, steps, end)) };
        Self::with(name, part, case.seed, setup, body)
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
        let body =
            |clusters: Vec<_>| body(clusters.into_iter().next().expect("a cluster for each world"));
        let outcome = attempt(std::slice::from_ref(&world), body, &Cell::default());
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

/// Runs several groups of peers, which share one clock, and a body that drives them all. The report
/// and the summary are of all groups together.
///
/// # Errors
/// The report of the failure.
pub fn simulate_groups(
    name: &str,
    part: Part,
    seed: u64,
    groups: Vec<Setup>,
    body: impl FnOnce(Vec<Cluster>) -> Body,
) -> Outcome {
    let mut worlds = Vec::with_capacity(groups.len());
    for (seed, group) in group_seeds(seed).zip(groups) {
        let settings = group.settings.clone();
        let world = World::new(seed, group).map_err(|failure| {
            Box::new(FailureReport::without_world(name, part, seed, &settings, failure))
        })?;
        worlds.push(Rc::new(RefCell::new(world)));
    }
    let acting = Cell::default();
    let outcome = attempt(&worlds, body, &acting);
    let worlds: Vec<_> = worlds.iter().map(|world| world.borrow()).collect();
    let (first, others) = worlds.split_first().expect("a run has a group");
    match outcome {
        Ok(()) => {
            let mut summary = RunSummary::of(first);
            for world in others {
                let cluster_time = summary.cluster_time;
                summary.peers += world.size();
                summary.add(&RunSummary { peers: 0, ..RunSummary::of(world) });
                summary.cluster_time = cluster_time;
            }
            Ok(summary)
        }
        Err(failure) => {
            worlds[acting.get()].log_failure(&failure);
            let mut report = FailureReport::new(name, part, first, failure);
            others.iter().for_each(|world| report.add_group(world));
            Err(Box::new(report))
        }
    }
}

/// The seeds of groups in one run: the first has the run's own.
fn group_seeds(seed: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |group: u64| if group == 0 { seed } else { mix(seed ^ mix(group)) })
}

fn attempt(
    worlds: &[Rc<RefCell<World>>],
    body: impl FnOnce(Vec<Cluster>) -> Body,
    acting: &Cell<usize>,
) -> Result<(), Failure> {
    let tasks = Tasks::default();
    // A panic leaves the world as it was; it is only looked at from here on.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let cluster = |world: &Rc<RefCell<World>>| Cluster::new(Rc::clone(world), tasks.clone());
        let main = tasks.spawn("test", body(worlds.iter().map(cluster).collect()));
        let worlds: Vec<_> = worlds.iter().map(AsRef::as_ref).collect();
        drive(&worlds, &tasks, &main, acting)
    }))
    .unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))));
    tasks.clear();
    outcome
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}
