//! Results of Gradle and Surefire.

use memchr::memmem;

use super::{Cache, Counts, HarnessReport, number};

impl HarnessReport {
    /// `> Task :test UP-TO-DATE`, `> Task :test FROM-CACHE`
    pub(super) fn gradle_task(&mut self, text: &[u8]) {
        let task = text
            .strip_prefix(b"> Task :")
            .filter(|rest| rest.ends_with(b" UP-TO-DATE") || rest.ends_with(b" FROM-CACHE"));
        let name = task.and_then(|task| task.split(|byte| *byte == b' ').next());
        if name.is_some_and(|name| name.to_ascii_lowercase().ends_with(b"test")) {
            self.cache = Some(Cache::Gradle);
        }
    }

    /// `SumTest > adds() PASSED`
    pub(super) fn gradle_test(&mut self, text: &[u8]) {
        if text.ends_with(b"ED") && memmem::find(text, b" > ").is_some() {
            self.all.tested += u64::from(text.ends_with(b" PASSED") || text.ends_with(b" FAILED"));
            self.all.skipped += u64::from(text.ends_with(b" SKIPPED"));
        }
    }

    /// `Tests run: 3, Failures: 0, Errors: 0, Skipped: 3`.
    pub(super) fn surefire_line(&mut self, text: &[u8]) {
        let after = |word: &[u8]| {
            let rest = &text[memmem::find(text, word)? + word.len()..];
            number(rest.split(|byte| !byte.is_ascii_digit()).next()?)
        };
        if let (Some(ran), Some(skipped)) = (after(b"Tests run: "), after(b"Skipped: ")) {
            self.all.add(Counts::of(ran.saturating_sub(skipped), skipped));
        }
    }
}
