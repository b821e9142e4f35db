//! `dstest merge`: shards and campaigns together are one campaign like any other.

use std::fs;

use crate::support::Sandbox;

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
    sandbox.call(&["merge", "-o", "store", "a"]).exits_with(2);
    sandbox.call(&["merge", "-o", "store", "a", "nowhere"]).exits_with(2).warns("nowhere");
}
