//! Summaries of harnesses, each as it is printed.

use super::*;

/// The report of these lines.
pub(in crate::record) fn report(log: &str) -> HarnessReport {
    let mut report = HarnessReport::default();
    log.lines().for_each(|line| report.line(line.as_bytes()));
    report
}

#[test]
fn one_test_of_rust() {
    let rows = [
        ("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured", Some(Reported::Passed)),
        ("x test result: ok. 1 passed; 0 failed; 0 ignored", Some(Reported::Passed)),
        ("test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured", Some(Reported::Skipped)),
        ("test result: ok. 0 passed; 0 failed; 0 ignored", Some(Reported::NothingRan)),
        ("test a ... ok", None),
    ];
    for (log, want) in rows {
        assert_eq!(report(log).libtest(), want, "{log}");
    }
    let ignored = report(
        "test a ... ignored, needs a network\ntest result: ok. 0 passed; 0 failed; 1 ignored",
    );
    assert_eq!(ignored.reason(), Some("needs a network"));
}

#[test]
fn one_test_of_go() {
    let rows = [
        ("--- PASS: TestA (0.00s)\nPASS", Some(Reported::Passed)),
        ("output--- SKIP: TestA (0.00s)\nPASS", Some(Reported::Skipped)),
        ("--- PASS: TestA (0.00s)\n    --- SKIP: TestA/b (0.00s)\nPASS", Some(Reported::Passed)),
        ("    --- SKIP: TestA/b (0.00s)\n--- PASS: TestA (0.00s)", Some(Reported::Passed)),
        ("testing: warning: no tests to run\nPASS", Some(Reported::NothingRan)),
        ("PASS", Some(Reported::Passed)),
        ("=== RUN   TestA", None),
    ];
    for (log, want) in rows {
        assert_eq!(report(log).go(), want, "{log}");
    }
}

#[test]
fn commands_in_the_words_of_their_harness() {
    use Reported::{NothingRan, Passed, Skipped};
    let rows = [
        ("=== 3 skipped in 0.01s ===", Some(Skipped)),
        ("==== 1 passed, 2 skipped, 1 warning in 61.20s (0:01:01) ====", Some(Passed)),
        ("3 skipped in 0.01s", Some(Skipped)),
        ("no tests ran in 0.01s", Some(NothingRan)),
        ("=== no tests ran in 0.01s ===", Some(NothingRan)),
        ("2 rabbits in 1s", None),
        ("1..2\nok 1 - a # SKIP no docker\nok 2 # skip", Some(Skipped)),
        ("ok 1 - a # SKIP no docker\nok 2 - b\n1..2", Some(Passed)),
        ("1..0 # SKIP no docker", Some(NothingRan)),
        ("ok 1 - a # SKIP but no plan", None),
        ("okay\nnot ok, but no plan", None),
        ("Result: NOTESTS", Some(NothingRan)),
        ("Ran 3 tests in 0.001s\n\nOK (skipped=3)", Some(Skipped)),
        ("Ran 3 tests in 0.001s\n\nOK (skipped=2)", Some(Passed)),
        ("Ran 0 tests in 0.000s\n\nNO TESTS RAN", Some(NothingRan)),
        ("[  PASSED  ] 0 tests.\n[  SKIPPED ] 2 tests, listed below:", Some(Skipped)),
        ("[  PASSED  ] 1 test.\n[  SKIPPED ] 2 tests, listed below:", Some(Passed)),
        ("[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 3", Some(Skipped)),
        ("Tests run: 3, Failures: 0, Errors: 0, Skipped: 1", Some(Passed)),
        ("ok  \texample.com/a\t0.01s", Some(Passed)),
        ("ok  \texample.com/a\t0.01s [no tests to run]", Some(NothingRan)),
        ("--- SKIP: TestA (0.00s)\nPASS\nok  \texample.com/a\t0.01s", Some(Skipped)),
        ("test result: ok. 0 passed; 0 failed; 2 ignored", Some(Skipped)),
        ("     Summary [   0.004s] 0 tests run: 0 passed, 3 skipped", Some(NothingRan)),
        ("     Summary [   0.004s] 1 test run: 1 passed, 3 skipped", Some(Passed)),
        ("SumTest > adds() SKIPPED", Some(Skipped)),
        ("SumTest > adds() SKIPPED\nSumTest > reads() PASSED", Some(Passed)),
        // A subtest is its parent's.
        ("1..1\n# Subtest: a\n    1..0 # SKIP no docker\nok 1 - a", Some(Passed)),
        ("    ok 1 - inner # SKIP no docker\n    1..1\nok 1 - outer # SKIP\n1..1", Some(Skipped)),
        ("Ran \u{1b}[1;36m3\u{1b}[0m tests.\n\n\u{1b}[1;32mOK\u{1b}[0m (skipped=2)", Some(Passed)),
        ("anything else", None),
    ];
    for (log, want) in rows {
        assert_eq!(report(log).command(), want, "{log}");
    }
    let reasons = [
        "1..1\nok 1 - a # SKIP no docker",
        "=== RUN   TestA\n    a_test.go:4: no docker\n--- SKIP: TestA (0.00s)\nPASS",
        "SKIPPED [2] test_a.py:3: no docker\n2 skipped in 0.01s",
        "test_a.py::test_s SKIPPED (no docker)                              [ 50%]",
        "test_skip (ut.T.test_skip) ... skipped 'no docker'",
        "t/a.t .. skipped: no docker",
        "[ RUN      ] Sum.Skip\ncc/g.cc:9: Skipped\nno docker\n[  SKIPPED ] Sum.Skip (0 ms)",
    ];
    for log in reasons {
        assert_eq!(report(log).reason(), Some("no docker"), "{log}");
    }
}

#[test]
fn a_result_from_a_cache_is_noticed() {
    let rows = [
        ("ok  \texample.com/a\t(cached)", Some(Cache::Go)),
        ("ok  \texample.com/a\t0.01s", None),
        ("ok  nothing is (cached)", None),
        ("> Task :test UP-TO-DATE", Some(Cache::Gradle)),
        ("> Task :app:integrationTest FROM-CACHE", Some(Cache::Gradle)),
        ("> Task :compileJava UP-TO-DATE", None),
        ("> Task :test", None),
        ("//a:test                     (cached) PASSED in 0.1s", Some(Cache::Bazel)),
        ("//a:test                     PASSED in 0.1s", None),
    ];
    for (log, want) in rows {
        assert_eq!(report(log).cache(), want, "{log}");
    }
}
