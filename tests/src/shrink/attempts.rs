//! Trying cases: the smallest one so far, and whether another one fails in the same way.

use super::error::ShrinkError;
use crate::case::Case;
use crate::report::FailureReport;
use crate::run::Run;

/// The search so far.
pub(super) struct Attempts {
    /// The smallest case so far that fails in the wanted way.
    pub(super) best: Case,
    /// Its report.
    pub(super) report: Box<FailureReport>,
    /// Number of cases tried.
    pub(super) tried: u64,
    expected: String,
    events: u64,
    /// The best case as executed: without decisions that had no effect.
    executed: Case,
}

impl Attempts {
    /// A search that begins with a case.
    ///
    /// # Errors
    /// The case does not fail in the wanted way.
    pub(super) fn new(case: &Case, expected: String) -> Result<Self, ShrinkError> {
        let run = Run::of_case(case, None);
        let found = run.case.fails.clone();
        match run.outcome {
            Err(report) if found.as_ref() == Some(&expected) => {
                let (best, executed) = (case.clone(), run.case);
                Ok(Self { best, report, tried: 1, expected, events: 0, executed })
            }
            Err(_) | Ok(_) => Err(ShrinkError::NotReproduced { expected, found }),
        }
    }

    /// Takes a case if it fails in the wanted way.
    pub(super) fn try_case(&mut self, mut case: Case) -> bool {
        if self.events > EVENTS_MAX || case == self.best {
            return false;
        }
        self.tried += 1;
        let run = Run::of_case(&case, None);
        self.events += match &run.outcome {
            Ok(report) => report.events,
            Err(report) => report.events + FAILURE_EVENTS,
        };
        match run.outcome {
            Err(report) if run.case.fails.as_ref() == Some(&self.expected) => {
                case.end = case.end.min(run.case.end);
                case.fails.clone_from(&run.case.fails);
                (self.best, self.executed, self.report) = (case, run.case, report);
                true
            }
            Err(_) | Ok(_) => false,
        }
    }

    /// Takes the best case as executed, which ends with the failure.
    pub(super) fn trim(&mut self) {
        while self.executed.size() < self.best.size() {
            let executed = self.executed.clone();
            if !self.try_case(executed) {
                return;
            }
        }
    }
}

/// About ten seconds.
const EVENTS_MAX: u64 = 10_000_000;

/// Cost of a failing run beside its events.
const FAILURE_EVENTS: u64 = 200;
