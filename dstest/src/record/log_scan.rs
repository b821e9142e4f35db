//! The facts in a finished run's log: metrics, trace hash, coverage, the harness's verdict, the
//! failure.
//!
//! The log is read once, in pieces of fixed size: memory does not depend on what a test prints.
//! Lines are cut at a fixed length; nothing a program can print makes this fail.

use std::io::{self, Read};
use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem;
use regex::bytes::Regex;

use super::coverage::RunCoverage;
use super::events_in_json;
use super::harness_report::HarnessReport;
use super::metrics::Metrics;
use super::passed_line;
use super::reason::FailureReason;
use super::run_record::Trace;
use super::signature::printable;
use crate::store::open_dir::open_file;

/// Everything taken from one log.
#[derive(Debug, Default)]
pub struct LogScan {
    /// Bytes in the log.
    pub bytes: u64,
    /// From the last `... Passed --` line.
    pub metrics: Option<Metrics>,
    /// From the last `trace=` word.
    pub trace: Option<Trace>,
    /// From the last `sometimes:` line.
    pub coverage: Option<RunCoverage>,
    /// The results that the test's harness printed.
    pub report: HarnessReport,
    /// `true` if Go has begun a subtest.
    pub ran_subtest: bool,
    /// The first line that matches `--fail-regex`.
    pub fail_match: Option<String>,
    /// The first line that matches `--skip-regex`.
    pub skip_match: Option<String>,
    /// Finds the line that explains a failure.
    pub classifier: FailureReason,
}

impl LogScan {
    /// Reads a whole log, and looks for lines that mean a failure or a skipped run.
    ///
    /// # Errors
    /// If the file cannot be read; an empty file is fine.
    pub fn of_file(path: &Path, patterns: LinePatterns<'_>) -> io::Result<Self> {
        let mut scan = Self::default();
        let mut file = open_file(path)?;
        scan.read(&mut file, patterns)?;
        Ok(scan)
    }

    /// Reads everything from `input`.
    fn read(&mut self, input: &mut impl Read, patterns: LinePatterns<'_>) -> io::Result<()> {
        let mut lines = LineCutter::default();
        let mut buffer = [0; 32 * 1024];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    self.bytes += count as u64;
                    lines.feed(&buffer[..count], |line| self.line(line, patterns));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        lines.finish(|line| self.line(line, patterns));
        Ok(())
    }

    fn line(&mut self, line: &[u8], patterns: LinePatterns<'_>) {
        match events_in_json::lines(line) {
            Some(lines) => lines.lines().for_each(|line| self.plain(line.as_bytes(), patterns)),
            None => self.plain(line, patterns),
        }
    }

    /// Reads a line as the harness has printed it.
    fn plain(&mut self, line: &[u8], patterns: LinePatterns<'_>) {
        let line = &line[..line.len().min(LINE_BYTES_MAX)];
        find(&mut self.fail_match, patterns.fail, line);
        find(&mut self.skip_match, patterns.skip, line);
        if FACTS.is_match(line) {
            self.facts(line);
        }
        self.report.line(line);
        self.ran_subtest |= line.starts_with(b"=== RUN") && line.contains(&b'/');
        self.classifier.line(line);
    }

    fn facts(&mut self, line: &[u8]) {
        if let Some(metrics) = passed_line::parse(line) {
            self.metrics = Some(metrics);
        }
        if let Some(number) = passed_line::undecided(line) {
            self.metrics.get_or_insert_default().set(passed_line::UNDECIDED, number);
        }
        if let Some(trace) = trace_word(line) {
            self.trace = Some(trace);
        }
        if let Some(sometimes) = RunCoverage::of_line(line) {
            self.coverage = Some(sometimes);
        }
    }
}

/// Words of which each line with a fact has one. One search for all of them is most of the work on
/// a large log.
static FACTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("Passed --|undecided:|trace=|sometimes:").expect("a fixed expression")
});

/// Patterns of lines that decide about a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinePatterns<'a> {
    /// A line that means failure.
    pub fail: Option<&'a Regex>,
    /// A line that means that a run without a failure was skipped.
    pub skip: Option<&'a Regex>,
}

/// Keeps the first line that matches.
fn find(first: &mut Option<String>, pattern: Option<&Regex>, line: &[u8]) {
    if first.is_none() && pattern.is_some_and(|pattern| pattern.is_match(line)) {
        *first = Some(printable(line));
    }
}

/// A word `trace=` with exactly 16 hexadecimal digits.
fn trace_word(line: &[u8]) -> Option<Trace> {
    let at = memmem::find(line, b"trace=")?;
    let starts_word = at == 0 || line[at - 1].is_ascii_whitespace();
    let rest = &line[at + b"trace=".len()..];
    let end = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
    if starts_word { Trace::from_hex(&rest[..end]) } else { None }
}

/// Cuts a stream of pieces into lines of bounded length.
#[derive(Default)]
struct LineCutter {
    partial: Vec<u8>,
}

