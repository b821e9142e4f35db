//! Commands on stored campaigns: replay, report, resume, compare, prune, and exports.

use std::fs;
use std::process::Stdio;

use crate::support::{CallResult, Sandbox, wait_until};

/// A campaign of the fixture's flaky test, in which some runs fail.
fn flaky(sandbox: &Sandbox) -> CallResult {
    let called = sandbox.on_fixture(&["flaky", "-n", "8", "--seed", "7"]);
    called.exits_with(1);
    called
}

fn stored(sandbox: &Sandbox, command: &str, args: &[&str]) -> CallResult {
    let mut all = vec![command, "-o", "store"];
    all.extend(args);
    sandbox.call(&all)
}

#[test]
fn the_printed_replay_line_repeats_the_run() {
    let sandbox = Sandbox::new();
    let called = flaky(&sandbox);
    let line = called.stdout.lines().find_map(|line| line.trim().strip_prefix("replay")).unwrap();
    let replayed = sandbox.pasted(line.trim());
    replayed.exits_with(0).prints("same result as before, trace ").prints("an odd seed");
    let logs = fs::read_dir(sandbox.latest().join("replays/logs/flaky_2c")).unwrap().count();
    assert_eq!(logs, 3, "this run, twice, and one that passed beside it");
}

#[test]
fn a_silent_campaign_ends_with_a_full_log_of_each_kind_of_failure() {
    let sandbox = Sandbox::new();
    let script = "echo trace=00000000000000aa; [ -z \"$VERBOSE\" ] || echo every detail; echo error: x; exit 1";
    let called = sandbox.on_script(&["-n", "3", "-p", "1"], script);
    called.exits_with(1).prints("Full logs (VERBOSE=2)").prints("sh #1  store/runs/");
    let log = fs::read_to_string(sandbox.latest().join("replays/logs/sh/1.log")).unwrap();
    assert!(log.contains("every detail"), "{log}");
    assert_eq!(fs::read_dir(sandbox.latest().join("replays/logs/sh")).unwrap().count(), 1);
    let silent = fs::read_to_string(sandbox.latest().join("logs/sh/1.log")).unwrap();
    assert!(!silent.contains("every detail"));
    assert!(!called.stdout.contains("result differs"));
    let called = sandbox.on_script(&["-n", "1"], "echo error: no trace; exit 1");
    assert!(!called.exits_with(1).stdout.contains("Full logs"));
}

#[test]
fn a_replay_without_arguments_takes_the_first_failure_and_sets_verbose() {
    let sandbox = Sandbox::new();
    let script = "echo verbose=$VERBOSE; echo no luck in $DSTEST_ITER; exit $((DSTEST_ITER > 2))";
    sandbox.on_script(&["-n", "4", "-p", "1"], script).exits_with(1);
    stored(&sandbox, "replay", &["-vv"])
        .exits_with(0)
        .prints("sh #3")
        .prints("same result as before");
    let log = fs::read_to_string(sandbox.latest().join("replays/logs/sh/3.log")).unwrap();
    assert!(log.starts_with("verbose=2\n"), "{log}");
    let original = fs::read_to_string(sandbox.latest().join("logs/sh/3.log")).unwrap();
    assert!(original.starts_with("verbose=\n"), "the original log stays: {original}");
}

#[test]
fn a_replay_with_another_result_names_the_differences() {
    let rows = [
        ("[ -e again ] || { touch again; exit 1; }", "failed before, passed now"),
        (
            "[ -e again ] && echo error: two || { touch again; echo error: one; }; exit 1",
            "another failure before: error: one",
        ),
        (
            "[ -e again ] && echo trace=00000000000000bb || { touch again; echo trace=00000000000000aa; }; exit 1",
            "trace 00000000000000aa before, 00000000000000bb now",
        ),
    ];
    for (script, want) in rows {
        let sandbox = Sandbox::new();
        sandbox.on_script(&["-n", "1"], script).exits_with(1);
        stored(&sandbox, "replay", &["sh#1"]).exits_with(3).prints(want);
    }
}

#[test]
fn a_replay_that_passes_does_not_replace_the_log_of_the_failure() {
    let sandbox = Sandbox::new();
    let script =
        "[ -e again ] && { echo all is well; exit; }; touch again; echo error: lost; exit 1";
    sandbox.on_script(&["-n", "1"], script).exits_with(1);
    for number in ["1", "2"] {
        stored(&sandbox, "replay", &["sh#1"]).exits_with(3).prints("failed before, passed now");
        let shown = stored(&sandbox, "show", &[]);
        let words = format!("{number}: the result differs: failed before, passed now");
        shown.exits_with(0).prints("error: lost").prints(&words).prints("logs/sh/1.log");
        assert!(!shown.stdout.contains("all is well"), "{shown:#?}");
    }
    let kept = |path: &str| fs::read_to_string(sandbox.latest().join(path)).unwrap();
    assert_eq!(kept("logs/sh/1.log"), "error: lost\n");
    assert_eq!(kept("replays/logs/sh/1-2.log"), "all is well\n");
    // Another seed is another run.
    stored(&sandbox, "replay", &["sh", "--seed", "8"]).exits_with(0);
    assert!(!stored(&sandbox, "show", &[]).stdout.contains("3: "));
}

