//! The swarm of services as a test.
//!
//! `DSTEST_SEED` chooses the seed, `VERBOSE` a log of all events.

use std::path::Path;
use std::time::Duration;

use raft::verbose::{Format, Level, MemoryLog, Settings};
use raft_tests::cluster::Cluster;
use raft_tests::harness::Runnable;
use raft_tests::invariants::Invariant;
use raft_tests::run::simulate_groups;
use raft_tests::scenario::{Body, Part};
use raft_tests::sim::network::NetworkProfile;
use services::key_value::KeyValueStore;
use services::world::{GroupSetup, SnapshotLimit};

services::swarm_tests!();

/// Failures of the past, shrunk; each passes now.
#[test]
fn kept_cases_pass() {
    let swarm = services::suites::find("swarm_services").expect("it is in the table");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases/services");
    let entries = std::fs::read_dir(directory).expect("there are kept cases");
    let mut played = 0;
    for path in entries.map(|entry| entry.expect("an entry can be read").path()) {
        let text = std::fs::read_to_string(&path).expect("a case can be read");
        let case = swarm.read_case(&text);
        let (seed, case) = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if let Err(report) = case.simulate(seed, None) {
            panic!("{} fails again\n{report}", path.display());
        }
        played += 1;
    }
    assert!(played > 0, "there are kept cases");
}

/// A failure is a peer's of the group in which it came about: its causes are looked for there.
#[test]
fn a_failure_is_logged_by_the_group_that_failed() {
    for failing in [0, 1] {
        let log = MemoryLog::default();
        let logger = log.logger(Settings { level: Level::Events, format: Format::Text });
        let setup = |first_peer| {
            let (store, network) = (KeyValueStore::default(), NetworkProfile::LAB_RELIABLE);
            let logger = Some(logger.clone());
            let setup = GroupSetup::new(&store, 1, 3, network, SnapshotLimit::Never, logger);
            setup.numbered_from(first_peer).world()
        };
        let body = |clusters: Vec<Cluster>| -> Body {
            Box::pin(async move {
                clusters[0].sleep(Duration::from_secs(1)).await;
                let violation = Invariant::ShardOwner.broken(format_args!("two owners"));
                clusters[failing].fail(violation.into());
                clusters[0].sleep(Duration::from_secs(1)).await;
                Ok(())
            })
        };
        let outcome = simulate_groups("two", Part::Sharding, 1, vec![setup(0), setup(10)], body);
        assert!(outcome.is_err());
        let text = log.text();
        let last = text.lines().last().expect("it is not empty");
        let peer = last.split(" | ").nth(2).and_then(|peer| peer.parse::<usize>().ok());
        let is_of_group = peer.is_some_and(|peer| peer / 10 == failing);
        assert!(last.contains("two owners") && is_of_group, "{last}");
    }
}

/// The case of a run is the run.
#[test]
fn a_case_repeats_its_run() {
    let swarm = services::suites::find("swarm_services").expect("it is in the table");
    for seed in 0..3 {
        let (of_case, case) =
            swarm.read_case(&swarm.case(seed).expect("it has cases")).expect("one");
        let trace = |outcome: raft_tests::run::Outcome| match outcome {
            Ok(summary) => summary.trace,
            Err(report) => report.trace,
        };
        let run = trace(swarm.simulate(seed, None));
        assert_eq!((of_case, trace(case.simulate(of_case, None))), (seed, run));
    }
}
