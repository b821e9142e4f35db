//! `dstest merge`: shards and campaigns together are one campaign like any other.

use std::fs;
use std::process::Command;

use crate::support::{Sandbox, called};

/// Runs a campaign of the fixture's flaky test into a store of its own.
fn campaign(sandbox: &Sandbox, store: &str, args: &[&str]) {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
    let mut all = vec!["flaky", "--dir", fixture, "-o", store, "-n", "12"];
    all.extend(args);
    let called = sandbox.call(&all);
    assert!(matches!(called.code, Some(0 | 1)), "{called:#?}");
}

/// The merged campaign's runs as test, iteration, seed and verdict, sorted.
fn runs(sandbox: &Sandbox) -> Vec<String> {
    let mut runs: Vec<String> = sandbox
        .events()
        .iter()
        .map(|run| format!("{:>3} {} {}", run["iter"], run["seed"], run["verdict"]))
        .collect();
    runs.sort();
    runs
}

#[test]
fn shards_merged_are_the_campaign_they_are_shares_of() {
    let sandbox = Sandbox::new();
    campaign(&sandbox, "store", &["--seed", "7"]);
    let whole = runs(&sandbox);
    for shard in ["1/2", "2/2"] {
        campaign(&sandbox, &format!("shard{}", &shard[..1]), &["--seed", "7", "--shard", shard]);
    }
    // The stores may have come from another machine.
    fs::rename(sandbox.path().join("shard2"), sandbox.path().join("moved")).unwrap();
    let called = sandbox.call(&["merge", "-o", "store", "shard1", "moved"]);
    called.exits_with(1);
    assert_eq!(called.row("flaky_2c")[2], "12");
    assert_eq!(runs(&sandbox), whole);
    let failed = whole.iter().filter(|run| run.contains("failed")).count();
    assert_eq!(sandbox.logs().len(), failed);
    assert!(sandbox.latest().join("summary.json").is_file());
    // Nothing of the shards is needed any more.
    for store in ["shard1", "moved"] {
        fs::remove_dir_all(sandbox.path().join(store)).unwrap();
    }
    sandbox.call(&["replay", "-o", "store"]).exits_with(0).prints("same result as before");
    sandbox.call(&["resume", "-o", "store", "-n", "13"]);
    assert_eq!(sandbox.events().len(), 13);
}

#[test]
fn campaigns_with_other_seeds_are_numbered_on_and_can_be_replayed() {
    let sandbox = Sandbox::new();
    campaign(&sandbox, "a", &["--seed", "7"]);
    campaign(&sandbox, "b", &["--seed", "8"]);
    let called = sandbox.call(&["merge", "-o", "store", "a", "b"]);
    assert_eq!(called.row("flaky_2c")[2], "24");
    let mut iterations = sandbox.field("iter");
    iterations.sort_by_key(|iteration| iteration.parse::<u32>().unwrap());
    assert_eq!(iterations, (1..=24).map(|n| n.to_string()).collect::<Vec<_>>());
    let events = sandbox.events();
    let is_late_failure = |event: &&serde_json::Value| {
        event["verdict"] == "failed" && event["iter"].as_u64().unwrap() > 12
    };
    let late = events.iter().find(is_late_failure).unwrap();
    assert!(sandbox.latest().join(late["log"].as_str().unwrap()).is_file());
    let run = format!("flaky_2c#{}", late["iter"]);
    sandbox.call(&["replay", "-o", "store", &run]).exits_with(0).prints("same result as before");
}

#[test]
fn a_run_that_is_in_several_campaigns_counts_once() {
    let sandbox = Sandbox::new();
    campaign(&sandbox, "a", &["--seed", "7"]);
    let called = sandbox.call(&["merge", "-o", "store", "a", "a"]);
    assert_eq!(called.row("flaky_2c")[2], "12");
    called.warns("12 runs left out");
}

