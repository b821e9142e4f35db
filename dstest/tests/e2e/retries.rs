//! Runs that fail are repeated where `dstest.toml` says so. What passes only then is said as such.

use std::fs;

use crate::support::Sandbox;

/// A sandbox whose tests may have so many retries.
fn with_retries(retries: u32) -> Sandbox {
    let sandbox = Sandbox::new();
    let config = format!("[[test]]\nmatch = 'sh'\nretries = {retries}\n");
    fs::write(sandbox.path().join("dstest.toml"), config).unwrap();
    sandbox
}

/// Fails in its first attempt of each second run, with a log of its own.
const FLAKY: &str = "echo attempt $DSTEST_ATTEMPT of $DSTEST_SEED; \
    [ $((DSTEST_ITER % 2)) = 1 ] || [ $DSTEST_ATTEMPT -gt 1 ] || { echo error: no leader; exit 1; }";

#[test]
fn a_run_that_passes_when_repeated_is_flaky_everywhere() {
    let sandbox = with_retries(2);
    let exports = ["--export-json", "a.json", "--export-junit", "a.xml", "--export-csv", "a.csv"];
    let args = [&["-n", "4", "-p", "1", "--export-markdown", "a.md"], &exports[..]].concat();
    let called = sandbox.on_script(&args, FLAKY);
    called.exits_with(0).prints("FLAKY  sh #2  error: no leader (attempt 2 passed)");
    called.prints("2 flaky runs of one kind").prints("sh is flaky in 50.0 % of runs (2 of 4");
    called.prints("4 runs in ").prints(", 2 flaky; results in ");
    assert!(!called.stdout.contains("No failure"), "{}", called.stdout);
    assert_eq!(called.row("sh")[1..4], ["0", "4", "2"]);

    let read = |name: &str| fs::read_to_string(sandbox.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("a.json")).unwrap();
    let test = &json["tests"][0];
    assert_eq!((&test["failed"], &test["flaky"]), (&0.into(), &2.into()));
    assert_eq!(
        (&test["flaky_runs"][0]["iter"], &test["flaky_runs"][0]["attempts"]),
        (&2.into(), &2.into())
    );
    let junit = read("a.xml");
    assert!(junit.contains("failures=\"0\"") && junit.contains("<flakyFailure"), "{junit}");
    assert!(read("a.csv").contains("sh,sh,0,4,0,0,2,"), "{}", read("a.csv"));
    assert!(read("a.md").contains("flaky: error: no leader"), "{}", read("a.md"));

    // Both attempts have the same seed, and the one that failed is the evidence.
    let shown = sandbox.call(&["show", "sh#2", "-o", "store"]);
    shown.exits_with(0).prints("FLAKY sh#2").prints("FAILURE    error: no leader");
    shown.prints("ATTEMPTS   2: passed").prints("attempt 1 of ");
    let flaky = &sandbox.events()[1..];
    let flaky = flaky.iter().find(|run| run["verdict"] == "flaky").unwrap();
    assert_eq!(flaky["retries"][0]["verdict"], "passed");
    sandbox.call(&["report", "-o", "store"]).exits_with(0).prints("2 flaky runs of one kind");
}

#[test]
fn each_attempt_of_a_run_that_never_passes_is_kept() {
    let sandbox = with_retries(2);
    let script = "echo attempt $DSTEST_ATTEMPT; echo error: no leader; exit 1";
    let called = sandbox.on_script(&["-n", "1", "--export-json", "-"], script);
    called.exits_with(1);
    assert!(called.stderr.contains("error: no leader (3 attempts)"), "{}", called.stderr);
    let json: serde_json::Value = serde_json::from_str(&called.stdout).unwrap();
    assert_eq!(json["tests"][0]["failures"][0]["attempts"], 3);
    let logs = sandbox.logs();
    assert_eq!(logs.len(), 3, "{logs:?}");
    sandbox.call(&["show", "-o", "store"]).prints("3: failed: error: no leader   logs/sh/1-3.log");
    // A replay shows the result of one attempt.
    sandbox.call(&["replay", "-o", "store"]).exits_with(0).prints("same result as before");
    let merged = sandbox.call(&["merge", "store", "store", "-o", "both", "--partial"]);
    merged.exits_with(1);
}

#[test]
fn without_retries_a_failure_is_a_failure() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "2"], FLAKY).exits_with(1);
    assert_eq!(sandbox.field("verdict").len(), 2);
    let sandbox = with_retries(5);
    let slow = "[ $DSTEST_ATTEMPT = 3 ] && exit 77; exit 1";
    sandbox.on_script(&["-n", "1"], slow).exits_with(1).prints("1 failure:");
}
