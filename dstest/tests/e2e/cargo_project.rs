//! The cargo adapter: build once, list, select, run as cargo would.

use std::fs;

use crate::support::{Sandbox, wait_until};

#[test]
fn a_passing_test_passes_as_often_as_asked() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["passes_2A", "-n", "7", "-p", "3", "--metrics"]);
    called.exits_with(0).prints("passes_2a × 7, 3 workers, seed ").prints("No failure in 7 runs");
    let row = called.row("passes_2a");
    assert_eq!(row[1..3], ["0", "7"]);
    assert_eq!(row[4..], ["3.50 ± 0.00 s", "104", "2048", "7"]);
    assert!(sandbox.logs().is_empty(), "logs of passed runs are removed");
    let mut iterations = sandbox.field("iter");
    iterations.sort();
    assert_eq!(iterations, ["1", "2", "3", "4", "5", "6", "7"]);
    let traced = sandbox.events();
    let trace = |event: &serde_json::Value| event["trace"].as_str().map(ToOwned::to_owned);
    let seeded = |event: &serde_json::Value| format!("{:016x}", event["seed"].as_u64().unwrap());
    assert!(traced.iter().all(|event| trace(event) == Some(seeded(event))));
}

#[test]
fn failures_are_failures_in_table_exit_code_and_store() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["2B", "quick", "-n", "3", "-p", "1"]);
    called
        .exits_with(1)
        .prints("FAILED  fails_2b #1  two leaders in term 1 (tests/sim.rs:")
        .prints("FAILED  fails_2b #2  same as #1: ")
        .prints("replay -o store ")
        .prints("3 failures of one kind:");
    assert_eq!(called.row("fails_2b")[1..3], ["3", "3"]);
    assert_eq!(called.row("quick_2a")[1..3], ["0", "3"]);
    let logs = ["fails_2b/1.log", "fails_2b/2.log", "fails_2b/3.log", "quick_2a/1.log"];
    assert_eq!(sandbox.logs(), logs, "and one that passed, to compare others with");
    let log = fs::read_to_string(sandbox.latest().join("logs/fails_2b/2.log")).unwrap();
    assert!(log.contains("before\n") && log.contains("two leaders in term 2"), "{log}");
}

#[test]
fn one_seed_gives_one_campaign_in_any_order_and_at_any_speed() {
    let failed = |workers: &str, order: &[&str]| {
        let sandbox = Sandbox::new();
        let mut args = vec!["flaky", "quick", "-n", "20", "--seed", "7", "-p", workers];
        args.extend(order);
        sandbox.on_fixture(&args).exits_with(1);
        let logs = sandbox.logs().into_iter();
        logs.filter(|log| log.starts_with("flaky")).collect::<Vec<_>>()
    };
    let one = failed("1", &[]);
    assert_eq!(one, failed("4", &[]));
    assert_eq!(one, failed("2", &["-s"]));
    assert!(!one.is_empty() && one.len() < 20, "some seeds fail, some do not: {one:?}");
}

#[test]
fn every_way_to_end_has_its_verdict() {
    let sandbox = Sandbox::new();
    let names = ["aborts", "exits_early", "hangs_2d", "leaks", "prints_endlessly", "whole"];
    let mut args = vec!["-n", "1", "--grace", "0.1", "--max-output", "64k", "-a"];
    args.extend(names);
    let called = sandbox.on_fixture(&args);
    called.exits_with(1).prints("killed by SIGABRT").prints("timed out after 0.4 s");
    called.prints("exited with 0 before the test had ended").prints("left processes running");
    let verdicts = sandbox.tests().into_iter().zip(sandbox.field("verdict"));
    let mut verdicts: Vec<String> =
        verdicts.map(|(test, verdict)| format!("{test} {verdict}")).collect();
    verdicts.sort();
    let want = [
        "aborts signalled",
        "exits_early failed",
        "hangs_2d timed-out",
        "leaks leaked",
        "prints_endlessly output-limit",
        "whole passed",
    ];
    assert_eq!(verdicts, want);
    let endless = fs::metadata(sandbox.latest().join("logs/prints_endlessly/1.log")).unwrap();
    assert!(endless.len() < 80 * 1024, "cut to the limit: {}", endless.len());
    let leak = fs::read_to_string(sandbox.latest().join("logs/leaks/1.log")).unwrap();
    let pid = leak.lines().find_map(|line| line.split("grandchild=").nth(1)).unwrap();
    assert!(!crate::support::is_alive(pid), "the grandchild has been ended");
}

