//! The verdict of a run, from its exit status, its log, and the reason for which dstest ended it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::process::group::EndReason;
use crate::process::survivors::SurvivingProcesses;
use crate::record::{Cache, LogScan, Reported, Verdict};
use crate::suite::Harness;

/// Everything a verdict rests on.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) harness: Harness,
    /// `true` if a subtest was asked for, which must then have run.
    pub(super) wants_subtest: bool,
    pub(super) status: ExitStatus,
    pub(super) ended: Option<EndReason>,
    pub(super) survivors: SurvivingProcesses,
    pub(super) scan: &'a LogScan,
}

/// A verdict, with a reason where the log has none or a better one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) reason: Option<String>,
}

/// Judges a run that was started.
pub(super) fn judge(evidence: &Evidence<'_>) -> Judgement {
    match evidence.ended {
        Some(EndReason::Timeout) => because(Verdict::TimedOut, None),
        Some(EndReason::OutputLimit) => {
            because(Verdict::OutputLimit, Some("output limit exceeded (--max-output)"))
        }
        // A run that passed before the signal reached it has passed.
        Some(EndReason::Cancelled) if !evidence.status.success() => {
            because(Verdict::Cancelled, None)
        }
        Some(EndReason::Cancelled) | None => judge_status(evidence),
    }
}

fn judge_status(evidence: &Evidence<'_>) -> Judgement {
    if evidence.status.signal().is_some() {
        return because(Verdict::Signalled, None);
    }
    let scan = evidence.scan;
    if !evidence.status.success() {
        return match (evidence.harness, evidence.status.code(), scan.report.command()) {
            (Harness::Opaque, Some(SKIPPED_CODE), _) => skipped(scan, "exit code 77"),
            (Harness::Opaque, Some(code), Some(Reported::Skipped | Reported::NothingRan))
                if NO_TESTS_CODES.contains(&code) =>
            {
                skipped(scan, NOTHING_RAN)
            }
            (Harness::Libtest | Harness::Go | Harness::Opaque, _, _) => {
                because(Verdict::Failed, None)
            }
        };
    }
    if let Some(line) = &scan.fail_match {
        return because(Verdict::Failed, Some(line));
    }
    let reported = match evidence.harness {
        Harness::Libtest => scan.report.libtest(),
        Harness::Go => scan.report.go(),
        Harness::Opaque => scan.report.command(),
    };
    // The exit code alone would call it a pass.
    let cache = scan.report.cache().filter(|_| evidence.harness == Harness::Opaque);
    if let Some(cache) = cache {
        return because(Verdict::NotStarted, Some(cached(cache)));
    }
    match (evidence.harness, reported) {
        (_, Some(Reported::Skipped)) => skipped(scan, "no reason given"),
        (Harness::Go, _) if evidence.wants_subtest && !scan.ran_subtest => {
            because(Verdict::NotStarted, Some("no subtest matches"))
        }
        (Harness::Libtest | Harness::Go, Some(Reported::NothingRan)) => {
            because(Verdict::NotStarted, Some("the program no longer has this test"))
        }
        (Harness::Opaque, Some(Reported::NothingRan)) => skipped(scan, NOTHING_RAN),
        (Harness::Libtest | Harness::Go, None) => because(Verdict::Failed, Some(EXITED_EARLY)),
        (Harness::Opaque, None) | (_, Some(Reported::Passed)) => passed(evidence),
    }
}

fn passed(evidence: &Evidence<'_>) -> Judgement {
    match (&evidence.scan.skip_match, evidence.survivors) {
        (Some(line), _) => because(Verdict::Skipped, Some(line)),
        (None, SurvivingProcesses::None) => because(Verdict::Passed, None),
        (None, SurvivingProcesses::Killed) => because(Verdict::Leaked, None),
    }
}

fn skipped(scan: &LogScan, otherwise: &str) -> Judgement {
    because(Verdict::Skipped, Some(scan.report.reason().unwrap_or(otherwise)))
}

fn because(verdict: Verdict, reason: Option<&str>) -> Judgement {
    Judgement { verdict, reason: reason.map(ToOwned::to_owned) }
}

/// The exit code with which a command says that it was skipped, as automake and meson read it.
const SKIPPED_CODE: i32 = 77;

