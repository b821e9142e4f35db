//! One run in the real world, from its start to its summary or report.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use raft::Instant;
use raft::driver::Clock;
use raft::verbose::{Line, Logger, Topic};

use super::drive::drive;
use super::group::RealGroup;
use super::report::RealFailure;
use super::resources::RealRun;
use super::world::{RealBody, RealWorld};
use crate::case::Settings;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::report::{fmt_passed, setup};
use crate::run::panic_text;
use crate::scenario::{Body, Part, Scenario};
use crate::world::{LogSource, Traffic};

/// Outcome of a run.
pub type RealOutcome = Result<RealRunSummary, Box<RealFailure>>;

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
pub fn run(scenario: &Scenario, seed: u64, logger: Option<Logger>, body: RealBody) -> RealOutcome {
    let settings = scenario.spec.settings(seed);
    let test = (scenario.name, scenario.part, seed);
    run_groups(test, &settings, logger, |run| {
        let world = Rc::new(RefCell::new(RealWorld::new(run, settings.clone())?));
        let cluster = Cluster::new(Rc::clone(&world), run.tasks.clone());
        Ok((vec![world as RealGroup], body(cluster)))
    })
}

/// Runs several groups of real peers, and a body that drives them all. `settings` are those of the first
/// one, for reports.
///
/// # Errors
/// The failure, with the state of the peers.
pub fn run_groups(
    test: (&str, Part, u64),
    settings: &Settings,
    logger: Option<Logger>,
    start: impl FnOnce(&RealRun) -> Result<(Vec<RealGroup>, Body), Failure>,
) -> RealOutcome {
    let fails = |at, groups: &[RealGroup], failure| {
        Box::new(RealFailure::new(test, setup(settings), at, groups, failure))
    };
    let run = RealRun::new(test.2, logger);
    let run = run.map_err(|failure| fails(Instant::START, &[], failure))?;
    let mut groups = Vec::new();
    match run.attempt(start, &mut groups) {
        Ok(()) => Ok(RealRunSummary::of(run.clock.now(), &groups)),
        Err(failure) => {
            run.log_failure(&failure);
            Err(fails(run.clock.now(), &groups, failure))
        }
    }
}

impl RealRun {
    fn attempt(
        &self,
        start: impl FnOnce(&Self) -> Result<(Vec<RealGroup>, Body), Failure>,
        groups: &mut Vec<RealGroup>,
    ) -> Result<(), Failure> {
        let Self { tasks, clock, signals, calls, .. } = self;
        // A panic leaves the worlds as they were; they are only looked at from here on.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let (started, body) = start(self)?;
            groups.extend(started);
            let main = tasks.spawn("test", body);
            drive(*clock, signals, calls, tasks, &main)
        }))
        .unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))));
        tasks.clear();
        // A peer that ended by itself is the cause of whatever else failed.
        let ended = groups.iter().find_map(|group| group.borrow().unexpected_exit());
        ended.map_or(outcome, Err)
    }

    fn log_failure(&self, failure: &Failure) {
        let Some(logger) = &self.logger else { return };
        let text = failure.to_string();
        let text = format_args!("{}", text.lines().next().unwrap_or_default());
        let (at, peer, event) = (self.clock.now(), &LogSource::Tester, "failed");
        logger.line(&Line { at, topic: Topic::Erro, peer, text, facts: &[], event });
    }
}

impl RealRunSummary {
    fn of(end: Instant, groups: &[RealGroup]) -> Self {
        let mut summary = Self {
            cluster_time: Duration::from_nanos(end.as_nanos()),
            peers: 0,
            traffic: Traffic::default(),
            commands: 0,
        };
        for group in groups.iter().map(|group| group.borrow()) {
            summary.peers += group.size();
            summary.traffic.add(&group.traffic());
            summary.commands += group.commands();
        }
        summary
    }

    /// Adds the summary of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.cluster_time += other.cluster_time;
        self.peers = self.peers.max(other.peers);
        self.traffic.add(&other.traffic);
        self.commands += other.commands;
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