#[test]
fn a_replay_with_a_seed_of_ones_own() {
    let sandbox = Sandbox::new();
    flaky(&sandbox);
    stored(&sandbox, "replay", &["flaky_2c", "--seed", "8"]).exits_with(0).prints("seed 8, passed");
    stored(&sandbox, "replay", &["flaky_2c", "--seed", "9"]).exits_with(1).prints("an odd seed: 9");
    let printed = stored(&sandbox, "replay", &["flaky_2c", "--seed", "9", "--print"]);
    printed.exits_with(0).prints("DSTEST_SEED=9").prints("--exact flaky_2c --nocapture");
    let mut shell = std::process::Command::new("sh");
    let line = format!("{} 2>&1", printed.stdout.trim());
    crate::support::called(shell.args(["-c", &line])).exits_with(101).prints("an odd seed: 9");
}

#[test]
fn impossible_replays_name_the_reason() {
    let sandbox = Sandbox::new();
    stored(&sandbox, "replay", &[]).exits_with(2).warns("no stored campaign yet");
    sandbox.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    stored(&sandbox, "replay", &[]).exits_with(2).warns("no failed run in that campaign");
    stored(&sandbox, "replay", &["quick_2a#9"]).exits_with(2).warns("unknown run `quick_2a#9`");
    stored(&sandbox, "replay", &["zzzz", "quick_2a#1"])
        .exits_with(2)
        .warns("no stored campaign `zzzz`");
    fs::remove_dir_all(sandbox.path().join("store/bin")).unwrap();
    stored(&sandbox, "replay", &["quick_2a#1"]).exits_with(2).warns("is missing; cannot replay");
}

#[test]
fn a_command_that_is_no_longer_the_same_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write_program("t.sh", "#!/bin/sh\nexit 1\n");
    sandbox.call(&["-n", "1", "-o", "store", "--", "./t.sh"]).exits_with(1);
    assert_eq!(stored(&sandbox, "replay", &[]).exits_with(0).stderr, "");
    sandbox.write_program("t.sh", "#!/bin/sh\nexit 1 # as before\n");
    let replay = stored(&sandbox, "replay", &[]);
    replay.exits_with(0).warns("t.sh has changed since the campaign");
    fs::remove_file(sandbox.path().join("t.sh")).unwrap();
    stored(&sandbox, "replay", &[]).exits_with(2).warns("is missing; cannot replay");
}

#[test]
fn a_report_is_the_table_again() {
    let sandbox = Sandbox::new();
    let called = flaky(&sandbox);
    let report = stored(&sandbox, "report", &[]);
    report.exits_with(1);
    let table = |called: &CallResult| {
        called.stdout[called.stdout.find('┏').unwrap()..called.stdout.find("8 runs in").unwrap()]
            .to_owned()
    };
    assert_eq!(table(&report), table(&called));
    let exports = ["--export-junit", "j.xml", "--export-markdown", "m.md", "--export-csv", "c.csv"];
    stored(&sandbox, "report", &exports).exits_with(1);
    let read = |name: &str| fs::read_to_string(sandbox.path().join(name)).unwrap();
    assert!(read("j.xml").contains("<testcase classname=\"fixture::sim\" name=\"flaky_2c\""));
    assert!(read("m.md").starts_with("| Test | Failed | Total | Time |"), "{}", read("m.md"));
    assert!(read("c.csv").starts_with("test,key,failed,total,skipped,timed_out,flaky,mean_s,"));
    assert!(read("c.csv").contains("\r\nflaky_2c,"));
}