#[test]
fn results_of_different_programs_are_not_merged() {
    let sandbox = Sandbox::new();
    for (store, script) in [("a", "exit 0"), ("b", "exit 1")] {
        sandbox.call(&["-n", "1", "-o", store, "--", "sh", "-c", script]);
    }
    let called = sandbox.call(&["merge", "-o", "store", "a", "b"]);
    called.exits_with(2).warns("sh is another program, or has other arguments, in ");
    assert!(!sandbox.path().join("store/latest").exists(), "nothing is left of it");
    sandbox.call(&["merge", "-o", "store", "a", "nowhere"]).exits_with(2).warns("nowhere");
}

/// Runs shards of a campaign of 60 runs that pass, each into a store of its own.
fn shards(sandbox: &Sandbox, shards: &[&str]) {
    for shard in shards {
        let store = format!("s{}", &shard[..1]);
        let args = ["-n", "60", "--seed", "7", "--shard", shard, "-o", &store, "--", "true"];
        sandbox.call(&args).exits_with(0).prints("20 runs in ");
    }
}

#[test]
fn a_missing_shard_is_named_everywhere_and_can_be_run_later() {
    let sandbox = Sandbox::new();
    shards(&sandbox, &["1/3", "3/3"]);
    let export =
        ["--export-json", "j.json", "--export-junit", "j.xml", "--export-markdown", "m.md"];
    let called = sandbox.call(&[&["merge", "-o", "store", "s1", "s3"][..], &export].concat());
    called.exits_with(5).warns("missing shard: 2/3").warns("--partial accepts it");
    called.prints("40 of 60 runs in ").prints("20 runs are missing; to run the rest: `");
    let read = |name: &str| fs::read_to_string(sandbox.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("j.json")).unwrap();
    assert_eq!((&json["planned"], &json["done"]), (&60.into(), &40.into()));
    assert_eq!((&json["complete"], &json["interrupted"]), (&false.into(), &false.into()));
    assert!(read("j.xml").contains("name=\"runs\" value=\"40 of 60 runs\""), "{}", read("j.xml"));
    assert!(read("j.xml").contains("name=\"complete\" value=\"false\""));
    assert!(read("m.md").contains("40 of 60 runs done; not complete"), "{}", read("m.md"));
    let partial = sandbox.call(&["merge", "--partial", "-o", "other", "s1", "s3"]);
    partial.exits_with(0).prints("40 of 60 runs");
    let resumed = sandbox.call(&["resume", "-o", "store"]);
    resumed.exits_with(0).prints("60 runs in ");
    assert!(!resumed.stdout.contains("missing"), "{resumed:#?}");
    let mut iterations = sandbox.field("iter");
    iterations.sort_by_key(|iteration| iteration.parse::<u32>().unwrap());
    assert_eq!(iterations, (1..=60).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn double_unfinished_and_foreign_shards_are_named() {
    let sandbox = Sandbox::new();
    shards(&sandbox, &["1/3", "2/3", "3/3"]);
    let merge = |stores: &[&str]| sandbox.call(&[&["merge", "-o", "store"][..], stores].concat());
    merge(&["s1", "s2", "s3"]).exits_with(0).prints("60 runs in ");
    merge(&["s1", "s1", "s2", "s3"]).exits_with(5).warns("double shard: 1/3 is in ");
    let foreign = ["-n", "60", "--seed", "8", "--shard", "2/3", "-o", "s8", "--", "true"];
    sandbox.call(&foreign).exits_with(0);
    merge(&["s1", "s8", "s3"])
        .exits_with(5)
        .warns("foreign shard: 2/3 (")
        .warns(") has seed 8, and ");
    let stopped = "[ -e go ] || exit 1";
    let args = ["-n", "9", "--seed", "7", "-p", "1", "--max-fail", "1"];
    for (shard, store) in [("1/2", "a"), ("2/2", "b")] {
        let more = ["--shard", shard, "-o", store, "--", "sh", "-c", stopped];
        sandbox.call(&[&args[..], &more].concat()).exits_with(1).prints("1 of ");
    }
    let called = merge(&["a", "b"]);
    called.exits_with(1).warns("unfinished shard: 1/2 (").warns(") has 1 of 5 runs");
    called.warns("has 1 of 4 runs").prints("2 of 9 runs in ");
}

#[test]
fn times_of_merged_campaigns_add_up() {
    let sandbox = Sandbox::new();
    for (seed, store) in [("7", "a"), ("8", "b")] {
        let args = ["-n", "4", "-p", "1", "--seed", seed, "-o", store, "--", "sleep", "0.1"];
        sandbox.call(&args).exits_with(0);
    }
    let export = ["merge", "-o", "store", "a", "b", "--export-json", "j.json"];
    sandbox.call(&export).exits_with(0).prints("8 runs in ");
    let json = fs::read_to_string(sandbox.path().join("j.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["wall_s"].as_f64().unwrap() >= 0.8, "{json:#}");
    assert_eq!(json["planned"], 8);
}

#[test]
fn a_merge_follows_no_link() {
    // The log, the directory of its test, that of all logs, the run's own files, and one of those.
    for place in ["logs/sh/1.log", "logs/sh", "logs", "logs/sh/1.dir", "logs/sh/1.dir/note"] {
        let sandbox = Sandbox::new();
        let script = "echo mine > $DSTEST_RUN_DIR/note; exit 1";
        sandbox.call(&["-n", "1", "-o", "a", "--", "sh", "-c", script]).exits_with(1);
        let secrets = sandbox.path().join("secrets");
        for file in ["1.log", "note", "sh/1.log"] {
            fs::create_dir_all(secrets.join(file).parent().unwrap()).unwrap();
            fs::write(secrets.join(file), "a key").unwrap();
        }
        let link = sandbox.path().join("a/latest").canonicalize().unwrap().join(place);
        let is_dir = link.is_dir();
        if is_dir { fs::remove_dir_all(&link) } else { fs::remove_file(&link) }.unwrap();
        let target = if is_dir { secrets.clone() } else { secrets.join("note") };
        std::os::unix::fs::symlink(target, &link).unwrap();
        let called = sandbox.call(&["merge", "-o", "store", "a"]);
        if place.ends_with("note") {
            // What a run has left may be a link of its own.
            called.exits_with(1);
            assert_eq!(fs::read_dir(sandbox.latest().join("logs/sh/1.dir")).unwrap().count(), 0);
        } else {
            called.exits_with(2).warns("it is a symbolic link, and dstest follows none in a store");
            assert!(!sandbox.path().join("store/latest").exists(), "{place}");
        }
        let found = crate::support::called(
            Command::new("grep").args(["-r", "a key", "store"]).current_dir(sandbox.path()),
        );
        assert_eq!(found.stdout, "", "{place}");
    }
}

#[test]
fn jobs_of_an_engine_find_their_shares_and_make_a_whole_campaign() {
    let sandbox = Sandbox::new();
    let stores: Vec<String> = (0..5).map(|task| format!("s{task}")).collect();
    for (task, store) in (0..5).zip(&stores) {
        let args = ["-n", "4", "--shard", "auto", "-o", store, "--", "true"];
        let mut command = sandbox.command(&args);
        command
            .env("SLURM_ARRAY_JOB_ID", "812")
            .env("SLURM_ARRAY_TASK_ID", (10 + 2 * task).to_string());
        for (name, value) in [("COUNT", "5"), ("MIN", "10"), ("MAX", "18"), ("STEP", "2")] {
            command.env(format!("SLURM_ARRAY_TASK_{name}"), value);
        }
        let called = called(&mut command);
        if task < 4 {
            called.exits_with(0).prints("1 run in ");
            called.warns(&format!("dstest: share {}/5 by Slurm (SLURM_ARRAY_TASK_ID=", task + 1));
            called.warns(" of all shares, by SLURM_ARRAY_JOB_ID=812");
        } else {
            // It has tested nothing, and so is not green, and has nothing to merge.
            called.exits_with(4).warns("share 5/5 is empty: -n 4 has no run for it");
        }
    }
    let stores = stores[..4].iter().map(String::as_str);
    let args: Vec<&str> = ["merge", "-o", "store"].into_iter().chain(stores).collect();
    sandbox.call(&args).exits_with(0).prints("4 runs in ");
    sandbox.call(&args[..6]).exits_with(5).warns("missing shard: 4/5");
    let alone = sandbox.call(&["--shard", "auto", "--", "true"]);
    alone.exits_with(2).warns("no job of an engine: none of SLURM_ARRAY_TASK_ID, ");
}
