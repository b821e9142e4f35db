//! Commands on stored campaigns: replay, report, resume, compare, prune, and exports.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::{Called, Scene, wait_until};

/// A campaign of the fixture's flaky test, in which some runs fail.
fn flaky(scene: &Scene) -> Called {
    let called = scene.on_fixture(&["flaky", "-n", "8", "--seed", "7"]);
    called.exits_with(1);
    called
}

fn stored(scene: &Scene, command: &str, args: &[&str]) -> Called {
    let mut all = vec![command, "-o", "store"];
    all.extend(args);
    scene.call(&all)
}

#[test]
fn the_printed_replay_line_repeats_the_run() {
    let scene = Scene::new();
    let called = flaky(&scene);
    let line = called.stdout.lines().find_map(|line| line.trim().strip_prefix("replay")).unwrap();
    let mut shell = std::process::Command::new("sh");
    let replayed =
        crate::support::called(shell.args(["-c", line.trim()]).current_dir(scene.path()));
    replayed.exits_with(0).says("the same as before, trace ").says("an odd seed");
    let logs = fs::read_dir(scene.latest().join("replays/logs/flaky_2c")).unwrap().count();
    assert_eq!(logs, 2, "this run, and one that passed beside it");
}

#[test]
fn a_silent_campaign_ends_with_a_full_log_of_each_kind_of_failure() {
    let scene = Scene::new();
    let script = "echo trace=00000000000000aa; [ -z \"$VERBOSE\" ] || echo every detail; echo error: x; exit 1";
    let called = scene.on_script(&["-n", "3", "-p", "1"], script);
    called.exits_with(1).says("Full logs (VERBOSE=2)").says("sh #1  store/runs/");
    let log = fs::read_to_string(scene.latest().join("replays/logs/sh/1.log")).unwrap();
    assert!(log.contains("every detail"), "{log}");
    assert_eq!(fs::read_dir(scene.latest().join("replays/logs/sh")).unwrap().count(), 1);
    let silent = fs::read_to_string(scene.latest().join("logs/sh/1.log")).unwrap();
    assert!(!silent.contains("every detail"));
    assert!(!called.stdout.contains("went differently"));
    let called = scene.on_script(&["-n", "1"], "echo error: no trace; exit 1");
    assert!(!called.exits_with(1).stdout.contains("Full logs"));
}

#[test]
fn a_replay_without_a_word_takes_the_first_failure_and_verbose_is_on() {
    let scene = Scene::new();
    let script = "echo verbose=$VERBOSE; echo no luck in $DSTEST_ITER; exit $((DSTEST_ITER > 2))";
    scene.on_script(&["-n", "4", "-p", "1"], script).exits_with(1);
    stored(&scene, "replay", &["-vv"]).exits_with(0).says("sh #3").says("the same as before");
    let log = fs::read_to_string(scene.latest().join("replays/logs/sh/3.log")).unwrap();
    assert!(log.starts_with("verbose=2\n"), "{log}");
    let original = fs::read_to_string(scene.latest().join("logs/sh/3.log")).unwrap();
    assert!(original.starts_with("verbose=\n"), "the original log stays: {original}");
}

#[test]
fn a_replay_that_goes_differently_says_how() {
    let rows = [
        ("[ -e again ] || { touch again; exit 1; }", "it failed before and passed now"),
        (
            "[ -e again ] && echo error: two || { touch again; echo error: one; }; exit 1",
            "in another way before: error: one",
        ),
        (
            "[ -e again ] && echo trace=00000000000000bb || { touch again; echo trace=00000000000000aa; }; exit 1",
            "its trace was 00000000000000aa and is 00000000000000bb",
        ),
    ];
    for (script, want) in rows {
        let scene = Scene::new();
        scene.on_script(&["-n", "1"], script).exits_with(1);
        stored(&scene, "replay", &["sh#1"]).exits_with(3).says(want);
    }
}

