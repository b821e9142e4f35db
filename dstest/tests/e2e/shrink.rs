//! Shrinking of failures, and coverage of situations.

use std::fs;

use crate::support::{CallResult, Sandbox, called};

const CAN_SHRINK: &str = "[ -z \"$DSTEST_CASE\" ] || { cat \"$DSTEST_CASE\"; exit; }; \
    [ -z \"$DSTEST_SHRINK\" ] || { echo crash 2 of seed $DSTEST_SEED > \"$DSTEST_SHRINK\"; exit 0; }; \
    echo error: no leader; exit 1";

fn shrink(sandbox: &Sandbox, args: &[&str]) -> CallResult {
    let mut all = vec!["shrink", "-o", "store"];
    all.extend(args);
    sandbox.call(&all)
}

#[test]
fn a_test_that_can_shrinks_its_failure_into_a_file() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "3", "-p", "1", "--seed", "7"], CAN_SHRINK).exits_with(1);
    let seed = sandbox.field("seed")[1].clone();
    let called = shrink(&sandbox, &["#2"]);
    called.exits_with(0).prints(&format!("crash 2 of seed {seed}")).prints("shrunk to store/runs/");
    called.prints("  play  DSTEST_CASE=store/runs/");
    let file = sandbox.latest().join(format!("shrunk/sh-{seed}.case"));
    assert_eq!(fs::read_to_string(file).unwrap(), format!("crash 2 of seed {seed}\n"));

    shrink(&sandbox, &["--to", "kept/split.case"])
        .exits_with(0)
        .prints("shrunk to kept/split.case");
    assert!(sandbox.path().join("kept/split.case").is_file());
}

#[test]
fn a_case_is_found_from_the_directory_where_dstest_is_called() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], CAN_SHRINK).exits_with(1);
    let shrunk = shrink(&sandbox, &["--to", "kept.case"]);
    let play = shrunk.stdout.lines().find_map(|line| line.trim().strip_prefix("play  ")).unwrap();
    sandbox.pasted(play).exits_with(3).prints("failed before, passed now");
    let log = fs::read_to_string(sandbox.latest().join("replays/logs/sh/1.log")).unwrap();
    assert!(log.starts_with("crash 2 of seed"), "{log}");
    // In a directory of its own, as tests of a package run.
    fs::create_dir(sandbox.path().join("package")).unwrap();
    let args = ["--dir", "package", "-n", "1", "-o", "store", "--", "sh", "-c", CAN_SHRINK];
    let fresh = |case: &str| called(sandbox.command(&args).env("DSTEST_CASE", case));
    fresh("kept.case").exits_with(0);
    fresh("gone.case").exits_with(2).warns("DSTEST_CASE names a file that does not exist: ");
    let replayed = sandbox.call(&["replay", "-o", "store", "sh#1"]);
    replayed.exits_with(0).prints("same result as before");
}

#[test]
fn a_test_that_cannot_shrink_is_reported() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "echo error: x; exit $((! DSTEST_ITER))").exits_with(0);
    shrink(&sandbox, &[]).exits_with(2).warns("no failed run in that campaign");
    sandbox.on_script(&["-n", "1"], "echo error: always; exit 1").exits_with(1);
    shrink(&sandbox, &[]).exits_with(1).prints("not shrunk: error: always");
    let no_support = "[ -z \"$DSTEST_SHRINK\" ] || exit 0; echo error: x; exit 1";
    sandbox.on_script(&["-n", "1"], no_support).exits_with(1);
    shrink(&sandbox, &[]).exits_with(1).prints("it does not support DSTEST_SHRINK");
}

#[test]
fn situations_are_counted_and_those_never_reached_are_named() {
    let sandbox = Sandbox::new();
    let script = "echo sometimes: truncation=$DSTEST_ITER torn=0; exit 0";
    let called = sandbox.on_script(&["-n", "3"], script);
    called.exits_with(0).prints("Sometimes: 1 of 2 situations reached; never: torn");
    assert!(!called.stdout.contains("Of 3 runs"), "{}", called.stdout);
    let report = sandbox.call(&["report", "-o", "store", "--metrics"]);
    report.exits_with(0).prints("Of 3 runs").prints("never: torn");
    assert_eq!(report.row("truncation")[1..], ["3", "6"]);
    sandbox.on_script(&["-n", "1"], "echo nothing to say").exits_with(0);
    assert!(!sandbox.call(&["report", "-o", "store"]).stdout.contains("Sometimes"));
}
