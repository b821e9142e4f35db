//! The Go adapter: build once, list, select, run as `go test` would, and dump the stacks of a
//! hanging test.
//!
//! Without `go` these tests print a note and check nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{CallResult, Sandbox, skip, with_enough_time};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/go_fixture");

/// `true` with a Go toolchain; prints a note without one.
fn has_go(test: &str) -> bool {
    let found = Command::new("go").arg("version").output().is_ok_and(|said| said.status.success());
    if !found {
        skip(test, "there is no `go` here");
    }
    found
}

/// Calls dstest on a copy of the fixture module; the store stays in the sandbox.
fn on_module(sandbox: &Sandbox, args: &[&str]) -> CallResult {
    let module = sandbox.path().join("module");
    if !module.exists() {
        copy(Path::new(FIXTURE), &module);
    }
    let mut all = vec!["-o", "store", "--dir", "module"];
    all.extend(args);
    sandbox.call(&all)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

#[test]
fn a_go_package_is_built_once_and_its_tests_run_each_alone() {
    if !has_go("a_go_package_is_built_once_and_its_tests_run_each_alone") {
        return;
    }
    let sandbox = Sandbox::new();
    let called =
        on_module(&sandbox, &["Passes2A$", "directory", "Example", "-n", "3", "--metrics"]);
    called.exits_with(0).prints("3 tests × 3").prints("No failure in 3 runs of each test");
    assert_eq!(called.row("TestPasses2A")[1..3], ["0", "3"]);
    assert_eq!(called.row("TestPasses2A")[4..], ["3.50 ± 0.00 s", "104", "2048", "7"]);
    assert_eq!(called.row("ExampleAdd")[1..3], ["0", "3"]);
}

#[test]
fn each_way_to_fail_has_its_reason() {
    if !has_go("each_way_to_fail_has_its_reason") {
        return;
    }
    let sandbox = Sandbox::new();
    let names = ["Fails2B", "Panics", "ExitsEarly"];
    let called = on_module(&sandbox, &[&["-n", "2"][..], &names].concat());
    called.exits_with(1).prints("no agreement in term 4");
    called
        .prints("panic: runtime error: index out of range ")
        .prints(" with length 0 (fixture_test.go:");
    called.prints("fixture_test.go:");
    called.prints("unexpected call to os.Exit(0)");
    for name in names {
        assert_eq!(called.row(&format!("Test{name}"))[1..3], ["2", "2"], "{name}");
    }
}

#[test]
fn a_go_test_that_hangs_leaves_the_stacks_of_its_goroutines() {
    if !has_go("a_go_test_that_hangs_leaves_the_stacks_of_its_goroutines") {
        return;
    }
    let sandbox = Sandbox::new();
    with_enough_time(|time| {
        let called = on_module(&sandbox, &["Hangs", "-n", "1", "-T", time, "--grace", "60"]);
        called.exits_with(1).prints(&format!("timed out after {time} s"));
        let log = fs::read_to_string(sandbox.latest().join("logs/TestHangs2D/1.log")).unwrap();
        let has_begun = log.contains("SIGQUIT: quit") && log.contains("fixture.TestHangs2D");
        if has_begun {
            called.prints(" in fixture.TestHangs2D (fixture_test.go:");
        }
        has_begun
    });
}

#[test]
fn one_seed_fails_the_same_way_again_although_the_sources_are_gone() {
    if !has_go("one_seed_fails_the_same_way_again_although_the_sources_are_gone") {
        return;
    }
    let sandbox = Sandbox::new();
    on_module(&sandbox, &["Flaky", "-n", "8", "--seed", "7"]).exits_with(1).prints("an odd seed");
    fs::remove_file(sandbox.path().join("module/fixture_test.go")).unwrap();
    sandbox.call(&["replay", "-o", "store"]).exits_with(0).prints("same result as before");
}

#[test]
fn a_build_error_of_go_is_not_a_test_failure() {
    if !has_go("a_build_error_of_go_is_not_a_test_failure") {
        return;
    }
    let sandbox = Sandbox::new();
    copy(Path::new(FIXTURE), &sandbox.path().join("module"));
    let broken = "package fixture\nvar x int = \"y\"\n";
    fs::write(sandbox.path().join("module/broken_test.go"), broken).unwrap();
    let called = on_module(&sandbox, &["-n", "3"]);
    called.exits_with(101).warns("broken_test.go:2").warns("the build failed");
    assert!(!sandbox.path().join("store").exists(), "nothing was run");
}

#[test]
fn several_packages_have_distinct_names_and_those_without_tests_are_skipped() {
    if !has_go("several_packages_have_distinct_names_and_those_without_tests_are_skipped") {
        return;
    }
    let sandbox = Sandbox::new();
    let list = |args: &[&str]| {
        let called = sandbox.call(&[&["list", "--dir", FIXTURE][..], args].concat());
        called.exits_with(0);
        called.stdout
    };
    let both = list(&["--go=./...", "Passes2A$"]);
    assert_eq!(
        both,
        "example.org/fixture::TestPasses2A\nexample.org/fixture/other::TestPasses2A\n"
    );
    assert_eq!(list(&["Passes2A"]), "TestPasses2A\nTestPasses2AToo\n");
    assert!(!list(&[]).contains("Benchmark"));
    sandbox.call(&["list", "--dir", FIXTURE, "3X"]).exits_with(4);
}

#[test]
fn the_race_detector_finds_a_race_and_says_where() {
    // The detector needs cgo, and that a C compiler.
    let has_cc = Command::new("cc").arg("--version").output().is_ok();
    if !has_go("the_race_detector_finds_a_race_and_says_where") || !has_cc {
        return;
    }
    let sandbox = Sandbox::new();
    let called = on_module(&sandbox, &["Races", "-r", "-n", "1"]);
    called
        .exits_with(1)
        .prints("DATA RACE in example.org/fixture.TestRaces.func1() (fixture_test.go:");
    sandbox.on_fixture(&["-r"]).exits_with(2).warns("--race needs a Go package");
}
