//! Failures made small, and situations that a campaign came into.

use std::fs;

use crate::support::{Called, Scene};

const CAN_SHRINK: &str = "[ -z \"$DSTEST_CASE\" ] || { cat \"$DSTEST_CASE\"; exit 0; }; \
    [ -z \"$DSTEST_SHRINK\" ] || { echo crash 2 of seed $DSTEST_SEED > \"$DSTEST_SHRINK\"; exit 0; }; \
    echo error: no leader; exit 1";

fn shrink(scene: &Scene, args: &[&str]) -> Called {
    let mut all = vec!["shrink", "-o", "store"];
    all.extend(args);
    scene.call(&all)
}

#[test]
fn a_test_that_can_shrinks_its_failure_into_a_file() {
    let scene = Scene::new();
    scene.on_script(&["-n", "3", "-p", "1", "--seed", "7"], CAN_SHRINK).exits_with(1);
    let seed = scene.field("seed")[1].clone();
    let called = shrink(&scene, &["#2"]);
    called.exits_with(0).says(&format!("crash 2 of seed {seed}")).says("shrunk to store/runs/");
    called.says("  play  DSTEST_CASE=store/runs/");
    let file = scene.latest().join(format!("shrunk/sh-{seed}.case"));
    assert_eq!(fs::read_to_string(file).unwrap(), format!("crash 2 of seed {seed}\n"));

    shrink(&scene, &["--to", "kept/split.case"]).exits_with(0).says("shrunk to kept/split.case");
    assert!(scene.path().join("kept/split.case").is_file());
}

#[test]
fn a_test_that_cannot_is_told_so() {
    let scene = Scene::new();
    scene.on_script(&["-n", "1"], "echo error: x; exit $((! DSTEST_ITER))").exits_with(0);
    shrink(&scene, &[]).exits_with(2).complains("no run of that campaign failed");
    scene.on_script(&["-n", "1"], "echo error: always; exit 1").exits_with(1);
    shrink(&scene, &[]).exits_with(1).says("not shrunk: error: always");
    let knows_nothing = "[ -z \"$DSTEST_SHRINK\" ] || exit 0; echo error: x; exit 1";
    scene.on_script(&["-n", "1"], knows_nothing).exits_with(1);
    shrink(&scene, &[]).exits_with(1).says("it does not know DSTEST_SHRINK");
}

#[test]
fn situations_are_counted_and_those_never_reached_are_named() {
    let scene = Scene::new();
    let script = "echo sometimes: truncation=$DSTEST_ITER torn=0; exit 0";
    let called = scene.on_script(&["-n", "3"], script);
    called.exits_with(0).says("Sometimes: 1 of 2 situations came about; never torn");
    assert!(!called.stdout.contains("Of 3 runs"), "{}", called.stdout);
    let report = scene.call(&["report", "-o", "store", "--metrics"]);
    report.exits_with(0).says("Of 3 runs").says("never torn");
    assert_eq!(report.row("truncation")[1..], ["3", "6"]);
    scene.on_script(&["-n", "1"], "echo nothing to say").exits_with(0);
    assert!(!scene.call(&["report", "-o", "store"]).stdout.contains("Sometimes"));
}
