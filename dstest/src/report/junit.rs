//! The JUnit export: one test suite for each test, one test case for each failed run and one for
//! all that passed, so that a million runs do not become a million cases.

use super::json::{Document, TestEntry};

/// The document as XML.
#[must_use]
pub fn text(document: &Document) -> String {
    let suites: String = document.tests.iter().map(suite).collect();
    let wall = document.wall_s;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dstest\" time=\"{wall:.3}\">\n{suites}</testsuites>\n"
    )
}

fn suite(test: &TestEntry) -> String {
    let name = escape(&test.name);
    let passed = test.total - test.failed;
    let cases = test.failures.len() + usize::from(passed > 0);
    let mut out = format!(
        "  <testsuite name=\"{name}\" tests=\"{cases}\" failures=\"{}\">\n",
        test.failures.len()
    );
    if passed > 0 {
        let mean = test.time.map_or(0.0, |time| time.mean);
        out.push_str(&format!(
            "    <testcase classname=\"{name}\" name=\"{name} ({passed} passed)\" time=\"{mean:.6}\"/>\n"
        ));
    }
    for failure in &test.failures {
        let reason = escape(&failure.signature);
        let (iter, seed, log) = (failure.iter, failure.seed, escape(&failure.log));
        out.push_str(&format!(
            "    <testcase classname=\"{name}\" name=\"{name}#{iter}\">\n      \
             <failure message=\"{reason}\">seed {seed}, log {log}</failure>\n    </testcase>\n"
        ));
    }
    out.push_str("  </testsuite>\n");
    out
}

/// Text for XML; characters that XML cannot hold at all become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Verdict;
    use crate::report::json::Head;
    use crate::report::tally::Tally;
    use crate::report::tally::tests::record;
    use crate::seed::Seed;

    #[test]
    fn failed_runs_are_cases() {
        let mut tally = Tally::new(["a<b>"]);
        tally.record(0, &record("a<b>", 1, Verdict::Passed, 0.5));
        tally.record(0, &record("a<b>", 2, Verdict::Passed, 0.5));
        let mut failed = record("a<b>", 3, Verdict::Failed, 0.5);
        failed.signature = Some("\"x\" & \u{7}y".to_owned());
        tally.record(0, &failed);
        let (seed, started) = (Seed::new(7), "2026-11-23T11:59:16Z".to_owned());
        let head = Head { seed, started, wall_s: 1.5, interrupted: false };
        insta::assert_snapshot!(text(&Document::new(head, &tally)));
    }
}
