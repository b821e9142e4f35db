//! One run in the real world, from its start to its summary or report.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use raft::driver::Clock;
use raft::verbose::{Line, Logger, Topic};

use super::drive::drive;
use super::report::RealFailure;
use super::world::{RealBody, RealWorld};
use crate::cluster::{Cluster, Testbed};
use crate::failure::Failure;
use crate::report::fmt_passed;
use crate::run::panic_text;
use crate::scenario::Scenario;
use crate::sim::executor::Tasks;
use crate::world::{LogSource, Traffic};

/// Summary of a run that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealRunSummary {
    /// Duration.
    pub cluster_time: Duration,
    /// Number of peers.
    pub peers: usize,
    /// Network traffic.
    pub traffic: Traffic,
    /// Number of applied commands.
    pub commands: u64,
}

/// As the labs print it.
impl fmt::Display for RealRunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_passed(f, self.cluster_time, self.peers, &self.traffic, self.commands)
    }
}

/// Runs a scenario once on real peers.
///
/// # Errors
/// The failure, with the state of the peers.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    logger: Option<Logger>,
    body: RealBody,
) -> Result<RealRunSummary, Box<RealFailure>> {
    let settings = scenario.spec.settings(seed);
    let world = match RealWorld::new(seed, settings.clone(), logger) {
        Ok(world) => Rc::new(RefCell::new(world)),
        Err(failure) => {
            return Err(Box::new(RealFailure::without_world(scenario, seed, &settings, failure)));
        }
    };
    let outcome = attempt(&world, body);
    let world = world.borrow();
    outcome.map(|()| RealRunSummary::of(&world)).map_err(|failure| {
        world.log_failure(&failure);
        Box::new(RealFailure::new(scenario, &world, failure))
    })
}

fn attempt(world: &Rc<RefCell<RealWorld>>, body: RealBody) -> Result<(), Failure> {
    let tasks = Tasks::default();
    let (clock, records) = {
        let world = world.borrow();
        (world.context.clock, world.context.records.clone())
    };
    // A panic leaves the world as it was; it is only looked at from here on.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let main = tasks.spawn("test", body(Cluster::new(Rc::clone(world), tasks.clone())));
        drive(clock, &records, &tasks, &main)
    }))
    .unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))));
    tasks.clear();
    // A peer that ended by itself is the cause of whatever else failed.
    world.borrow().unexpected_exit().map_or(outcome, Err)
}

impl RealRunSummary {
    fn of(world: &RealWorld) -> Self {
        Self {
            cluster_time: Duration::from_nanos(world.context.clock.now().as_nanos()),
            peers: world.size(),
            traffic: world.traffic(),
            commands: world.context.records.last_agreed().number(),
        }
    }

    /// Adds the summary of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.cluster_time += other.cluster_time;
        self.peers = self.peers.max(other.peers);
        self.traffic.add(&other.traffic);
        self.commands += other.commands;
    }
}

impl RealWorld {
    fn log_failure(&self, failure: &Failure) {
        let Some(logger) = &self.context.logger else { return };
        let text = failure.to_string();
        let text = format_args!("{}", text.lines().next().unwrap_or_default());
        let (at, peer, event) = (self.context.clock.now(), &LogSource::Tester, "failed");
        logger.line(&Line { at, topic: Topic::Erro, peer, text, facts: &[], event });
    }
}

#[cfg(test)]
mod tests {
    use raft::verbose::{Format, Level, MemoryLog, Settings};

    use super::*;
    use crate::suites::LAB2;

    fn fails(body: RealBody, logger: Option<Logger>) -> (Box<RealFailure>, String) {
        let scenario = Scenario { name: "meta", ..LAB2[0] };
        let failure = run(&scenario, 7, logger, body).expect_err("the scenario cannot pass");
        let text = failure.to_string();
        (failure, text)
    }

    #[test]
    fn a_failure_shows_the_visible_state_and_that_it_cannot_be_replayed() {
        let body: RealBody = |cluster| {
            Box::pin(async move {
                let leader = cluster.check_one_leader().await?;
                cluster.disconnect(leader);
                cluster.crash(cluster.after(leader, 1));
                Err(Failure::Expectation("something else".to_owned()))
            })
        };
        let log = MemoryLog::default();
        let logger = log.logger(Settings { level: Level::Events, format: Format::Text });
        let (failure, text) = fails(body, Some(logger));
        for part in [
            "FAIL 2A meta   real world   seed=7   t=",
            "EXPECTED   something else",
            " leader ",
            " down ",
            "REPLAY     not exactly",
            "AGAIN      RAFT_WORLD=real DSTEST_SEED=7 VERBOSE=1 cargo test",
            "3 peers, reliable network, no snapshots",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        assert_eq!(failure.to_json()["world"], "real");
        let log = log.text();
        let parts = ["candidate --> leader", "TEST | - | cuts off ", "| crashes ", "| ERRO | - |"];
        let positions: Vec<_> = parts.iter().map(|part| log.find(part)).collect();
        assert!(
            positions.iter().all(Option::is_some) && positions.is_sorted(),
            "{positions:?}:\n{log}"
        );
    }

    #[test]
    fn a_peer_that_ends_by_itself_fails_the_run() {
        let body: RealBody = |cluster| {
            Box::pin(async move {
                {
                    let world = cluster.world();
                    let raft = world.peers[1].running.as_ref().expect("it was started");
                    world.context.runtime.block_on(raft.shutdown());
                }
                cluster.check_one_leader().await.map(drop)
            })
        };
        let (_, text) = fails(body, None);
        assert!(text.contains("peer 1 to run on, it ended: shut down"), "{text}");
    }

    #[test]
    fn services_that_disagree_fail_the_run_at_once() {
        let body: RealBody = |cluster| {
            Box::pin(async move {
                use super::super::service::Opaque;
                use raft::StateMachine;
                cluster
                    .one(&crate::cluster::Command::number(1), 3, crate::cluster::Retry::Yes)
                    .await?;
                let never = crate::service::Snapshots::Never;
                let mut other = cluster.world().context.records.service(0, never);
                other.apply(Opaque(b"something else".as_slice().into()));
                cluster.sleep(Duration::from_secs(60)).await;
                Ok(())
            })
        };
        let (failure, text) = fails(body, None);
        assert_eq!(failure.failure().signature(), "applier", "{text}");
        assert!(text.contains("peer 0") && text.contains("at index 1"), "{text}");
    }
}
