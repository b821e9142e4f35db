//! The line of a log that best explains the failure of its run.
//!
//! It knows the messages of Rust's and Go's test harnesses, and of assertions in general.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::passed_line;
use super::signature::printable;

/// The weight of a line as an explanation of a failure, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Verdict,
    ErrorWord,
    Assertion,
    Panic,
}

/// Finds the line that best explains the failure of a run, fed line by line.
#[derive(Debug, Default)]
pub struct FailureReason {
    best: Option<(Weight, String)>,
    /// The last line that a test printed, which counts if no line explains anything.
    last: Vec<u8>,
    location: Option<String>,
    report: Report,
}

/// A report of several lines that Go prints.
#[derive(Debug, Default)]
enum Report {
    /// None is being read.
    #[default]
    None,
    /// A data race, and the last line of it: the function of the next location.
    Race(String),
    /// A panic, by its first line; the stack below it has the location.
    Panic(String),
    /// The stacks of all goroutines, up to the end of the log.
    Stacks,
}

impl FailureReason {
    /// Looks at one line, without its end.
    pub fn line(&mut self, line: &[u8]) {
        let is_expected = self.location.is_some() || !matches!(self.report, Report::None);
        if !is_expected && !EXPLAINING.is_match(line) {
            return self.keep(line);
        }
        if self.in_report(line) {
            return;
        }
        if let Some(location) = self.location.take() {
            self.offer(Weight::Panic, format!("{} ({location})", printable(line)));
            return;
        }
        if let Some(location) = rust_panic(line) {
            if self.weight() < Some(Weight::Panic) {
                self.location = Some(location);
            }
            return;
        }
        match weigh(line) {
            Some(weight) => self.offer(weight, without_stamp(&printable(line)).to_owned()),
            None => self.keep(line),
        }
    }

    /// Keeps the line as the last one, unless a harness has printed it.
    fn keep(&mut self, line: &[u8]) {
        let text = line.trim_ascii();
        if self.best.is_none() && !text.is_empty() && !is_harness_line(text) {
            self.last.clear();
            self.last.extend_from_slice(text);
        }
    }

    /// Takes the line as part of a report of several lines, if it is.
    fn in_report(&mut self, line: &[u8]) -> bool {
        let starts = |word: &str| line.starts_with(word.as_bytes());
        if starts("SIGQUIT: quit") {
            self.report = Report::Stacks;
        } else if starts("WARNING: DATA RACE") {
            self.report = Report::Race(String::new());
        } else if is_go_panic(line)
            && matches!(self.report, Report::None)
            && self.weight() < Some(Weight::Panic)
        {
            // The harness catches a panic and throws it again.
            let message = printable(line);
            let message = message.strip_suffix(" [recovered]").unwrap_or(&message);
            self.report = Report::Panic(message.to_owned());
        }
        match &mut self.report {
            Report::None => false,
            Report::Stacks => true,
            Report::Panic(message) => {
                if let Some(place) = own_go_frame(&printable(line)) {
                    let found = format!("{message} ({place})");
                    self.report = Report::None;
                    self.offer(Weight::Panic, found);
                }
                true
            }
            Report::Race(function) => {
                let text = printable(line);
                if let Some(place) = own_go_frame(&text) {
                    let found = format!("DATA RACE in {function} ({place})");
                    self.report = Report::None;
                    self.offer(Weight::Panic, found);
                } else {
                    *function = text;
                }
                true
            }
        }
    }

    /// The signature; `None` if nothing was printed at all.
    #[must_use]
    pub fn finish(self) -> Option<String> {
        match self.report {
            Report::Race(_) => return Some("DATA RACE".to_owned()),
            Report::Panic(message) => return Some(message),
            Report::None | Report::Stacks => {}
        }
        let location = self.location.map(|location| format!("panicked ({location})"));
        let last = || without_stamp(&printable(&self.last)).to_owned();
        let explained = location.or(self.best.map(|(_, line)| line));
        explained.or_else(|| (!self.last.is_empty()).then(last))
    }

    fn weight(&self) -> Option<Weight> {
        self.best.as_ref().map(|(weight, _)| *weight)
    }

