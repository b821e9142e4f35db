//! Runs that test nothing are skipped: they are counted by themselves, and a campaign of nothing else
//! is not green.

use std::fs;

use crate::support::Sandbox;

#[test]
fn a_run_that_tested_nothing_is_skipped_in_the_words_of_each_harness() {
    let rows = [
        ("exit 77", "exit code 77"),
        ("echo '=== 3 skipped in 0.01s ==='", "no reason given"),
        ("echo 'no tests ran in 0.00s'; exit 5", "there was no test to run"),
        ("printf '1..1\\nok 1 - a # SKIP no docker\\n'", "no docker"),
        ("printf 'Ran 2 tests in 0.001s\\n\\nOK (skipped=2)\\n'", "no reason given"),
        ("echo 'test result: ok. 0 passed; 0 failed; 2 ignored; 0 measured'", "no reason given"),
        ("printf 'ok  \\tm/a\\t0.01s [no tests to run]\\n'", "there was no test to run"),
    ];
    for (script, reason) in rows {
        let sandbox = Sandbox::new();
        let called = sandbox.on_script(&["-n", "3"], script);
        called.exits_with(4).prints("Nothing was tested: every run was skipped");
        called.prints(&format!("3 runs skipped (not counted): {reason}"));
        assert_eq!(called.row("sh")[1..4], ["0", "0", "3"], "{script}");
        assert_eq!(sandbox.field("verdict"), ["skipped"; 3], "{script}");
        assert_eq!(sandbox.logs().len(), 1, "one log says why");
        sandbox.call(&["report", "-o", "store"]).exits_with(4);
    }
}

#[test]
fn skipped_runs_are_not_in_the_rate() {
    let sandbox = Sandbox::new();
    let script = "[ $((DSTEST_ITER % 2)) = 0 ] && exit 77; true";
    let called = sandbox.on_script(&["-n", "10", "--export-json", "out.json"], script);
    called.exits_with(0).prints("No failure in 5 runs: it fails in less than ");
    assert_eq!(called.row("sh")[1..4], ["0", "5", "5"]);
    let json = fs::read_to_string(sandbox.path().join("out.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["tests"][0]["total"], &json["tests"][0]["skipped"]), (&5.into(), &5.into()));
    // A skipped run is done.
    sandbox.call(&["resume", "-o", "store", "-n", "11"]).exits_with(0);
    assert_eq!(sandbox.events().len(), 11);
}

#[test]
fn output_that_means_skipped_can_be_named_and_hides_no_failure() {
    let sandbox = Sandbox::new();
    let script = "echo skipping: no docker; exit $((DSTEST_ITER % 2))";
    let called = sandbox.on_script(&["-n", "4", "--skip-regex", "^SKIPPING:"], script);
    called.exits_with(1).prints("2 runs skipped (not counted): skipping: no docker");
    assert_eq!(called.row("sh")[1..4], ["2", "2", "2"]);
    sandbox.on_script(&["--skip-regex", "("], "true").exits_with(2).warns("--skip-regex `(`");
    let both = ["-n", "1", "--skip-regex", "no docker", "--fail-regex", "skipping"];
    sandbox.on_script(&both, "echo skipping: no docker").exits_with(1);
}

#[test]
fn a_result_from_the_cache_of_go_test_is_refused_with_what_to_do() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_script(&["-n", "2"], "printf 'ok  \\tm/a\\t(cached)\\n'");
    called.exits_with(1).prints("go test took the result from its cache").prints("-count=1");
    assert_eq!(sandbox.field("verdict"), ["not-started"; 2]);
}

#[test]
fn a_rust_test_that_ignores_itself_is_skipped() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["skips_itself", "-n", "2"]);
    called.exits_with(4).prints("2 runs skipped (not counted): needs a network");
    assert_eq!(called.row("skips_itself")[1..4], ["0", "0", "2"]);
}
