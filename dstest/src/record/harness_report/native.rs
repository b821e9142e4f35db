//! Results of GoogleTest.

use super::{HarnessReport, number};

impl HarnessReport {
    /// `[  PASSED  ] 3 tests.`, `[  SKIPPED ] 1 test, listed below:`.
    pub(super) fn gtest_line(&mut self, text: &[u8]) {
        let count = |word: &[u8]| {
            let rest = text.strip_prefix(word)?;
            let (digits, rest) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
            rest.starts_with(b" test").then(|| number(digits)).flatten()
        };
        self.all.tested += count(b"[  PASSED  ] ").or_else(|| count(b"[  FAILED  ] ")).unwrap_or(0);
        self.all.skipped += count(b"[  SKIPPED ] ").unwrap_or(0);
    }
}
