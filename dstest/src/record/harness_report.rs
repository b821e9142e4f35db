//! The results that a test harness prints: the numbers of tests that it ran and that it skipped.
//!
//! An exit code of 0 says that nothing failed, not that anything was tested. Summaries of the usual
//! harnesses are read; the words of any other count for nothing.

use memchr::memmem;

use super::signature::{printable, visible};
use super::summary_lines::SummaryLines;

/// The results in a log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HarnessReport {
    /// The last summary of Rust's harness.
    libtest: Option<Counts>,
    /// All tests in all summaries.
    all: Counts,
    go: Option<GoResult>,
    /// The last message of a Go test: `a_test.go:7: no docker`.
    go_message: Option<String>,
    unittest_ran: u64,
    tap: Counts,
    tap_plan: Option<u64>,
    summaries: SummaryLines,
    /// The tool that took its result from an earlier run.
    cache: Option<Cache>,
    /// The next line is the reason of a skipped test.
    is_reason_next: bool,
    reason: Option<String>,
}

/// A tool that took a result from its cache and ran nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// `go test`.
    Go,
    /// Gradle.
    Gradle,
    /// Bazel.
    Bazel,
}

/// The result of a run in the words of its harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// A test passed.
    Passed,
    /// Every test was skipped.
    Skipped,
    /// There was no test to run.
    NothingRan,
}

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    tested: u64,
    skipped: u64,
    /// Summaries that reported that there was no test.
    empty: u64,
}

/// The last result line of a Go test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GoResult {
    Passed,
    Skipped,
    Nothing,
}

impl HarnessReport {
    /// The result of one test of Rust's harness; `None` before it has ended.
    #[must_use]
    pub fn libtest(&self) -> Option<Reported> {
        self.libtest.map(Counts::reported)
    }

    /// The result of one Go test; `None` before it has ended.
    #[must_use]
    pub fn go(&self) -> Option<Reported> {
        Some(match self.go? {
            GoResult::Passed => Reported::Passed,
            GoResult::Skipped => Reported::Skipped,
            GoResult::Nothing => Reported::NothingRan,
        })
    }

    /// The result of a command, whatever harnesses it used; `None` if none has reported.
    #[must_use]
    pub fn command(&self) -> Option<Reported> {
        let mut all = self.all;
        match self.tap_plan {
            Some(0) => all.empty += 1,
            Some(_) => all.add(self.tap),
            None => {}
        }
        (all != Counts::default()).then(|| all.reported())
    }

    /// The tool that took a result from its cache; `None` if none did.
    #[must_use]
    pub const fn cache(&self) -> Option<Cache> {
        self.cache
    }

    /// The reason of the first skipped test, if one was given.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Takes in a line of the log.
    pub(super) fn line(&mut self, line: &[u8]) {
        if line.contains(&0x1b) {
            return self.plain_line(visible(line).as_bytes());
        }
        self.plain_line(line);
    }

    /// Takes in a line without escape sequences.
    fn plain_line(&mut self, line: &[u8]) {
        // Rust's and Go's lines may follow output of the test without a line end.
        self.libtest_line(line);
        if let Some(at) = memmem::find(line, b"--- ") {
            self.go_line(&line[at..]);
        }
        let text = line.trim_ascii();
        self.skip_line(text);
        let is_indented = line.len() > text.len() && !line.starts_with(text);
        if line.starts_with(b"    ") && memmem::find(text, b".go:").is_some() {
            self.go_message = message_of_go(text);
        }
        match text.first() {
            Some(b'o') => {
                self.go_package(text);
                self.tap_line(text, is_indented);
            }
            Some(b'n' | b'=' | b'0'..=b'9') => {
                self.tap_line(text, is_indented);
                self.pytest_line(text);
                // Most logs have a time at the beginning of each line.
                if text.ends_with(b")") || text.ends_with(b"ing") || text.contains(&b'%') {
                    self.summary_line(text);
                }
            }
            Some(b'[') => {
                self.gtest_line(text);
                self.summary_line(text);
            }
            Some(b'P') if text == b"PASS" => {
                self.go.get_or_insert(GoResult::Passed);
            }
            Some(b't') if text.starts_with(b"testing: warning: no tests to run") => {
                self.go = Some(GoResult::Nothing);
            }
            Some(b'R') if text == b"Result: NOTESTS" => self.all.empty += 1,
            Some(b'R' | b'O') => self.unittest_line(text),
            Some(b'S') => {
                self.pytest_reason(text);
                self.nextest_line(text);
            }
            Some(b'>') => self.gradle_task(text),
            Some(b'/')
                if text.starts_with(b"//") && memmem::find(text, b"(cached) PASSED").is_some() =>
            {
                self.cache = Some(Cache::Bazel);
            }
            Some(b'N') => {
                self.unittest_line(text);
                self.summary_line(text);
            }
            // Letters and marks of other runners' summaries, and colours before them.
            Some(b'T' | 0x1b | 0xe2 | 0xef) => self.summary_line(text),
            Some(b't') if text.starts_with(b"test cases: ") => self.summary_line(text),
            Some(_) | None => {}
        }
        if memmem::find(text, b"Tests run: ").is_some() {
            self.surefire_line(text);
        }
    }