#[test]
fn a_run_has_the_surroundings_cargo_would_give() {
    let sandbox = Sandbox::new();
    sandbox.on_fixture(&["surroundings", "-n", "1", "-a", "-vv"]).exits_with(0);
    let log = fs::read_to_string(sandbox.latest().join("logs/surroundings/1.log")).unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
    for want in [
        &format!("CARGO_MANIFEST_DIR={fixture}\n"),
        "CARGO_PKG_NAME=fixture\n",
        "CARGO_PKG_VERSION=1.2.3-beta.4\n",
        "CARGO_PKG_VERSION_PRE=beta.4\n",
        "CARGO_PKG_AUTHORS=A. Tester:B. Tester\n",
        "VERBOSE=2\n",
        &format!("cwd={fixture}\n"),
    ] {
        assert!(log.contains(want), "no {want} in {log}");
    }
    assert_eq!(sandbox.logs(), ["surroundings/1.dir", "surroundings/1.log"], "its file is kept");
}

#[test]
fn a_build_error_is_not_a_test_failure() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["--features", "broken", "-n", "3"]);
    called.exits_with(101).warns("this feature does not build").warns("the build failed");
    assert_eq!(called.stdout, "");
    assert!(!sandbox.path().join("store").exists(), "nothing ran, nothing is stored");
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error_with_a_suggestion() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["pases_2a"]);
    called.exits_with(4).warns("no test matches `pases_2a`; did you mean passes_2a");
    sandbox.on_fixture(&["2a", "nosuchthing"]).exits_with(4);
}

#[test]
fn names_are_short_and_ignored_tests_are_left_out_unless_asked_for() {
    let sandbox = Sandbox::new();
    let list = |args: &[&str]| {
        let mut all = vec!["list", "--dir", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture")];
        all.extend(args);
        sandbox.call(&all)
    };
    let called = list(&["unit", "2d", "whole"]);
    assert_eq!(called.exits_with(0).stdout, "tests::unit\nhangs_2d\nnested::unit\nwhole\n");
    called.warns("1 marked #[ignore] left out").warns("whole does not list its tests");
    assert_eq!(list(&["ignored", "--include-ignored"]).stdout, "ignored_2d\n");
    sandbox.on_fixture(&["ignored", "-n", "1"]).exits_with(4).warns("--include-ignored");
    sandbox.on_fixture(&["ignored", "-n", "1", "--include-ignored"]).exits_with(0);
}

#[test]
fn the_tested_program_is_a_copy_that_campaigns_share() {
    let sandbox = Sandbox::new();
    sandbox.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    sandbox.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    let copies = fs::read_dir(sandbox.path().join("store/bin")).unwrap().count();
    assert_eq!(copies, 1);
    assert_eq!(fs::read_dir(sandbox.path().join("store/runs")).unwrap().count(), 2);
    let ignore = fs::read_to_string(sandbox.path().join("store/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
}

#[test]
fn unexpected_selections_are_noted() {
    let sandbox = Sandbox::new();
    let doc_tests = "doc tests of fixture are left out: `cargo test --doc` runs them";
    let whole = "fixture::whole does not list its tests; it runs as one test";
    let named = sandbox.on_fixture(&["whole", "-n", "1"]);
    named.exits_with(0).warns(whole);
    assert!(!named.stderr.contains("doc tests"), "{named:#?}");
    let other = sandbox.on_fixture(&["unit", "-n", "1"]);
    let notes = other.exits_with(0).stderr.matches("dstest: ").count();
    assert!(notes == 1 && other.stderr.contains("built 2 of 4 test targets"), "{other:#?}");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
    sandbox.call(&["list", "--dir", fixture]).exits_with(0).warns(whole).warns(doc_tests);
    let skip = ["--skip", "2[a-d]|leaks|aborts|exits|prints|whole|fails|odd", "-n", "1"];
    let all = sandbox.on_fixture(&skip);
    all.warns(doc_tests);
    assert!(!all.stderr.contains("#[ignore]"), "it is skipped, and so not missed");
    let some = sandbox.on_fixture(&["2a|2d", "--skip", "hangs", "-n", "1"]);
    some.exits_with(0).warns("1 marked #[ignore] left out (--include-ignored)");
}

#[test]
fn the_longest_test_of_a_round_comes_first_as_soon_as_its_time_is_known() {
    // On a busy machine the short one may take longer.
    wait_until("the long one has taken longer", || {
        let sandbox = Sandbox::new();
        let order = || {
            sandbox.on_fixture(&["quick_2a", "slow_2e", "-n", "3", "-p", "1"]).exits_with(0);
            sandbox.tests()
        };
        let first = order();
        assert_eq!(first[..2], ["quick_2a", "slow_2e"], "nothing is known yet");
        let from_the_campaign_before = order();
        let is_longest_first = |tests: &[String]| tests == ["slow_2e", "quick_2a"];
        is_longest_first(&first[4..]) && is_longest_first(&from_the_campaign_before[..2])
    });
}
