//! The verdict of a run, from its exit status, its log, and the reason for which dstest ended it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::process::group::{EndReason, SurvivingProcesses};
use crate::record::{LogScan, Verdict};
use crate::suite::Harness;

/// Everything a verdict rests on.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) harness: Harness,
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
    if !evidence.status.success() {
        return because(Verdict::Failed, None);
    }
    let scan = evidence.scan;
    if let Some(line) = &scan.fail_match {
        return because(Verdict::Failed, Some(line));
    }
    match evidence.harness {
        Harness::Libtest | Harness::Go if scan.nothing_ran => {
            because(Verdict::NotStarted, Some("the program no longer has this test"))
        }
        Harness::Libtest if !scan.libtest_passed => because(Verdict::Failed, Some(EXITED_EARLY)),
        Harness::Go if !scan.go_passed => because(Verdict::Failed, Some(EXITED_EARLY)),
        Harness::Libtest | Harness::Go | Harness::Opaque => match evidence.survivors {
            SurvivingProcesses::None => because(Verdict::Passed, None),
            SurvivingProcesses::Killed => because(Verdict::Leaked, None),
        },
    }
}

fn because(verdict: Verdict, reason: Option<&str>) -> Judgement {
    Judgement { verdict, reason: reason.map(ToOwned::to_owned) }
}

/// The exit code alone would call it a pass.
const EXITED_EARLY: &str = "the process exited with 0 before the test had ended";

#[cfg(test)]
mod tests {
    use super::*;

    /// A raw wait status: an exit code in the high byte, a signal in the low one.
    fn judged(harness: Harness, raw: i32, ended: Option<EndReason>, log: &LogScan) -> Verdict {
        let status = ExitStatus::from_raw(raw);
        judge(&Evidence { harness, status, ended, survivors: SurvivingProcesses::None, scan: log })
            .verdict
    }

    fn log(libtest_passed: bool, nothing_ran: bool) -> LogScan {
        LogScan { libtest_passed, nothing_ran, ..LogScan::default() }
    }

    #[test]
    fn verdicts() {
        use EndReason::{Cancelled, OutputLimit, Timeout};
        use Harness::{Go, Libtest, Opaque};
        let go_passed = LogScan { go_passed: true, ..LogScan::default() };
        let rows = [
            (Libtest, 0, None, log(true, false), Verdict::Passed),
            (Libtest, 0, None, log(false, false), Verdict::Failed),
            (Libtest, 0, None, log(false, true), Verdict::NotStarted),
            (Go, 0, None, log(false, true), Verdict::NotStarted),
            (Go, 0, None, log(false, false), Verdict::Failed),
            (Go, 0, None, go_passed, Verdict::Passed),
            (Go, 2, Some(Timeout), log(false, false), Verdict::TimedOut),
            (Opaque, 0, None, log(false, false), Verdict::Passed),
            (Libtest, 101 << 8, None, log(false, false), Verdict::Failed),
            (Opaque, 11, None, log(false, false), Verdict::Signalled),
            (Opaque, 15, Some(Timeout), log(false, false), Verdict::TimedOut),
            (Opaque, 0, Some(Timeout), log(false, false), Verdict::TimedOut),
            (Opaque, 9, Some(OutputLimit), log(false, false), Verdict::OutputLimit),
            (Opaque, 15, Some(Cancelled), log(false, false), Verdict::Cancelled),
            (Opaque, 0, Some(Cancelled), log(false, false), Verdict::Passed),
        ];
        for (harness, raw, ended, scan, want) in rows {
            assert_eq!(judged(harness, raw, ended, &scan), want, "{harness:?} {raw} {ended:?}");
        }
    }
}