    /// Of equal weight the first line counts.
    fn offer(&mut self, weight: Weight, line: String) {
        if self.weight() < Some(weight) {
            self.best = Some((weight, line));
        }
    }
}

/// Words of which each line with an explanation has one; most lines of most logs have none.
static EXPLAINING: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"panic|fatal|FAIL|ssertion|rror|RROR|Exception|\.go:|SIGQUIT|DATA RACE";
    Regex::new(words).expect("a fixed expression")
});

/// `thread 'x' (123) panicked at src/a.rs:1:2:` gives the location; the message is on the next
/// line.
fn rust_panic(line: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(line, b"panicked at ")?;
    memchr::memmem::find(&line[..at], b"thread '")?;
    let location = printable(&line[at + b"panicked at ".len()..]);
    Some(location.trim_end_matches(':').to_owned())
}

fn weigh(line: &[u8]) -> Option<Weight> {
    let text = line.trim_ascii();
    if text.starts_with(b"--- FAIL: ") {
        return Some(Weight::Verdict);
    }
    if text.is_empty() || is_harness_line(text) {
        return None;
    }
    let has = |words: &[&str]| {
        words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
    };
    if is_go_panic(text) {
        return Some(Weight::Panic);
    }
    if is_go_log(line) || has(&[passed_line::FAILURE, "Assertion", "assertion", "AssertionError"]) {
        return Some(Weight::Assertion);
    }
    if has(&["Error", "error", "ERROR", "FAIL", "Exception", "fatal"]) {
        return Some(Weight::ErrorWord);
    }
    None
}

/// `    config_test.go:123: message`, as `t.Fatalf` prints it.
fn is_go_log(line: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(line, b".go:") else { return false };
    let name_is_indented = line.starts_with(b" ") && !line[..at].trim_ascii().contains(&b' ');
    name_is_indented && line.get(at + 4).is_some_and(u8::is_ascii_digit)
}

fn is_go_panic(line: &[u8]) -> bool {
    line.starts_with(b"panic:") || line.starts_with(b"fatal error:")
}

/// `/path/a.go:12 +0x44`, as in a stack: the file's own name and the line; `None` for files of
/// Go's own packages, through which every failure passes.
fn own_go_frame(text: &str) -> Option<&str> {
    let place = text.split(' ').next().filter(|place| place.contains(".go:"))?;
    let (dir, file) = place.rsplit_once('/').unwrap_or(("", place));
    let package = dir
        .rsplit_once("/src/")
        .filter(|(root, _)| root.rsplit('/').next().is_some_and(|name| name.starts_with("go")));
    let is_standard = package.is_some_and(|(_, package)| {
        GO_PACKAGES.contains(&package.split('/').next().unwrap_or(package))
    });
    (!is_standard).then_some(file)
}

/// The line without the date and time that Go's `log` puts before it, and without the duration
/// that Go's harness puts behind it.
fn without_stamp(text: &str) -> &str {
    let is_stamp = |word: &str, separators: &[char]| {
        word.contains(separators)
            && word.chars().all(|c| c.is_ascii_digit() || c == '.' || separators.contains(&c))
    };
    let mut words = text.splitn(3, ' ');
    let text = match (words.next(), words.next(), words.next()) {
        (Some(date), Some(time), Some(rest))
            if is_stamp(date, &['/']) && is_stamp(time, &[':']) =>
        {
            rest
        }
        _ => text,
    };
    match text.rsplit_once(" (") {
        Some((test, duration)) if test.starts_with("--- FAIL") && duration.ends_with("s)") => test,
        _ => text,
    }
}

/// Lines that test harnesses print around every run, whatever its result.
fn is_harness_line(text: &[u8]) -> bool {
    const STARTS: [&str; 10] = [
        "test result:",
        "running ",
        "failures:",
        "error: test failed",
        "note: ",
        "=== ",
        "FAIL",
        "PASS",
        "exit status",
        "stack backtrace:",
    ];
    STARTS.iter().any(|start| text.starts_with(start.as_bytes()))
        || text.starts_with(b"test ") && text.ends_with(b"FAILED")
}

