//! One run in the real world, from its start to what it has to say.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use raft::driver::Clock;
use raft::verbose::{Line, Logger, Topic};

use super::RealWorld;
use super::drive::drive;
use super::report::RealFailure;
use crate::cluster::{Cluster, Ground};
use crate::failure::Failure;
use crate::lab2::{Body, Scenario, real_body};
use crate::run::{fmt_passed, panic_text};
use crate::sim::executor::Tasks;
use crate::world::{Speaker, Traffic};

/// What a run that passed has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// How long it took.
    pub cluster_time: Duration,
    /// How many peers there were.
    pub peers: usize,
    /// What went over the network.
    pub traffic: Traffic,
    /// How many commands were agreed on.
    pub commands: u64,
}

/// As the labs print it.
impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_passed(f, self.cluster_time, self.peers, &self.traffic, self.commands)
    }
}

/// Runs a scenario once on real peers; `None` if it needs the simulated world.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    logger: Option<Logger>,
) -> Option<Result<Passed, Box<RealFailure>>> {
    let body = real_body(scenario.name)?;
    Some(run_body(scenario, seed, logger, body))
}

fn run_body(
    scenario: &Scenario,
    seed: u64,
    logger: Option<Logger>,
    body: fn(Cluster<RealWorld>) -> Body,
) -> Result<Passed, Box<RealFailure>> {
    let settings = scenario.made.settings(seed);
    let world = match RealWorld::new(seed, settings.clone(), logger) {
        Ok(world) => Rc::new(RefCell::new(world)),
        Err(failure) => {
            return Err(Box::new(RealFailure::without_world(scenario, seed, &settings, failure)));
        }
    };
    let outcome = attempt(&world, body);
    let world = world.borrow();
    outcome.map(|()| Passed::of(&world)).map_err(|failure| {
        world.say_failed(&failure);
        Box::new(RealFailure::new(scenario, &world, failure))
    })
}

fn attempt(
    world: &Rc<RefCell<RealWorld>>,
    body: fn(Cluster<RealWorld>) -> Body,
) -> Result<(), Failure> {
    let tasks = Tasks::default();
    let (clock, given) = {
        let world = world.borrow();
        (world.parts.clock, world.parts.given.clone())
    };
    // A panic leaves the world as it was; it is only looked at from here on.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let main = tasks.spawn("test", body(Cluster::new(Rc::clone(world), tasks.clone())));
        drive(clock, &given, &tasks, &main)
    }))
    .unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))));
    tasks.clear();
    // Whatever the scenario missed for it: a peer that is gone is the cause.
    world.borrow().ended().map_or(outcome, Err)
}

impl Passed {
    fn of(world: &RealWorld) -> Self {
        Self {
            cluster_time: Duration::from_nanos(world.parts.clock.now().as_nanos()),
            peers: world.size(),
            traffic: world.traffic(),
            commands: world.parts.given.last_agreed().number(),
        }
    }

    /// Adds what another run has to say.
    pub(crate) fn add(&mut self, other: &Self) {
        self.cluster_time += other.cluster_time;
        self.peers = self.peers.max(other.peers);
        self.traffic.add(&other.traffic);
        self.commands += other.commands;
    }
}

impl RealWorld {
    fn say_failed(&self, failure: &Failure) {
        let Some(logger) = &self.parts.logger else { return };
        let text = failure.to_string();
        let text = format_args!("{}", text.lines().next().unwrap_or_default());
        let (at, peer) = (self.parts.clock.now(), &Speaker::Tester);
        logger.line(&Line { at, topic: Topic::Erro, peer, text, facts: &[] });
    }
}