#[test]
fn a_replay_with_a_seed_of_ones_own() {
    let scene = Scene::new();
    flaky(&scene);
    stored(&scene, "replay", &["flaky_2c", "--seed", "8"]).exits_with(0).says("seed 8, passed");
    stored(&scene, "replay", &["flaky_2c", "--seed", "9"]).exits_with(1).says("an odd seed: 9");
    let printed = stored(&scene, "replay", &["flaky_2c", "--seed", "9", "--print"]);
    printed.exits_with(0).says("DSTEST_SEED=9").says("--exact flaky_2c --nocapture");
    let mut shell = std::process::Command::new("sh");
    let line = format!("{} 2>&1", printed.stdout.trim());
    crate::support::called(shell.args(["-c", &line])).exits_with(101).says("an odd seed: 9");
}

#[test]
fn what_cannot_be_replayed_is_named() {
    let scene = Scene::new();
    stored(&scene, "replay", &[]).exits_with(2).complains("no stored run yet");
    scene.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    stored(&scene, "replay", &[]).exits_with(2).complains("no run of that campaign failed");
    stored(&scene, "replay", &["quick_2a#9"]).exits_with(2).complains("`quick_2a#9` is no run");
    stored(&scene, "replay", &["zzzz", "quick_2a#1"])
        .exits_with(2)
        .complains("no stored run `zzzz`");
    fs::remove_dir_all(scene.path().join("store/bin")).unwrap();
    stored(&scene, "replay", &["quick_2a#1"]).exits_with(2).complains("is gone");
}