impl LineCutter {
    fn feed(&mut self, mut piece: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            if self.partial.is_empty() {
                each(cut(&piece[..end]));
            } else {
                self.keep(&piece[..end]);
                each(&self.partial);
                self.partial.clear();
            }
            piece = &piece[end + 1..];
        }
        self.keep(piece);
    }

    fn finish(self, mut each: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            each(&self.partial);
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        let first = self.partial.first().or(piece.first());
        let room = bytes_max(first).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

fn cut(line: &[u8]) -> &[u8] {
    &line[..line.len().min(bytes_max(line.first()))]
}

/// The bytes that are kept of a line with this first one.
fn bytes_max(first: Option<&u8>) -> usize {
    if first == Some(&b'{') { EVENT_BYTES_MAX } else { LINE_BYTES_MAX }
}

/// No line with a fact is longer; the rest of a longer one is ignored.
const LINE_BYTES_MAX: usize = 4096;

/// An event in JSON holds all that a test has printed; a longer one is no event.
const EVENT_BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Reported;

    fn scan(log: &[u8]) -> LogScan {
        let mut scan = LogScan::default();
        scan.read(&mut &log[..], LinePatterns::default()).unwrap();
        scan
    }

    #[test]
    fn a_lab_test_reports_itself() {
        let log = b"running 1 test\nTest (2B): backup ...\n  ... Passed --  27.4  5 1988 1283612  102\n\
            trace=00112233aabbccdd\nsometimes: truncation=2 torn=0\ntest backup_2b ... ok\n\ntest result: ok. 1 passed; 0 failed;\n";
        let got = scan(log);
        assert!(got.metrics.is_some());
        assert_eq!(got.trace.unwrap().to_string(), "00112233aabbccdd");
        assert!(got.coverage.is_some());
        assert_eq!(got.report.libtest(), Some(Reported::Passed));
        assert_eq!(got.bytes, log.len() as u64);
    }

    #[test]
    fn a_line_with_any_one_fact_is_looked_at() {
        let facts = |line: &str| {
            let LogScan { metrics, trace, coverage, .. } = scan(line.as_bytes());
            let metrics = serde_json::to_value(metrics).unwrap();
            let undecided = metrics[passed_line::UNDECIDED].as_u64();
            (metrics["peers"].as_u64(), undecided, trace.is_some(), coverage.is_some())
        };
        let rows = [
            ("... Passed --  27.4  5 1988 1283612  102", (Some(5), None, false, false)),
            ("undecided: 2 keys, whose histories are long", (None, Some(2), false, false)),
            ("trace=00112233aabbccdd", (None, None, true, false)),
            ("sometimes: truncation=2 torn=0", (None, None, false, true)),
        ];
        for (line, want) in rows {
            assert_eq!(facts(line), want, "{line}");
        }
    }

    #[test]
    fn an_event_in_json_is_read_whole_however_long_it_is() {
        for length in [LINE_BYTES_MAX - 50, LINE_BYTES_MAX, 1 << 18] {
            let text = format!("{}\ntest result: FAILED. 0 passed; 1 failed\n", "x".repeat(length));
            for event in [
                serde_json::json!({"Action": "output", "Output": text}),
                serde_json::json!({"type": "test", "event": "failed", "stdout": text}),
            ] {
                let got = scan(format!("{event}\nnext\n").as_bytes());
                assert_eq!(got.report.libtest(), Some(Reported::Passed), "{length} bytes");
            }
        }
    }

    #[test]
    fn the_harness_may_print_before_the_test_on_the_same_line() {
        let got = scan(
            b"test a_2a ...   ... Passed --  3.0  3 10 20 0\ntest a ... trace=0123456789abcdef",
        );
        assert!(got.metrics.is_some() && got.trace.is_some());
    }

    #[test]
    fn lookalikes_of_facts_are_ignored() {
        let rows: [&[u8]; 3] =
            [b"trace=0123", b"retrace=0123456789abcdef", b"trace=0123456789abcdefff"];
        for log in rows {
            let got = scan(log);
            assert!(got.trace.is_none(), "{}", log.escape_ascii());
        }
    }

    #[test]
    fn an_exact_run_of_no_test_is_noticed() {
        let rust = scan(b"test result: ok. 0 passed; 0 failed").report.libtest();
        let go = scan(b"testing: warning: no tests to run\nPASS\n").report.go();
        assert_eq!((rust, go), (Some(Reported::NothingRan), Some(Reported::NothingRan)));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(log in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..300), size in 1_usize..50) {
            let collect = |pieces: &mut dyn Iterator<Item = &[u8]>| {
                let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
                pieces.for_each(|piece| cutter.feed(piece, |line| lines.push(line.to_vec())));
                cutter.finish(|line| lines.push(line.to_vec()));
                lines
            };
            prop_assert_eq!(collect(&mut log.chunks(size)), collect(&mut std::iter::once(&log[..])));
        }
    }
}
