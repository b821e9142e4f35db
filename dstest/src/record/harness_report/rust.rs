//! Results of Rust's harness, and of nextest.

use memchr::memmem;

use super::{Counts, HarnessReport, number_before};

impl HarnessReport {
    /// `test a ... ignored, reason`, `test result: ok. 1 passed; 0 failed; 0 ignored; …`.
    pub(super) fn libtest_line(&mut self, line: &[u8]) {
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

    /// `     Summary [   0.004s] 3 tests run: 3 passed, 2 skipped`
    pub(super) fn nextest_line(&mut self, text: &[u8]) {
        let summary = text.strip_prefix(b"Summary [").filter(|_| text.contains(&b']'));
        let ran = summary.and_then(|text| {
            number_before(text, b" test run: ").or_else(|| number_before(text, b" tests run: "))
        });
        // Those that are skipped are mostly those that no filter has selected.
        ran.into_iter().for_each(|ran| self.all.add(Counts::of(ran, 0)));
    }
}