/// The packages of Go that stand between a failure and the code that caused it.
const GO_PACKAGES: [&str; 14] = [
    "bytes", "context", "encoding", "fmt", "internal", "io", "log", "net", "os", "reflect",
    "runtime", "sync", "testing", "time",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::signature::SIGNATURE_CHARS_MAX;
    use super::*;

    fn signature(log: &str) -> Option<String> {
        let mut classifier = FailureReason::default();
        log.lines().for_each(|line| classifier.line(line.as_bytes()));
        classifier.finish()
    }

    #[test]
    fn the_line_that_explains_a_failure() {
        let rows = [
            ("", None),
            ("running 1 test\ntest a ... FAILED\n", None),
            ("hello\nbye\n", Some("bye")),
            ("hello\nerror: no disk\nbye\n", Some("error: no disk")),
            (
                "noise\nthread 'a' (77) panicked at src/a.rs:1:2:\ntwo leaders\nnote: run with\n",
                Some("two leaders (src/a.rs:1:2)"),
            ),
            (
                "thread 'a' panicked at src/a.rs:1:2:\nfirst\nthread 'b' panicked at src/b.rs:3:4:\nsecond\n",
                Some("first (src/a.rs:1:2)"),
            ),
            ("thread 'a' panicked at src/a.rs:1:2:", Some("panicked (src/a.rs:1:2)")),
            (
                "=== RUN   TestA\n    a_test.go:7: no agreement\n--- FAIL: TestA (0.1s)\nFAIL\n",
                Some("a_test.go:7: no agreement"),
            ),
            (
                "x\npanic: runtime error: index\n\ngoroutine 1 [running]:\n",
                Some("panic: runtime error: index"),
            ),
            (
                "panic: index out of range [recovered]\n\tpanic: index out of range\n\ngoroutine 6 [running]:\n\
                 testing.tRunner.func1()\n\t/usr/lib/go-1.19/src/testing/testing.go:1396 +0x24e\n\
                 panic({0x1})\n\t/usr/lib/go-1.19/src/runtime/panic.go:884 +0x212\n\
                 raft.(*Raft).apply(0x1)\n\t/home/u/go/src/raft/raft.go:40 +0x1d\n\
                 raft.Make()\n\t/home/u/go/src/raft/raft.go:7 +0x1d\n",
                Some("panic: index out of range (raft.go:40)"),
            ),
            (
                "WARNING: DATA RACE\nRead at 0x00c0 by goroutine 8:\n  runtime.mapassign()\n\
                 \x20     /usr/local/go/src/runtime/map.go:9 +0x3\n  a.Put()\n      /x/a.go:20 +0x3\n",
                Some("DATA RACE in a.Put() (a.go:20)"),
            ),
            ("=== RUN   TestA\nhello\n--- FAIL: TestA (0.10s)\nFAIL\n", Some("--- FAIL: TestA")),
            (
                "connect error\n2026/11/23 10:00:00.5 apply error: commit index=5 server=1\nexit\n",
                Some("apply error: commit index=5 server=1"),
            ),
            (
                "==\nWARNING: DATA RACE\nRead at 0x00c0 by goroutine 8:\n  a.Test.func1()\n      /x/a_test.go:20 +0x3\n    testing.go:1319: race detected\n",
                Some("DATA RACE in a.Test.func1() (a_test.go:20)"),
            ),
            ("waiting\nSIGQUIT: quit\nPC=0x1 m=0\n\ngoroutine 1 [error]:\n", Some("waiting")),
            ("WARNING: DATA RACE\n", Some("DATA RACE")),
            ("\u{1b}[31mERROR\u{1b}[0m bad\u{7}\n", Some("ERROR bad")),
        ];
        for (log, want) in rows {
            assert_eq!(signature(log).as_deref(), want, "{log}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_bounded_printable_signature(log in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut classifier = FailureReason::default();
            log.split(|&byte| byte == b'\n').for_each(|line| classifier.line(line));
            if let Some(text) = classifier.finish() {
                prop_assert!(text.chars().count() <= 2 * SIGNATURE_CHARS_MAX + 20);
                prop_assert!(!text.chars().any(char::is_control));
            }
        }
    }
}