/// The exit codes of nextest, and of pytest and unittest, without tests; of other programs they are failures.
const NO_TESTS_CODES: [i32; 2] = [4, 5];

const NOTHING_RAN: &str = "there was no test to run";

/// The reason of a run that was none, and what to do.
const fn cached(cache: Cache) -> &'static str {
    match cache {
        Cache::Go => "go test took the result from its cache and ran nothing: add -count=1",
        Cache::Gradle => "gradle took the result from its cache and ran nothing: add --rerun-tasks",
        Cache::Bazel => {
            "bazel took the result from its cache and ran nothing: add --nocache_test_results"
        }
    }
}

/// The exit code alone would call it a pass.
const EXITED_EARLY: &str = "the process exited with 0 before the test had ended";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LinePatterns;

    /// A raw wait status: an exit code in the high byte, a signal in the low one.
    fn judged(harness: Harness, raw: i32, ended: Option<EndReason>, log: &LogScan) -> Verdict {
        let status = ExitStatus::from_raw(raw);
        let survivors = SurvivingProcesses::None;
        let wants_subtest = false;
        judge(&Evidence { harness, wants_subtest, status, ended, survivors, scan: log }).verdict
    }

    fn log(text: &str) -> LogScan {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        LogScan::of_file(file.path(), LinePatterns::default()).unwrap()
    }

    #[test]
    fn verdicts() {
        use EndReason::{Cancelled, OutputLimit, Timeout};
        use Harness::{Go, Libtest, Opaque};
        let rust = |counts| format!("test result: ok. {counts}");
        let (passed, nothing) = (rust("1 passed; 0 failed"), rust("0 passed; 0 failed"));
        let ignored = rust("0 passed; 0 failed; 1 ignored");
        let rows = [
            (Libtest, 0, None, &*passed, Verdict::Passed),
            (Libtest, 0, None, "", Verdict::Failed),
            (Libtest, 0, None, &nothing, Verdict::NotStarted),
            (Libtest, 0, None, &ignored, Verdict::Skipped),
            (Libtest, 77 << 8, None, "", Verdict::Failed),
            (Go, 0, None, "testing: warning: no tests to run", Verdict::NotStarted),
            (Go, 0, None, "", Verdict::Failed),
            (Go, 0, None, "--- PASS: TestA (0.00s)", Verdict::Passed),
            (Go, 0, None, "--- SKIP: TestA (0.00s)", Verdict::Skipped),
            (Go, 2, Some(Timeout), "", Verdict::TimedOut),
            (Opaque, 0, None, "", Verdict::Passed),
            (Opaque, 0, None, "=== 2 skipped in 0.1s ===", Verdict::Skipped),
            (Opaque, 0, None, "ok  \ta\t(cached)", Verdict::NotStarted),
            (Opaque, 0, None, "> Task :test UP-TO-DATE", Verdict::NotStarted),
            (Opaque, 4 << 8, None, "Summary [ 0.1s] 0 tests run: 0 passed", Verdict::Skipped),
            (Opaque, 4 << 8, None, "", Verdict::Failed),
            (Opaque, 77 << 8, None, "", Verdict::Skipped),
            (Opaque, 5 << 8, None, "no tests ran in 0.01s", Verdict::Skipped),
            (Opaque, 5 << 8, None, "=== 5 skipped in 0.01s ===", Verdict::Skipped),
            (Opaque, 5 << 8, None, "=== 1 passed in 0.01s ===", Verdict::Failed),
            (Opaque, 1 << 8, None, "=== 1 skipped in 0.01s ===", Verdict::Failed),
            (Libtest, 101 << 8, None, "", Verdict::Failed),
            (Opaque, 11, None, "", Verdict::Signalled),
            (Opaque, 15, Some(Timeout), "", Verdict::TimedOut),
            (Opaque, 0, Some(Timeout), "", Verdict::TimedOut),
            (Opaque, 9, Some(OutputLimit), "", Verdict::OutputLimit),
            (Opaque, 15, Some(Cancelled), "", Verdict::Cancelled),
            (Opaque, 0, Some(Cancelled), "", Verdict::Passed),
        ];
        for (harness, raw, ended, scan, want) in rows {
            assert_eq!(
                judged(harness, raw, ended, &log(scan)),
                want,
                "{harness:?} {raw} {ended:?} {scan}"
            );
        }
    }
}
