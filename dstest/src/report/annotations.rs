//! Failures as annotations of a CI service, at the line that they name.
//!
//! GitHub reads commands among the lines of a job (`::error file=a.rs,line=7::message`), GitLab a file in
//! the format of Code Climate (`artifacts: reports: codequality`). Pure.

use std::path::PathBuf;

use serde_json::json;

use crate::record::FailureKind;
use crate::text::sink::{screen, workflow_data, workflow_property};

/// A kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Failures for good, or of runs that passed when repeated.
    pub kind: FailureKind,
    /// The test and the number of its runs with this failure.
    pub title: String,
    /// The reason.
    pub reason: String,
    /// Further lines: the run, its seed, the command that repeats it.
    pub details: Vec<String>,
    /// The line that the reason names, if it is one of the repository's.
    pub place: Option<Place>,
    /// The same for this kind of failure in each campaign.
    pub fingerprint: String,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the repository.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
}

/// The findings as commands for GitHub, the first ones of each kind: it shows no more of a step.
#[must_use]
pub fn github(findings: &[Finding]) -> String {
    let mut out = String::new();
    for (kind, command) in [(FailureKind::Final, "error"), (FailureKind::Flaky, "warning")] {
        let of_kind = findings.iter().filter(|finding| finding.kind == kind);
        let count = of_kind.clone().count();
        for finding in of_kind.take(SHOWN_MAX) {
            let place = finding.place.as_ref().map_or_else(String::new, |place| {
                let file = workflow_property(&place.file.to_string_lossy());
                format!("file={file},line={},", place.line)
            });
            let title = workflow_property(&finding.title);
            let lines = std::iter::once(&finding.reason).chain(&finding.details);
            let lines: Vec<String> = lines.map(|line| screen(line)).collect();
            let text = workflow_data(&lines.join("\n"));
            out.push_str(&format!("::{command} {place}title={title}::{text}\n"));
        }
        if count > SHOWN_MAX {
            let more = count - SHOWN_MAX;
            out.push_str(&format!("::notice::{more} more kinds of failure; see the summary\n"));
        }
    }
    out
}

/// The findings that have a place, as a report on code quality for GitLab.
#[must_use]
pub fn code_quality(findings: &[Finding]) -> String {
    let issue = |finding: &Finding| {
        let place = finding.place.as_ref()?;
        let severity = match finding.kind {
            FailureKind::Final => "major",
            FailureKind::Flaky => "minor",
        };
        Some(json!({
            "description": screen(&format!("{}: {}", finding.title, finding.reason)),
            "check_name": "dstest",
            "fingerprint": finding.fingerprint,
            "severity": severity,
            "location": {"path": place.file, "lines": {"begin": place.line}},
        }))
    };
    let issues: Vec<_> = findings.iter().filter_map(issue).collect();
    format!("{:#}\n", serde_json::Value::from(issues))
}

/// GitHub shows ten errors and ten warnings of a step.
const SHOWN_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: FailureKind, place: Option<(&str, u32)>) -> Finding {
        Finding {
            kind,
            title: "lab: a, b failed in 3 of 50 runs".to_owned(),
            reason: "50 % lost\u{1b}[31m\n::error::forged".to_owned(),
            details: vec!["run #3, seed 7: dstest replay 4f2a a#3".to_owned()],
            place: place.map(|(file, line)| Place { file: file.into(), line }),
            fingerprint: "00ff".to_owned(),
        }
    }

    #[test]
    fn a_failure_is_one_command_whatever_it_says() {
        let findings = [
            finding(FailureKind::Final, Some(("tests/a,b:c.rs", 7))),
            finding(FailureKind::Flaky, None),
        ];
        insta::assert_snapshot!(github(&findings) + &code_quality(&findings));
    }

    #[test]
    fn kinds_that_would_not_be_shown_are_counted() {
        let findings = vec![finding(FailureKind::Final, None); 13];
        let commands = github(&findings);
        assert_eq!(commands.matches("::error ").count(), 10);
        assert!(commands.ends_with("::notice::3 more kinds of failure; see the summary\n"));
    }
}
