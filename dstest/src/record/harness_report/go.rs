//! Results of Go's harness.

use memchr::memmem;

use super::{Cache, Counts, GoResult, HarnessReport};
use crate::record::signature::printable;

impl HarnessReport {
    /// `--- SKIP: TestA (0.00s)`; a subtest has a slash in its name.
    pub(super) fn go_line(&mut self, line: &[u8]) {
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
    pub(super) fn go_package(&mut self, text: &[u8]) {
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
}

/// The message behind the place of a line such as `a_test.go:7: no docker`.
pub(super) fn message(text: &[u8]) -> Option<String> {
    let at = memmem::find(text, b".go:")?;
    let rest = &text[at + b".go:".len()..];
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).filter(|end| *end > 0)?;
    rest[end..].strip_prefix(b": ").map(printable)
}
