//! The results that a test harness prints: the numbers of tests that it ran and that it skipped.
//!
//! An exit code of 0 says that nothing failed, not that anything was tested. Summaries of the usual
//! harnesses are read; the words of any other count for nothing.

mod go;
mod jvm;
mod native;
mod python;
mod rust;
mod tap;

use std::sync::LazyLock;

use memchr::memmem;
use regex::bytes::Regex;

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
        self.gradle_test(text);
        let is_indented = line.len() > text.len() && !line.starts_with(text);
        if line.starts_with(b"    ") && memmem::find(text, b".go:").is_some() {
            self.go_message = go::message(text);
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
            // Letters and marks of other runners' summaries.
            Some(b'T' | 0xe2 | 0xef) => self.summary_line(text),
            Some(b't') if text.starts_with(b"test cases: ") => self.summary_line(text),
            Some(_) | None => {}
        }
        if memmem::find(text, b"Tests run: ").is_some() {
            self.surefire_line(text);
        }
    }

    /// Reasons of skipped tests, each in the words of its harness.
    fn skip_line(&mut self, text: &[u8]) {
        if std::mem::take(&mut self.is_reason_next) && !text.starts_with(b"[") {
            self.skipped_because(text);
        }
        // GoogleTest.
        self.is_reason_next = text.ends_with(b": Skipped");
        if let Some(found) = SKIPPED.captures(text) {
            let reason = found.iter().skip(1).flatten().next();
            reason.into_iter().for_each(|reason| self.skipped_because(reason.as_bytes()));
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

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The number that stands directly before a word.
fn number_before(line: &[u8], word: &[u8]) -> Option<u64> {
    let before = &line[..memmem::find(line, word)?];
    let start = before.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    number(&before[start..])
}

/// Skipped tests with their reasons, of pytest -v, unittest -v and prove.
static SKIPPED: LazyLock<Regex> = LazyLock::new(|| {
    let forms = r" SKIPPED \((.*)\)| \.\.\. skipped '(.*)'|\.\. skipped: (.*)";
    Regex::new(&format!("(?s-u){forms}")).expect("compiled by the tests below")
});

#[cfg(test)]
pub(super) mod tests;