    /// `test a ... ignored, reason`, `test result: ok. 1 passed; 0 failed; 0 ignored; …`.
    fn libtest_line(&mut self, line: &[u8]) {
        let ignored: &[u8] = b" ... ignored, ";
        if let Some(at) = memmem::find(line, ignored) {
            self.skipped_because(&line[at + ignored.len()..]);
        }
        let Some(at) = memmem::find(line, b"test result: ") else { return };
        let [passed, failed, ignored] =
            [&b" passed"[..], b" failed", b" ignored"].map(|word| number_before(&line[at..], word));
        let (Some(passed), Some(failed)) = (passed, failed) else { return };
        let counts = Counts::of(passed + failed, ignored.unwrap_or(0));
        self.libtest = Some(counts);
        self.all.add(counts);
    }

    /// `--- SKIP: TestA (0.00s)`; a subtest has a slash in its name.
    fn go_line(&mut self, line: &[u8]) {
        let result = |word: &[u8]| {
            let name = line.strip_prefix(word)?.split(|byte| *byte == b' ').next()?;
            (!name.contains(&b'/')).then_some(())
        };
        if result(b"--- PASS: ").is_some() {
            self.go = Some(GoResult::Passed);
            self.all.tested += 1;
        } else if result(b"--- FAIL: ").is_some() {
            self.all.tested += 1;
        } else if result(b"--- SKIP: ").is_some() {
            self.go = Some(GoResult::Skipped);
            self.all.skipped += 1;
            let reason = self.go_message.take().unwrap_or_default();
            self.skipped_because(reason.as_bytes());
        }
    }

    /// The line of a package: `ok`, its path, and its time or `(cached)`, with tabs between them.
    fn go_package(&mut self, text: &[u8]) {
        let Some(rest) = text.strip_prefix(b"ok").filter(|rest| rest.starts_with(b" ")) else {
            return;
        };
        if !rest.contains(&b'\t') {
            return;
        }
        if rest.ends_with(b"(cached)") || rest.ends_with(b"(cached) [no tests to run]") {
            self.cache = Some(Cache::Go);
        }
        if rest.ends_with(b"[no tests to run]") {
            self.all.empty += 1;
        } else if self.all == Counts::default() {
            // Without -v it is the only word about the package.
            self.all.tested += 1;
        }
    }

    /// `1..3`, `ok 1 - a # SKIP reason`, `not ok 2 - b`. Those of subtests are indented: their parent has
    /// a line of its own.
    fn tap_line(&mut self, text: &[u8], is_indented: bool) {
        if is_indented {
            self.tap_reason(text);
        } else if let Some(plan) = text.strip_prefix(b"1..") {
            let count = plan.split(|byte| !byte.is_ascii_digit()).next().and_then(number);
            self.tap_plan = count.or(self.tap_plan);
            self.tap_reason(text);
        } else if let Some(rest) = text.strip_prefix(b"ok").or(text.strip_prefix(b"not ok")) {
            if !rest.is_empty() && !rest.starts_with(b" ") {
                return;
            }
            if text.starts_with(b"ok") && self.tap_reason(rest) {
                self.tap.skipped += 1;
            } else {
                self.tap.tested += 1;
            }
        }
    }

