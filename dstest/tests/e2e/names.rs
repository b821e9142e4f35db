//! Names: short ones on the screen, and keys that never change wherever results are kept.

use std::fs;

use crate::support::Sandbox;

#[test]
fn a_test_has_the_same_key_whatever_else_is_selected() {
    let sandbox = Sandbox::new();
    let keys = |patterns: &[&str]| {
        let mut args = patterns.to_vec();
        args.extend(["-n", "1", "--export-json", "out.json"]);
        let called = sandbox.on_fixture(&args);
        called.exits_with(0);
        let json = fs::read_to_string(sandbox.path().join("out.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let tests = json["tests"].as_array().unwrap().clone();
        let pair = |test: &serde_json::Value| {
            [&test["name"], &test["key"]].map(|text| text.as_str().unwrap().to_owned())
        };
        tests.iter().map(pair).collect::<Vec<_>>()
    };
    let library = ["tests::unit", "fixture$tests::unit"].map(ToOwned::to_owned);
    let nested = ["nested::unit", "fixture::sim$nested::unit"].map(ToOwned::to_owned);
    assert_eq!(keys(&["unit"]), [library, nested.clone()]);
    // Alone, it may have a shorter name on the screen.
    let alone = &keys(&["nested::unit"])[0];
    assert_eq!(alone[1], nested[1]);
    assert_eq!(sandbox.field("test"), [nested[1].as_str()]);
    // Each way to name it finds its run.
    for name in ["unit", "nested::unit", "sim::nested::unit", "fixture::sim$nested::unit"] {
        sandbox.call(&["replay", "-o", "store", &format!("{name}#1")]).exits_with(0);
    }
}

#[test]
fn a_case_keeps_the_name_of_its_function() {
    let sandbox = Sandbox::new();
    let called = sandbox.call(&["list", "parametrised", "--dir", FIXTURE, "-o", "store"]);
    called.exits_with(0);
    assert_eq!(called.stdout, "parametrised::case_1_small\nparametrised::large_numbers\n");
}

#[test]
fn a_name_may_look_like_an_option_or_have_braces() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["^-n$", "^--help$", "seed. of", "-n", "1", "--test", "odd"]);
    called.exits_with(1).prints("-n never passes").prints("--help never passes");
    called.prints("{seed} of {iter} never passes");
    let line = called.stdout.lines().find_map(|line| line.trim().strip_prefix("replay")).unwrap();
    sandbox.pasted(line.trim()).exits_with(0).prints("same result as before");
}

#[test]
fn a_campaign_of_a_version_without_keys_is_compared_and_replayed() {
    let sandbox = Sandbox::new();
    sandbox.on_fixture(&["unit", "-n", "2"]).exits_with(0);
    let old = sandbox.latest();
    let edit = |name: &str, change: &dyn Fn(&str) -> String| {
        let path = old.join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, change(&text)).unwrap();
    };
    edit("campaign.json", &|text| {
        let mut file: serde_json::Value = serde_json::from_str(text).unwrap();
        for test in file["tests"].as_array_mut().unwrap() {
            test.as_object_mut().unwrap().remove("key");
        }
        file["binaries"][0]["name"] = "fixture::fixture".into();
        file.to_string()
    });
    edit("events.jsonl", &|text| {
        text.replace("fixture$tests::unit", "tests::unit").replace("fixture::sim$nested", "nested")
    });
    sandbox.call(&["report", "-o", "store"]).exits_with(0).prints("No failure in 2 runs of each");
    sandbox.call(&["replay", "-o", "store", "tests::unit#1"]).exits_with(0);
    let old = old.file_name().unwrap().to_str().unwrap().to_owned();
    sandbox.on_fixture(&["unit", "-n", "2"]).exits_with(0);
    let compared = sandbox.call(&["compare", "-o", "store", &old]);
    assert!(!compared.exits_with(0).stdout.contains("not run before"), "{compared:#?}");
}

#[test]
fn rows_of_the_table_may_be_patterns() {
    let sandbox = Sandbox::new();
    let args = ["_2a", "unit|quick", "-n", "3", "--by-pattern", "--export-markdown", "m.md"];
    let called = sandbox.on_fixture(&args);
    called.exits_with(0).prints("4 tests × 3");
    // A test counts for the first pattern that matches it.
    assert_eq!(called.row("_2a")[1..3], ["0", "6"]);
    assert_eq!(called.row("unit|quick")[1..3], ["0", "6"]);
    let markdown = fs::read_to_string(sandbox.path().join("m.md")).unwrap();
    assert!(markdown.contains("| \\_2a | 0 | 6 |"), "{markdown}");
    let report = sandbox.call(&["report", "-o", "store", "--by-pattern"]);
    assert_eq!(report.exits_with(0).row("_2a")[1..3], ["0", "6"]);
    assert_eq!(sandbox.call(&["report", "-o", "store"]).row("quick_2a")[1..3], ["0", "3"]);
    sandbox.on_fixture(&["--by-pattern"]).exits_with(2).warns("--by-pattern needs a PATTERN");
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