#[test]
fn a_command_that_is_no_longer_the_same_is_named() {
    let scene = Scene::new();
    let write = |text: &str| {
        fs::write(scene.path().join("t.sh"), text).unwrap();
        fs::set_permissions(scene.path().join("t.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    write("#!/bin/sh\nexit 1\n");
    scene.call(&["-n", "1", "-o", "store", "--", "./t.sh"]).exits_with(1);
    assert_eq!(stored(&scene, "replay", &[]).exits_with(0).stderr, "");
    write("#!/bin/sh\nexit 1 # as before\n");
    let replay = stored(&scene, "replay", &[]);
    replay.exits_with(0).complains("t.sh has changed since the campaign");
    fs::remove_file(scene.path().join("t.sh")).unwrap();
    stored(&scene, "replay", &[]).exits_with(2).complains("is gone");
}

#[test]
fn a_report_is_the_table_again() {
    let scene = Scene::new();
    let called = flaky(&scene);
    let report = stored(&scene, "report", &[]);
    report.exits_with(1);
    let table = |called: &Called| {
        called.stdout[called.stdout.find('┏').unwrap()..called.stdout.find("8 runs in").unwrap()]
            .to_owned()
    };
    assert_eq!(table(&report), table(&called));
    let exports = ["--export-junit", "j.xml", "--export-markdown", "m.md", "--export-csv", "c.csv"];
    stored(&scene, "report", &exports).exits_with(1);
    let read = |name: &str| fs::read_to_string(scene.path().join(name)).unwrap();
    assert!(read("j.xml").contains("<testsuite name=\"flaky_2c\""));
    assert!(read("m.md").starts_with("| Test | Failed | Total | Time (ms) |"), "{}", read("m.md"));
    assert!(read("c.csv").starts_with("Test,Failed,Total,Time (ms)\r\nflaky_2c,"));
}

#[test]
fn a_campaign_that_was_killed_is_resumed_to_the_same_end() {
    let scene = Scene::new();
    let script = "sleep 0.01; exit $((DSTEST_SEED % 2))";
    let args = ["-n", "60", "-p", "2", "--seed", "7", "-o", "store", "--", "sh", "-c", script];
    let mut child =
        scene.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let events = || fs::read_to_string(scene.path().join("store/latest/events.jsonl"));
    wait_until("some runs are stored", || events().is_ok_and(|text| text.lines().count() > 10));
    child.kill().unwrap();
    child.wait().unwrap();
    let before = scene.events().len();
    let resumed = stored(&scene, "resume", &[]);
    resumed.exits_with(1).says("done before");
    assert!(before < 60, "it was killed in time");
    let whole = Scene::new();
    let called = whole.call(&args);
    assert_eq!(resumed.row("sh")[1..3], called.row("sh")[1..3]);
    let sorted = |scene: &Scene| {
        let mut iterations = scene.field("iter");
        iterations.sort();
        iterations
    };
    assert_eq!(sorted(&scene), sorted(&whole), "every run once");
}

#[test]
fn verification_notices_a_trace_that_depends_on_more_than_the_seed() {
    let scene = Scene::new();
    let honest = "printf 'trace=%016x\\n' $DSTEST_ITER";
    scene
        .on_script(&["-n", "6", "--verify"], honest)
        .exits_with(0)
        .says("1 run again: every trace is the same");
    let scene = Scene::new();
    let dishonest = "printf 'trace=%016x\\n' $$";
    scene.on_script(&["-n", "6", "--verify"], dishonest).exits_with(3).says("not the same");
}

#[test]
fn shards_together_are_the_whole() {
    let scene = Scene::new();
    let mut iterations = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        scene.on_script(&["-n", "7", "--shard", shard], "true").exits_with(0);
        iterations.extend(scene.field("iter"));
    }
    iterations.sort();
    assert_eq!(iterations, ["1", "2", "3", "4", "5", "6", "7"]);
    scene.on_script(&["--shard", "4/3"], "true").exits_with(2).complains("write I/M");
}

#[test]
fn an_interrupted_shard_is_resumed_as_that_shard_and_keeps_what_was_to_be_kept() {
    let scene = Scene::new();
    let args = ["-n", "9", "--shard", "2/3", "-a", "--max-fail", "1", "-p", "1"];
    scene.on_script(&args, "[ -e go ]").exits_with(1);
    assert_eq!(scene.field("iter"), ["2"]);
    fs::write(scene.path().join("go"), "").unwrap();
    stored(&scene, "resume", &[]).exits_with(1);
    assert_eq!(scene.field("iter"), ["2", "5", "8"]);
    assert_eq!(scene.logs(), ["sh/2.log", "sh/5.log", "sh/8.log"]);
}

#[test]
fn a_campaign_of_an_older_version_is_read() {
    let scene = Scene::new();
    scene.on_script(&["-n", "2"], "true").exits_with(0);
    let path = scene.latest().join("campaign.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    for newer in ["shard", "archive", "cores"] {
        file.as_object_mut().unwrap().remove(newer);
    }
    fs::write(&path, file.to_string()).unwrap();
    stored(&scene, "report", &["-t"]).exits_with(0).says("2 runs in");
    stored(&scene, "resume", &["-n", "3"]).exits_with(0);
}

#[test]
fn the_spread_of_times_is_shown_where_it_is_asked_for() {
    let scene = Scene::new();
    let called = scene.on_script(&["-n", "3", "--hist"], "true");
    assert!(called.exits_with(0).stdout.contains("┈┈┈"), "{called:#?}");
    let bars = |called: &Called| called.stdout.chars().any(|c| ('▁'..='█').contains(&c));
    assert!(bars(&called) && bars(&stored(&scene, "report", &["--hist"])));
    assert!(!bars(&stored(&scene, "report", &[])));
}

#[test]
fn a_comparison_tells_chance_from_change() {
    let scene = Scene::new();
    let run = |script: &str| {
        scene.on_script(&["-n", "30"], script);
        scene.latest().file_name().unwrap().to_string_lossy().into_owned()
    };
    let good = run("true");
    let bad = run("exit $((DSTEST_ITER % 2))");
    stored(&scene, "compare", &[&good, &bad]).exits_with(0).says("fails more often (p < 0.001)");
    stored(&scene, "compare", &[&bad, &good]).exits_with(0).says("fails less often (p < 0.001)");
}

#[test]
fn pruning_keeps_the_newest_and_what_they_use() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    }
    let newest = scene.latest();
    let dry = stored(&scene, "prune", &["--keep", "1", "--dry-run"]);
    dry.exits_with(0).says("would remove 2 campaigns and 0 programs (");
    stored(&scene, "prune", &["--keep", "1"])
        .exits_with(0)
        .says("removed 2 campaigns and 0 programs (")
        .says("; kept 1 campaign (at most 1, 1.0 GiB, 30 days old)");
    assert_eq!(scene.latest(), newest);
    stored(&scene, "replay", &["quick_2a#1"]).exits_with(0);
    stored(&scene, "prune", &["--keep", "0"])
        .exits_with(0)
        .says("removed 1 campaign and 1 program");
}
