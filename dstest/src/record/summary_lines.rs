//! Summaries of test runners in other languages: jest, vitest, node:test, mocha, JUnit's console,
//! Catch2, doctest, GoogleTest, CTest. Each has lines of its own; no other line counts for anything.

use std::sync::LazyLock;

use regex::Regex;

/// The meaning of a line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    /// Tests that passed or failed; below 0 for those that an earlier line counted by mistake.
    pub(super) tested: i64,
    /// Tests that were skipped.
    pub(super) skipped: u64,
    /// `true` if there was no test to run.
    pub(super) is_empty: bool,
    /// The reason of a skipped test.
    pub(super) reason: Option<String>,
}

/// A reader of summaries.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct SummaryLines {
    /// Mocha's summary has begun; its other lines could be those of any program.
    is_mocha: bool,
}

impl SummaryLines {
    /// Reads a line without escape sequences and surrounding blanks.
    pub(super) fn line(&mut self, text: &str) -> Option<Summary> {
        if EMPTY.iter().any(|start| text.starts_with(start)) {
            return Some(Summary { is_empty: true, ..Summary::default() });
        }
        if let Some(found) = REASON.captures(text) {
            let reason = found.iter().skip(1).flatten().next().map(|it| it.as_str().to_owned());
            return reason.filter(|reason| reason != "SKIP").map(Summary::of_reason);
        }
        let list = text.strip_prefix("Tests:").filter(|_| text.ends_with(" total"));
        let list = list.or_else(|| text.strip_prefix("Tests  ").filter(|_| text.ends_with(')')));
        if let Some(list) = list.or_else(|| text.strip_prefix("test cases: ")) {
            return Some(Summary::of_list(list));
        }
        if let Some(found) = ONE.captures(text) {
            let mut groups = found.iter().skip(1).flatten().map(|group| group.as_str());
            let (first, second) = (groups.next()?, groups.next()?);
            return first
                .parse()
                .ok()
                .and_then(|count| Summary::of_word(second, count))
                .or_else(|| Summary::of_word(first, second.parse().ok()?));
        }
        if let Some(found) = CTEST.captures(text) {
            return Some(Summary { tested: found[1].parse().ok()?, ..Summary::default() });
        }
        if CTEST_SKIPPED.is_match(text) {
            return Some(Summary { tested: -1, skipped: 1, ..Summary::default() });
        }
        let found = MOCHA.captures(text)?;
        self.is_mocha |= found.get(3).is_some();
        if self.is_mocha { Summary::of_word(&found[2], found[1].parse().ok()?) } else { None }
    }
}

impl Summary {
    /// A number of tests with this result; `None` for words that are no result.
    fn of_word(word: &str, count: u64) -> Option<Self> {
        let tested = i64::try_from(count).ok()?;
        match word {
            "passed" | "failed" | "passing" | "failing" | "pass" | "fail" | "cancelled"
            | "successful" => Some(Self { tested, ..Self::default() }),
            "skipped" | "todo" | "pending" | "aborted" => {
                Some(Self { skipped: count, ..Self::default() })
            }
            "tests" | "found" => Some(Self { is_empty: count == 0, ..Self::default() }),
            _ => None,
        }
    }

    /// `1 failed | 2 skipped (3)`, `1 failed, 2 skipped, 3 total`.
    fn of_list(list: &str) -> Self {
        let mut sum = Self::default();
        for part in list.split([',', '|']) {
            let mut words = part.split_whitespace();
            let (count, word) = (words.next(), words.next());
            let count = count.and_then(|count| count.parse().ok());
            if let Some(part) = count.zip(word).and_then(|(count, word)| Self::of_word(word, count))
            {
                sum.tested += part.tested;
                sum.skipped += part.skipped;
            }
        }
        sum
    }

    fn of_reason(reason: String) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// The beginnings of lines that say that there was no test, whatever the exit code.
const EMPTY: [&str; 6] = [
    "No tests found, exiting with code 0",
    "No test files found, exiting with code 0",
    "No tests were found!!!",
    "No tests ran",
    "[==========] 0 tests from 0 test suites ran.",
    "[doctest] test cases: 0 |",
];

/// `ℹ pass 1` of node:test, `[         1 tests skipped         ]` of JUnit's console.
static ONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^ℹ (tests|pass|fail|cancelled|skipped|todo) ([0-9]+)$|^\[ +([0-9]+) tests (found|skipped|aborted|successful|failed) +\]$",
    )
});

/// `3 passing (5ms)`, `1 pending`.
static MOCHA: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([0-9]+) (passing|pending|failing)( \([0-9.]+(?:ms|s|m|h)\))?$"));

