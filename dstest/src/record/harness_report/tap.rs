//! Results in the Test Anything Protocol.

use memchr::memmem;

use super::{HarnessReport, number};

impl HarnessReport {
    /// `1..3`, `ok 1 - a # SKIP reason`, `not ok 2 - b`. Those of subtests are indented: their parent has
    /// a line of its own.
    pub(super) fn tap_line(&mut self, text: &[u8], is_indented: bool) {
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
    pub(super) fn tap_reason(&mut self, text: &[u8]) -> bool {
        let Some(at) = memmem::rfind(text, b"# ") else { return false };
        let words = &text[at + 2..];
        let is_skip = words.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"skip"));
        if is_skip {
            let reason = words.iter().position(|byte| *byte == b' ').map(|at| &words[at..]);
            self.skipped_because(reason.unwrap_or_default());
        }
        is_skip
    }
}