    /// Finds `# SKIP reason`.
    fn tap_reason(&mut self, text: &[u8]) -> bool {
        let Some(at) = memmem::rfind(text, b"# ") else { return false };
        let words = &text[at + 2..];
        let is_skip = words.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"skip"));
        if is_skip {
            let reason = words.iter().position(|byte| *byte == b' ').map(|at| &words[at..]);
            self.skipped_because(reason.unwrap_or_default());
        }
        is_skip
    }

    /// `=== 1 passed, 2 skipped in 0.12s ===`, `no tests ran in 0.01s`.
    fn pytest_line(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else { return };
        let Some((words, time)) = text.trim_matches(['=', ' ']).rsplit_once(" in ") else { return };
        let seconds = time.split(' ').next().unwrap_or_default().strip_suffix('s');
        if seconds.is_none_or(|seconds| seconds.parse::<f64>().is_err()) {
            return;
        }
        let mut counts = Counts::default();
        for part in words.split(", ") {
            let (count, kind) = part.split_once(' ').unwrap_or_default();
            match (count.parse::<u64>(), kind) {
                (Ok(count), "passed" | "failed" | "error" | "errors" | "xfailed" | "xpassed") => {
                    counts.tested += count;
                }
                (Ok(count), "skipped") => counts.skipped += count,
                (Ok(_), "deselected" | "warning" | "warnings" | "rerun") => {}
                _ if part == "no tests ran" => counts.empty += 1,
                _ => return,
            }
        }
        self.all.add(counts);
    }

    /// `SKIPPED [1] a_test.py:3: no docker`, with `-rs`.
    fn pytest_reason(&mut self, text: &[u8]) {
        let Some(rest) = text.strip_prefix(b"SKIPPED [") else { return };
        if let Some(at) = memmem::find(rest, b": ") {
            self.skipped_because(&rest[at + 2..]);
        }
    }

    /// `     Summary [   0.004s] 3 tests run: 3 passed, 2 skipped`
    fn nextest_line(&mut self, text: &[u8]) {
        let summary = text.strip_prefix(b"Summary [").filter(|_| text.contains(&b']'));
        let ran = summary.and_then(|text| {
            number_before(text, b" test run: ").or_else(|| number_before(text, b" tests run: "))
        });
        // Those that are skipped are mostly those that no filter has selected.
        ran.into_iter().for_each(|ran| self.all.add(Counts::of(ran, 0)));
    }

    /// `> Task :test UP-TO-DATE`, `> Task :test FROM-CACHE`
    fn gradle_task(&mut self, text: &[u8]) {
        let task = text
            .strip_prefix(b"> Task :")
            .filter(|rest| rest.ends_with(b" UP-TO-DATE") || rest.ends_with(b" FROM-CACHE"));
        let name = task.and_then(|task| task.split(|byte| *byte == b' ').next());
        if name.is_some_and(|name| name.to_ascii_lowercase().ends_with(b"test")) {
            self.cache = Some(Cache::Gradle);
        }
    }

    /// Reasons of skipped tests, each in the words of its harness.
    fn skip_line(&mut self, text: &[u8]) {
        if std::mem::take(&mut self.is_reason_next) && !text.starts_with(b"[") {
            self.skipped_because(text);
        }
        // GoogleTest.
        self.is_reason_next = text.ends_with(b": Skipped");
        // pytest -v, unittest -v, prove.
        let forms: [(&[u8], &[u8]); 3] =
            [(b" SKIPPED (", b")"), (b" ... skipped '", b"'"), (b".. skipped: ", b"")];
        for (before, after) in forms {
            let Some(at) = memmem::find(text, before) else { continue };
            let rest = &text[at + before.len()..];
            let end = if after.is_empty() { Some(rest.len()) } else { memmem::rfind(rest, after) };
            end.into_iter().for_each(|end| self.skipped_because(&rest[..end]));
        }
        // Gradle.
        if text.ends_with(b"ED") && memmem::find(text, b" > ").is_some() {
            self.all.tested += u64::from(text.ends_with(b" PASSED") || text.ends_with(b" FAILED"));
            self.all.skipped += u64::from(text.ends_with(b" SKIPPED"));
        }
    }

    /// `[  PASSED  ] 3 tests.`, `[  SKIPPED ] 1 test, listed below:`.
    fn gtest_line(&mut self, text: &[u8]) {
        let count = |word: &[u8]| {
            let rest = text.strip_prefix(word)?;
            let (digits, rest) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
            rest.starts_with(b" test").then(|| number(digits)).flatten()
        };
        self.all.tested += count(b"[  PASSED  ] ").or_else(|| count(b"[  FAILED  ] ")).unwrap_or(0);
        self.all.skipped += count(b"[  SKIPPED ] ").unwrap_or(0);
    }

    /// `Ran 3 tests in 0.001s`, `OK (skipped=3)`, `NO TESTS RAN`.
    fn unittest_line(&mut self, text: &[u8]) {
        if let Some(rest) = text.strip_prefix(b"Ran ") {
            let count = number_before(rest, b" test").or(number_before(text, b" test"));
            self.unittest_ran = count.unwrap_or(0);
        } else if let Some(rest) = text.strip_prefix(b"OK") {
            let skipped = memmem::find(rest, b"skipped=").map(|at| &rest[at + 8..]);
            let digits = skipped.and_then(|rest| rest.split(|b| !b.is_ascii_digit()).next());
            let skipped = digits.and_then(number).unwrap_or(0);
            self.all.add(Counts {
                tested: self.unittest_ran.saturating_sub(skipped),
                skipped,
                empty: 0,
            });
            self.unittest_ran = 0;
        } else if text.starts_with(b"NO TESTS RAN") {
            self.all.empty += 1;
        }
    }

    /// `Tests run: 3, Failures: 0, Errors: 0, Skipped: 3`.
    fn surefire_line(&mut self, text: &[u8]) {
        let after = |word: &[u8]| {
            let rest = &text[memmem::find(text, word)? + word.len()..];
            number(rest.split(|byte| !byte.is_ascii_digit()).next()?)
        };
        if let (Some(ran), Some(skipped)) = (after(b"Tests run: "), after(b"Skipped: ")) {
            self.all.add(Counts::of(ran.saturating_sub(skipped), skipped));
        }
    }

    /// A line of the runner of another language.
    fn summary_line(&mut self, text: &[u8]) {
        let Some(summary) = self.summaries.line(&printable(text)) else { return };
        self.all.tested = self.all.tested.saturating_add_signed(summary.tested);
        self.all.skipped += summary.skipped;
        self.all.empty += u64::from(summary.is_empty);
        if let Some(reason) = summary.reason {
            self.skipped_because(reason.as_bytes());
        }
    }

    fn skipped_because(&mut self, reason: &[u8]) {
        let reason = printable(reason);
        if self.reason.is_none() && !reason.is_empty() {
            self.reason = Some(reason);
        }
    }
}

impl Counts {
    fn of(tested: u64, skipped: u64) -> Self {
        Self { tested, skipped, empty: u64::from(tested + skipped == 0) }
    }

    fn add(&mut self, other: Self) {
        self.tested = self.tested.saturating_add(other.tested);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.empty = self.empty.saturating_add(other.empty);
    }

    const fn reported(self) -> Reported {
        match (self.tested, self.skipped) {
            (0, 0) => Reported::NothingRan,
            (0, _) => Reported::Skipped,
            (_, _) => Reported::Passed,
        }
    }
}

/// The message behind the place of a line such as `a_test.go:7: no docker`.
fn message_of_go(text: &[u8]) -> Option<String> {
    let at = memmem::find(text, b".go:")?;
    let rest = &text[at + b".go:".len()..];
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).filter(|end| *end > 0)?;
    rest[end..].strip_prefix(b": ").map(printable)
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The number that stands directly before a word.
fn number_before(line: &[u8], word: &[u8]) -> Option<u64> {
    let before = &line[..memmem::find(line, word)?];
    let start = before.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    number(&before[start..])
}

#[cfg(test)]
pub(super) mod tests;
