//! Tests of the world itself: one seed gives one trace, and each kind of failure is reported.

use std::process::Command;
use std::time::Duration;

use raft::verbose::{Format, Level, MemoryLog, Settings};
use raft_tests::cluster::Cluster;
use raft_tests::failure::Failure;
use raft_tests::report::LINES_MAX;
use raft_tests::run::add_evidence;
use raft_tests::scenario::Body;
use raft_tests::sim::trace_hash::first_difference;
use raft_tests::suites::{self, LAB2, SWARM};
use raft_tests::{Run, Scenario, simulate};

fn find(name: &str) -> &'static Scenario {
    suites::find(name).expect("a scenario of the table")
}

fn trace(name: &str, seed: u64) -> String {
    let report = simulate(find(name), seed, None).unwrap_or_else(|report| panic!("{report}"));
    report.trace.to_string()
}

#[test]
fn one_seed_gives_one_report_twice_in_one_process() {
    for scenario in LAB2.iter().chain(SWARM) {
        let run = |seed| simulate(scenario, seed, None).unwrap_or_else(|report| panic!("{report}"));
        let first = run(7);
        assert_ne!(first.trace, run(8).trace, "{}: another seed is another run", scenario.name);
        assert_eq!(first, run(7), "{}", scenario.name);
    }
}

/// The variable that makes the next test print its traces for the process that started it.
const CHILD: &str = "RAFT_TESTS_META_CHILD";