#[test]
fn a_campaign_that_was_killed_is_resumed_to_the_same_end() {
    let sandbox = Sandbox::new();
    // Later runs wait, so that it is killed in time on any machine.
    let script = "[ $DSTEST_ITER -le 20 ] || while [ ! -e go ]; do sleep 0.01; done; \
        exit $((DSTEST_SEED % 2))";
    let args = ["-n", "60", "-p", "2", "--seed", "7", "-o", "store", "--", "sh", "-c", script];
    let mut child =
        sandbox.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let events = || fs::read_to_string(sandbox.path().join("store/latest/events.jsonl"));
    wait_until("some runs are stored", || events().is_ok_and(|text| text.lines().count() > 10));
    child.kill().unwrap();
    child.wait().unwrap();
    let live = sandbox.latest().join("live");
    wait_until("the guard has ended what was running", || !live.exists());
    let before = sandbox.events().len();
    let report = |args: &[&str]| {
        let called = stored(&sandbox, "report", &[args, &["--export-json", "j.json"]].concat());
        let json = fs::read_to_string(sandbox.path().join("j.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let of = |key: &str| json[key].clone();
        (called, of("planned"), of("complete"), of("interrupted"), of("wall_s").as_f64().unwrap())
    };
    let (called, planned, complete, interrupted, wall_s) = report(&[]);
    called.prints(&format!("{before} of 60 runs in ")).prints("runs are missing; to run the rest:");
    assert_eq!((planned, complete, interrupted), (60.into(), false.into(), true.into()));
    fs::write(sandbox.path().join("go"), "").unwrap();
    let resumed = stored(&sandbox, "resume", &[]);
    resumed.exits_with(1).prints("done before").prints("\n60 runs in ");
    let (called, _, complete, interrupted, whole_s) = report(&[]);
    assert!(!called.stdout.contains("missing"), "{called:#?}");
    assert_eq!((complete, interrupted), (true.into(), false.into()));
    assert!(whole_s > wall_s, "both sessions took time: {whole_s} and {wall_s}");
    let whole = Sandbox::new();
    fs::write(whole.path().join("go"), "").unwrap();
    let called = whole.call(&args);
    assert_eq!(resumed.row("sh")[1..3], called.row("sh")[1..3]);
    let sorted = |sandbox: &Sandbox| {
        let mut iterations = sandbox.field("iter");
        iterations.sort();
        iterations
    };
    assert_eq!(sorted(&sandbox), sorted(&whole), "every run once");
}

#[test]
fn verification_notices_a_trace_that_depends_on_more_than_the_seed() {
    let sandbox = Sandbox::new();
    let deterministic = "printf 'trace=%016x\\n' $DSTEST_ITER";
    sandbox
        .on_script(&["-n", "6", "--verify"], deterministic)
        .exits_with(0)
        .prints("1 run repeated: all traces equal");
    let sandbox = Sandbox::new();
    let nondeterministic = "printf 'trace=%016x\\n' $$";
    sandbox
        .on_script(&["-n", "6", "--verify"], nondeterministic)
        .exits_with(3)
        .prints("not reproduced");
}

#[test]
fn shards_together_are_the_whole() {
    let sandbox = Sandbox::new();
    let mut iterations = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        sandbox.on_script(&["-n", "7", "--seed", "7", "--shard", shard], "true").exits_with(0);
        iterations.extend(sandbox.field("iter"));
    }
    iterations.sort();
    assert_eq!(iterations, ["1", "2", "3", "4", "5", "6", "7"]);
    sandbox.on_script(&["--shard", "4/3"], "true").exits_with(2).warns("write I/M");
}

#[test]
fn an_interrupted_shard_is_resumed_as_that_shard_and_keeps_what_was_to_be_kept() {
    let sandbox = Sandbox::new();
    let args = ["-n", "9", "--seed", "7", "--shard", "2/3", "-a", "--max-fail", "1", "-p", "1"];
    sandbox.on_script(&args, "[ -e go ]").exits_with(1);
    assert_eq!(sandbox.field("iter"), ["2"]);
    fs::write(sandbox.path().join("go"), "").unwrap();
    stored(&sandbox, "resume", &[]).exits_with(1);
    assert_eq!(sandbox.field("iter"), ["2", "5", "8"]);
    assert_eq!(sandbox.logs(), ["sh/2.log", "sh/5.log", "sh/8.log"]);
}

#[test]
fn a_campaign_of_an_older_version_is_read() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "2"], "true").exits_with(0);
    let path = sandbox.latest().join("campaign.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    for newer in ["shard", "archive", "cores"] {
        file.as_object_mut().unwrap().remove(newer);
    }
    fs::write(&path, file.to_string()).unwrap();
    stored(&sandbox, "report", &["-t"]).exits_with(0).prints("2 runs in");
    stored(&sandbox, "resume", &["-n", "3"]).exits_with(0);
}

#[test]
fn the_spread_of_times_is_shown_where_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_script(&["-n", "3", "--hist"], "true");
    assert!(called.exits_with(0).stdout.contains("┈┈┈"), "{called:#?}");
    let bars = |called: &CallResult| called.stdout.chars().any(|c| ('▁'..='█').contains(&c));
    assert!(bars(&called) && bars(&stored(&sandbox, "report", &["--hist"])));
    assert!(!bars(&stored(&sandbox, "report", &[])));
}

#[test]
fn pruning_keeps_the_newest_and_what_they_use() {
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        sandbox.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    }
    let newest = sandbox.latest();
    let dry = stored(&sandbox, "prune", &["--keep", "1", "--dry-run"]);
    dry.exits_with(0).prints("would remove 2 campaigns and 0 programs (");
    stored(&sandbox, "prune", &["--keep", "1"])
        .exits_with(0)
        .prints("removed 2 campaigns and 0 programs (")
        .prints("; kept 1 campaign (at most 1, 1.0 GiB, 30 days old)");
    assert_eq!(sandbox.latest(), newest);
    stored(&sandbox, "replay", &["quick_2a#1"]).exits_with(0);
    stored(&sandbox, "prune", &["--keep", "0"])
        .exits_with(0)
        .prints("removed 1 campaign and 1 program");
}