/// `67% tests passed, 1 tests failed out of 3`.
static CTEST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[0-9]+% tests passed, [0-9]+ tests? failed out of ([0-9]+)$"));

/// `2 - name (Skipped)`, in the list of tests that did not run.
static CTEST_SKIPPED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[0-9]+ - \S+ \((?:Skipped|Disabled|Not Run)\)$"));

/// `﹣ name (1ms) # reason` of node:test, `a() ↷ reason` and `a() ■ reason` of JUnit's console, `○
/// skipped name` of jest.
static REASON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^﹣ .* \([0-9.]+ms\) # (.+)$|^[│├└─ ].* [↷■] (.+)$|^○ skipped (.+)$")
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are compiled by its tests")
}

#[cfg(test)]
mod tests {
    use crate::record::harness_report::Reported;
    use crate::record::harness_report::tests::report;

    /// The last lines of real runs, each of tests that passed or failed, were skipped, or of none.
    #[test]
    fn a_run_is_what_its_summary_says() {
        use Reported::{NothingRan, Passed, Skipped};
        let junit = |found, skipped, aborted, successful| {
            let row = |count: u32, word: &str| format!("[{count:>10} tests {word:<15}]\n");
            [
                row(found, "found"),
                row(skipped, "skipped"),
                row(0, "started"),
                row(aborted, "aborted"),
            ]
            .concat()
                + &row(successful, "successful")
                + &row(0, "failed")
        };
        let junit = [(1, 1, 0, 0), (1, 0, 1, 0), (2, 1, 0, 1), (0, 0, 0, 0)].map(
            |(found, skipped, aborted, successful)| junit(found, skipped, aborted, successful),
        );
        let rows = [
            ("Tests:       1 skipped, 1 todo, 2 total", Some(Skipped)),
            ("Tests:       1 skipped, 1 passed, 2 total", Some(Passed)),
            ("Tests:       1 failed, 1 skipped, 2 total", Some(Passed)),
            ("No tests found, exiting with code 0", Some(NothingRan)),
            (
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[33m1 skipped\u{1b}[39m\u{1b}[90m (1)\u{1b}[39m",
                Some(Skipped),
            ),
            ("      Tests  1 passed | 1 skipped (2)", Some(Passed)),
            ("      Tests  3 passed (3)", Some(Passed)),
            ("No test files found, exiting with code 0", Some(NothingRan)),
            (
                "ℹ tests 1\nℹ suites 0\nℹ pass 0\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0",
                Some(Skipped),
            ),
            ("ℹ tests 2\nℹ pass 1\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0", Some(Passed)),
            (
                "ℹ tests 0\nℹ pass 0\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0",
                Some(NothingRan),
            ),
            ("  0 passing (4ms)\n  1 pending", Some(Skipped)),
            ("  2 passing (1s)\n  1 pending", Some(Passed)),
            ("1 pending", None),
            (&junit[0], Some(Skipped)),
            (&junit[1], Some(Skipped)),
            (&junit[2], Some(Passed)),
            (&junit[3], Some(NothingRan)),
            ("test cases: 2 | 1 passed | 1 skipped", Some(Passed)),
            ("test cases: 1 | 1 skipped", Some(Skipped)),
            ("No tests ran", Some(NothingRan)),
            ("[doctest] test cases: 0 | 0 passed | 0 failed | 2 skipped", Some(NothingRan)),
            (
                "[==========] 0 tests from 0 test suites ran. (0 ms total)\n[  PASSED  ] 0 tests.",
                Some(NothingRan),
            ),
            ("100% tests passed, 0 tests failed out of 1\n\t  2 - skips (Skipped)", Some(Skipped)),
            ("100% tests passed, 0 tests failed out of 2\n\t  2 - skips (Skipped)", Some(Passed)),
            ("No tests were found!!!", Some(NothingRan)),
            ("Tests are skipped", None),
            ("3 skipped", None),
        ];
        for (log, want) in rows {
            assert_eq!(report(log).command(), want, "{log}");
        }
    }

    #[test]
    fn a_skipped_test_has_a_reason() {
        let rows = [
            ("﹣ needs docker (0.94ms) # no docker here", Some("no docker here")),
            ("﹣ needs docker (0.94ms) # SKIP", None),
            ("│     └─ a() ↷ needs docker", Some("needs docker")),
            (
                "\u{1b}[36m│     └─\u{1b}[0m \u{1b}[33massume()\u{1b}[0m \u{1b}[33m■\u{1b}[0m \u{1b}[31mAssumption failed: no network\u{1b}[0m",
                Some("Assumption failed: no network"),
            ),
            ("  ○ skipped needs docker", Some("needs docker")),
        ];
        for (line, want) in rows {
            assert_eq!(report(line).reason(), want, "{line}");
        }
    }
}