#[test]
fn one_seed_gives_one_trace_in_two_processes() {
    let mut names = vec!["backup_2b", "figure8_unreliable_2c", "snapshot_install_un_crash_2d"];
    names.extend(SWARM.iter().map(|scenario| scenario.name));
    let traces: Vec<String> = names.iter().map(|name| format!("<{}>", trace(name, 11))).collect();
    let traces = traces.concat();
    if std::env::var_os(CHILD).is_some() {
        println!("{traces}");
        return;
    }
    let output = Command::new(std::env::current_exe().expect("a test knows its own program"))
        .args(["--exact", "determinism::one_seed_gives_one_trace_in_two_processes", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the program starts again");
    let output = String::from_utf8_lossy(&output.stdout);
    assert!(output.contains(&traces), "expected {traces} in {output}");
}

#[test]
fn the_first_different_event_of_two_runs_is_found() {
    let steps =
        |seed, every| Run::of_scenario(find("swarm_mixed"), seed, None, Some(every)).checkpoints;
    let run = steps(4, 1);
    assert!(run.len() > 500, "{} events", run.len());
    assert_eq!(first_difference(steps(4, 1), run.clone()), None);
    let mut other = run.clone();
    other[399] = run[0];
    assert_eq!(first_difference(other, run.clone()), Some(400));
    assert_eq!(first_difference(run[..30].to_vec(), run.clone()), Some(31));
    assert_eq!(first_difference(steps(5, 1), run.clone()), Some(1), "another seed differs at once");
    let tenth: Vec<_> = run.iter().copied().skip(9).step_by(10).collect();
    assert_eq!(steps(4, 10), tenth);
}

/// A log in text, with so much in it.
const fn text(level: Level) -> Settings {
    Settings { level, format: Format::Text }
}

#[test]
fn logging_changes_no_trace() {
    for name in ["re_election_2a", "snapshot_install_unreliable_2d", "unreliable_churn_2c"] {
        let lines = MemoryLog::default();
        let logger = Some(lines.logger(text(Level::Contents)));
        let loud = simulate(find(name), 3, logger).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(loud.trace.to_string(), trace(name, 3), "{name}");
        assert!(lines.text().lines().count() > 100, "{name} has much to tell");
    }
}

/// The `id=` of each line that contains all of these words.
fn ids<'a>(log: &'a str, words: &[&str]) -> Vec<&'a str> {
    let lines = log.lines().filter(|line| words.iter().all(|word| line.contains(word)));
    let id = |line: &'a str| line.split(' ').find_map(|word| word.strip_prefix("id="));
    let mut ids: Vec<&str> = lines.filter_map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn every_sent_message_is_received_or_logged_as_lost() {
    let lines = MemoryLog::default();
    let logger = Some(lines.logger(text(Level::Routine)));
    simulate(find("figure8_unreliable_2c"), 5, logger).unwrap_or_else(|report| panic!("{report}"));
    let log = lines.text();
    let sent = ids(&log, &["| RPC |", " sends "]);
    let received = ids(&log, &["| RPC |", " receives "]);
    let lost = ids(&log, &["| DROP |", " is lost"]);
    let mut unique = sent.clone();
    unique.dedup();
    assert_eq!(unique.len(), sent.len(), "a message's number names it in the whole run");
    assert!(lost.len() > 100, "an unreliable network loses messages, {} here", lost.len());
    for id in received.iter().chain(&lost) {
        assert!(sent.binary_search(id).is_ok(), "{id} was never sent");
    }
    // Messages in flight at the end of the run have no end in the log.
    let told = received.len() + lost.len();
    assert!(told <= sent.len() && sent.len() - told < 200, "{told} ends of {}", sent.len());
}

#[test]
fn the_tester_and_its_clients_are_in_the_log() {
    let lines = MemoryLog::default();
    let logger = Some(lines.logger(text(Level::Events)));
    simulate(find("reliable_churn_2c"), 2, logger).unwrap_or_else(|report| panic!("{report}"));
    let log = lines.text();
    for part in [
        "| TEST | - | cuts off ",
        "| TEST | - | connects ",
        "| TEST | - | crashes ",
        "| TEST | - | starts ",
        "| CLNT | C0 | offers a command to ",
        "| CLNT | C2 | offers a command to ",
        "| CLNT | - | offers a command to ",
    ] {
        assert!(log.contains(part), "no line contains {part:?}");
    }
}

/// Runs a scenario of the test's own and returns its failure.
fn fails(body: fn(Cluster) -> Body) -> (Failure, String) {
    let scenario = Scenario { name: "meta", body, ..LAB2[0] };
    let report = simulate(&scenario, 1, None).expect_err("the scenario cannot pass");
    (report.failure.clone(), report.to_string())
}

#[test]
fn a_deadlock_names_the_tasks_that_wait() {
    let (failure, report) = fails(|cluster| {
        Box::pin(async move {
            let never = cluster.spawn("never", std::future::pending::<()>());
            cluster.spawn("waiter", never.join()).join().await;
            Ok(())
        })
    });
    assert_eq!(failure.signature(), "deadlock");
    for name in ["`test`", "`waiter`", "`never`", "determinism.rs"] {
        assert!(report.contains(name), "{name} is missing:\n{report}");
    }
}

#[test]
fn a_livelock_names_the_task_that_spins() {
    let (failure, report) = fails(|cluster| {
        Box::pin(async move {
            loop {
                cluster.sleep(Duration::ZERO).await;
            }
        })
    });
    assert_eq!(failure.signature(), "livelock");
    assert!(report.contains("`test`") && report.contains("determinism.rs"), "{report}");
}

#[test]
fn a_test_may_take_two_minutes_and_no_more() {
    let (failure, report) = fails(|cluster| {
        Box::pin(async move {
            cluster.sleep(Duration::from_secs(121)).await;
            Ok(())
        })
    });
    assert_eq!(failure, Failure::TooLong(Duration::from_secs(120)));
    assert!(report.contains("t=120."), "{report}");
}

#[test]
fn a_panic_is_reported_with_everything_else() {
    let (failure, report) = fails(|cluster| {
        Box::pin(async move {
            let leader = cluster.check_one_leader().await?;
            assert!(leader > 2, "there are only three peers");
            Ok(())
        })
    });
    assert_eq!(failure, Failure::Panic("there are only three peers".to_owned()));
    for part in ["FAIL 2A meta", "seed=1", "leader", "DSTEST_SEED=1 VERBOSE=1 cargo test"] {
        assert!(report.contains(part), "{part} is missing:\n{report}");
    }
}

/// A scenario that ends in the middle of things.
fn disconnected_leader() -> Scenario {
    let body: fn(Cluster) -> Body = |cluster| {
        Box::pin(async move {
            let leader = cluster.check_one_leader().await?;
            cluster.disconnect(leader);
            cluster.check_one_leader().await?;
            Err(Failure::Expectation("a\nlong\nstory\n".repeat(20)))
        })
    };
    Scenario { name: "meta", body, ..LAB2[0] }
}

#[test]
fn a_report_shows_causes_on_one_screen() {
    let scenario = disconnected_leader();
    let mut report = simulate(&scenario, 1, None).expect_err("the scenario cannot pass");
    add_evidence(&mut report, |logger| simulate(&scenario, 1, Some(logger)));
    let text = report.to_string();
    for part in [
        "VERIFIED   a second run of the seed gave the same trace and failure",
        "CAUSES     the last 16 of ",
        "| STATE | ",
        "candidate --> leader",
        " is lost: cut to=",
        "| ERRO | - | EXPECTED   a",
        "and 40 lines more in report.json",
        "BUILD      raft 0.1.0, ",
        "3 peers, reliable network, no snapshots",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let lines = text.lines().count();
    assert!(lines <= LINES_MAX, "{lines} lines:\n{text}");
    assert!(!text.contains("heartbeat"), "what happens all the time explains little:\n{text}");
    let json = report.to_json();
    assert_eq!(json["failure"]["kind"], "expectation");
    assert_eq!(json["peers"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["text"], text);
}

#[test]
fn a_different_second_run_is_reported() {
    let scenario = disconnected_leader();
    let mut report = simulate(&scenario, 1, None).expect_err("the scenario cannot pass");
    let changed = Scenario { body: LAB2[0].body, ..scenario };
    add_evidence(&mut report, |logger| simulate(&changed, 1, Some(logger)));
    let text = report.to_string();
    assert!(text.contains("DIFFERS    a second run of the seed gave trace="), "{text}");
    assert!(text.contains("and no failure"), "{text}");
}

#[test]
fn a_failure_replays() {
    let body: fn(Cluster) -> Body = |cluster| {
        Box::pin(async move {
            let leader = cluster.check_one_leader().await?;
            cluster.disconnect(leader);
            cluster.check_one_leader().await?;
            cluster.connect(leader);
            Err(Failure::Expectation("something else".to_owned()))
        })
    };
    assert_eq!(fails(body).1, fails(body).1);
}
