//! Messages of Go's tests: each counts only if its own test has failed.
//!
//! With `-v` messages come before the result of their test, without it below. Logs of a test look like
//! its errors, and an error that is fatal is the last of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::go::speaker;
use super::{append, difference, group, pattern};

/// The messages of all tests so far.
#[derive(Debug, Default)]
pub(super) struct GoTests {
    /// The test that is speaking.
    current: String,
    /// The last message of each test without a result.
    pending: HashMap<String, String>,
    /// The test that has failed, and its message.
    failed: Option<(String, String)>,
    /// Lines that still may belong to the last message.
    more: u32,
    /// Only lines of a difference do.
    has_legend: bool,
}

impl GoTests {
    /// More tests at once are those of a log that is not Go's.
    pub(super) const TESTS_MAX: usize = 10_000;

    /// `true` while the next line may belong to a message.
    pub(super) const fn is_open(&self) -> bool {
        self.more > 0
    }

    /// Reads a line; `true` if it is a part of a message, or of nothing else.
    pub(super) fn line(&mut self, text: &str) -> bool {
        if self.more > 0 && self.is_continued(text) {
            return true;
        }
        self.more = 0;
        if let Some(test) = speaker(text) {
            test.clone_into(&mut self.current);
        } else if let Some(found) = RESULT.captures(text) {
            self.result(group(&found, 1), group(&found, 2));
        } else if let Some(found) = MESSAGE.captures(text) {
            let (place, message) = (group(&found, 1), group(&found, 2).trim());
            // Below an empty one, testify tells its own.
            if !message.is_empty() {
                self.message(&format!("{place}: {message}"));
            }
            return true;
        } else if text.starts_with("got:") && self.current.starts_with("Example") {
            self.message("got:");
            self.more = 3;
        }
        false
    }

    /// The number of tests whose messages wait for a result.
    #[cfg(test)]
    pub(super) fn pending_tests(&self) -> usize {
        self.pending.len()
    }

    /// The message of the test that has failed, or of the one that has been speaking.
    pub(super) fn finish(mut self) -> Option<String> {
        let failed = self.failed.take();
        let current = std::mem::take(&mut self.current);
        let failed = failed.or_else(|| Some((current.clone(), self.pending.remove(&current)?)));
        // A test of its own has a row of its own.
        let of_test = |(test, message): (String, String)| match test.contains('/') {
            true => format!("{test}: {message}"),
            false => message,
        };
        failed.filter(|(_, message)| !message.is_empty()).map(of_test)
    }

    fn result(&mut self, result: &str, test: &str) {
        let message = self.pending.remove(test);
        if result != "FAIL" {
            return;
        }
        if let Some(message) = message {
            self.fail(test, message);
        }
        // Without -v its messages follow.
        test.clone_into(&mut self.current);
        self.wait_for(test, String::new());
    }

    fn message(&mut self, message: &str) {
        let test = self.current.clone();
        let ends_open = message.ends_with(':');
        self.has_legend = message.contains("-want +got") || message.contains("+got -want");
        self.more = if ends_open || self.has_legend { DIFFERENT_LINES_MAX } else { 0 };
        let has_failed = self.failed.as_ref().is_some_and(|(failed, _)| *failed == test);
        if has_failed || self.pending.get(&test).is_some_and(String::is_empty) {
            return self.fail(&test, message.to_owned());
        }
        self.wait_for(&test, message.to_owned());
    }

    /// Keeps the message of a test until its result is known.
    fn wait_for(&mut self, test: &str, message: String) {
        if self.pending.len() < Self::TESTS_MAX || self.pending.contains_key(test) {
            self.pending.insert(test.to_owned(), message);
        }
    }

    /// The first test that has failed counts, or the subtest because of which it has.
    fn fail(&mut self, test: &str, message: String) {
        let is_better = self.failed.as_ref().is_none_or(|(failed, _)| {
            test == failed || test.strip_prefix(&**failed).is_some_and(|rest| rest.starts_with('/'))
        });
        if is_better {
            self.failed = Some((test.to_owned(), message));
        }
    }

    /// Takes a line as part of the last message: it is indented more than the message itself.
    fn is_continued(&mut self, text: &str) -> bool {
        let bare = text.trim();
        let is_example = self.current.starts_with("Example") && !bare.starts_with("FAIL");
        if !text.starts_with("        ") && !is_example || MESSAGE.is_match(text) {
            return false;
        }
        let text = if self.has_legend { difference(bare) } else { Some(bare.to_owned()) };
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.more -= 1;
            let test = &self.current;
            let failed = self.failed.as_mut().filter(|(failed, _)| failed == test);
            let failed = failed.map(|(_, message)| message);
            if let Some(message) = failed.or_else(|| self.pending.get_mut(test)) {
                append(message, &text);
            }
        }
        true
    }
}

static RESULT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ *--- (PASS|FAIL|SKIP): (\S+) \([0-9.]+s\)$"));

/// `    a_test.go:7: message`
static MESSAGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ {4,}(\w[\w.-]*\.go:[0-9]+):(.*)$"));

/// The lines of a message that say what differs.
const DIFFERENT_LINES_MAX: u32 = 3;
