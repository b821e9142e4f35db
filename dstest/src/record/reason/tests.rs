//! Whole logs of many tools, each with the line that a person would quote.

use proptest::prelude::*;

use super::*;

fn reason(log: &str) -> Option<String> {
    let mut classifier = FailureReason::default();
    log.lines().for_each(|line| classifier.line(line.as_bytes()));
    classifier.finish()
}

/// The cases of a file: a name after `# `, the log, `---`, and the reason.
fn cases(file: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    file.split("\n=====\n").map(|case| {
        let (name, rest) = case.trim_start().split_once('\n').expect("a name, then a log");
        let (log, want) = rest.rsplit_once("\n-----\n").expect("a log, then a reason");
        (name, log, want.trim_end())
    })
}

#[test]
fn the_line_that_a_person_would_quote() {
    let mut wrong = String::new();
    for (name, log, want) in cases(include_str!("tests.txt")) {
        let got = reason(&log.replace("<ESC>", "\u{1b}"));
        let got = got.as_deref().unwrap_or("");
        if got != want {
            wrong.push_str(&format!("{name}\n   want {want}\n   got  {got}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_log_of_one_part_alone() {
    let rows = [
        ("", None),
        ("running 1 test\ntest a ... FAILED\n", Some("test a ... FAILED")),
        ("exit status 3\nFAIL\ta\t0.1s\nFAIL", Some("exit status 3")),
        ("hello\nbye\n", Some("bye")),
        ("thread 'a' panicked at src/a.rs:1:2:", Some("panicked (src/a.rs:1:2)")),
        ("WARNING: DATA RACE\n", Some("DATA RACE")),
        ("---- a ----", None),
    ];
    for (log, want) in rows {
        assert_eq!(reason(log).as_deref(), want, "{log}");
    }
}

#[test]
fn every_line_that_begins_a_message_is_looked_at() {
    for (name, log, _) in cases(include_str!("tests.txt")) {
        for line in log.lines() {
            let line = visible(line.replace("<ESC>", "\u{1b}").as_bytes());
            if begun(&line).is_some() {
                assert!(INTERESTING.is_match(line.as_bytes()), "{name}: {line}");
            }
        }
    }
}

/// Memory does not depend on what a test prints, nor does the time of a line on those before it.
#[test]
fn a_log_of_endless_tests_is_read_in_bounded_memory() {
    for line in ["=== RUN   Test", "--- FAIL: Test", "--- PASS: Test", "    a_test.go:7: Test"] {
        let mut classifier = FailureReason::default();
        for number in 0..GoTests::TESTS_MAX + 100 {
            let end = if line.starts_with("---") { " (0.00s)" } else { "" };
            classifier.line(format!("{line}{number}{end}").as_bytes());
            if line.starts_with("===") {
                classifier.line(b"    a_test.go:7: speaks");
            }
        }
        let kept = classifier.go_tests.pending_tests();
        assert!(kept <= GoTests::TESTS_MAX, "{line}: {kept}");
    }
}

#[test]
fn any_line_can_stand_in_a_difference() {
    for line in ["", "+", "-", "é", "+é", "…a", "\u{2028}"] {
        let log = format!("error: mismatch (-want +got):\n  {line}\n");
        let go = format!("=== RUN   TestA\n    a_test.go:7: x (-want +got):\n          {line}\n");
        for log in [log, go] {
            assert!(reason(&log).is_some(), "{log}");
        }
        assert_eq!(difference(line).is_some(), line == "+é", "{line}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_bounded_printable_signature(log in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut classifier = FailureReason::default();
        log.split(|&byte| byte == b'\n').for_each(|line| classifier.line(line));
        if let Some(text) = classifier.finish() {
            prop_assert!(text.chars().count() <= 2 * SIGNATURE_CHARS_MAX);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
