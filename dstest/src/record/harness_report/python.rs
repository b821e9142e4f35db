//! Results of pytest and unittest.

use memchr::memmem;

use super::{Counts, HarnessReport, number, number_before};

impl HarnessReport {
    /// `=== 1 passed, 2 skipped in 0.12s ===`, `no tests ran in 0.01s`.
    pub(super) fn pytest_line(&mut self, text: &[u8]) {
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
    pub(super) fn pytest_reason(&mut self, text: &[u8]) {
        let Some(rest) = text.strip_prefix(b"SKIPPED [") else { return };
        if let Some(at) = memmem::find(rest, b": ") {
            self.skipped_because(&rest[at + 2..]);
        }
    }

    /// `Ran 3 tests in 0.001s`, `OK (skipped=3)`, `NO TESTS RAN`.
    pub(super) fn unittest_line(&mut self, text: &[u8]) {
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
}
