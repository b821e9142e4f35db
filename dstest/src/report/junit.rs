//! The JUnit export: one suite for each program, one case for each test, named alike in every
//! campaign, so that histories hold. A case fails if any run failed; its text says how often, and
//! has the reason, seed, replay command and end of the log of each kind of failure. Runs that passed
//! only when repeated are `flakyFailure` elements of a case that passed.
//!
//! The form is that of Jenkins' schema (`junit-10.xsd`), which also fits GitLab, Azure and Bamboo.

use super::json::Document;
use super::tally::{Group, Tally, TestTally};
use crate::record::{FailureKind, Verdict};
use crate::seed::Iteration;
use crate::text::sink::{screen, xml};

/// The stable name of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseName {
    /// Its program.
    pub class: String,
    /// Its name there.
    pub name: String,
}

/// The verdict on a test of which some runs passed and some failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MixedResults {
    /// A failure.
    Fail,
    /// A pass with `flakyFailure` elements.
    AreFlaky,
}

/// Facts on a failed run that are not in the tally.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The command that repeats it.
    pub replay: String,
    /// Its log, as users find it; empty without one.
    pub log: String,
    /// The last lines of the log.
    pub tail: Vec<String>,
}

/// The sources of the export.
pub struct Results<'a> {
    /// Head and times.
    pub document: &'a Document,
    /// Counts.
    pub tally: &'a Tally,
    /// The name of each test of the tally.
    pub names: &'a [CaseName],
    /// The verdict on mixed results.
    pub mixed: MixedResults,
    /// The evidence of a run.
    pub evidence: &'a dyn Fn(usize, Iteration) -> Evidence,
}

/// The campaign as XML.
#[must_use]
pub fn text(results: &Results<'_>) -> String {
    let mut classes: Vec<&str> = Vec::new();
    for name in results.names {
        if !classes.contains(&name.class.as_str()) {
            classes.push(&name.class);
        }
    }
    let suites: Vec<Suite> = classes.into_iter().map(|class| suite(results, class)).collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"dstest\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\">\n",
        sum(|suite| suite.tests),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
        results.document.wall_s
    );
    suites.iter().for_each(|suite| out.push_str(&suite.text));
    out.push_str("</testsuites>\n");
    out
}

struct Suite {
    text: String,
    tests: usize,
    failures: usize,
    errors: usize,
}

fn suite(results: &Results<'_>, class: &str) -> Suite {
    let of_class = |at: &usize| results.names[*at].class == class;
    let tests: Vec<usize> = (0..results.names.len()).filter(of_class).collect();
    let cases: Vec<(Outcome, String)> = tests.iter().map(|at| case(results, *at)).collect();
    let count = |outcome| cases.iter().filter(|(own, _)| *own == outcome).count();
    let (failures, errors) = (count(Outcome::Failed), count(Outcome::Error));
    let busy_s: f64 = tests.iter().map(|at| time_s(&results.tally.tests()[*at])).sum();
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"{}\" time=\"{busy_s:.3}\" timestamp=\"{}\">\n    <properties>\n      \
         <property name=\"seed\" value=\"{}\"/>\n      \
         <property name=\"runs\" value=\"{}\"/>\n      \
         <property name=\"complete\" value=\"{}\"/>\n    </properties>\n",
        xml(class),
        cases.len(),
        count(Outcome::Skipped),
        xml(&results.document.started),
        results.document.seed,
        xml(&results.document.runs()),
        results.document.complete,
    );
    cases.iter().for_each(|(_, case)| text.push_str(case));
    text.push_str("  </testsuite>\n");
    Suite { text, tests: cases.len(), failures, errors }
}

/// The outcome of a case for a machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Error,
    Skipped,
}

fn case(results: &Results<'_>, at: usize) -> (Outcome, String) {
    let test = &results.tally.tests()[at];
    let kinds: Vec<&Group> = kinds(results.tally, at);
    let is_mixed = test.failed() > 0 && test.failed() < test.total();
    let (outcome, inner) = match (test.failed(), test.total()) {
        (0, 0) if test.count(Verdict::NotStarted) > 0 => {
            let reason = results.tally.start_error().unwrap_or("could not be started");
            let text =
                format!("      <error type=\"not started\" message=\"{}\"/>\n", line(reason));
            (Outcome::Error, text)
        }
        (0, 0) => {
            let reason = test.skip_reason.as_deref().unwrap_or("no run has a result");
            (Outcome::Skipped, format!("      <skipped message=\"{}\"/>\n", line(reason)))
        }
        (failed, _) if failed == 0 || is_mixed && results.mixed == MixedResults::AreFlaky => {
            let flaky = |kind: &&Group| {
                format!(
                    "      <flakyFailure type=\"failed\" message=\"{}\">\n        <stackTrace>{}\
                     </stackTrace>\n      </flakyFailure>\n",
                    line(&kind.signature),
                    xml(&description(results, at, kind))
                )
            };
            (Outcome::Passed, kinds.iter().map(flaky).collect())
        }
        (_, _) => (Outcome::Failed, failure(results, at, &kinds)),
    };
    let CaseName { class, name } = &results.names[at];
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        line(class),
        line(name),
        time_s(test)
    );
    let text = if inner.is_empty() {
        format!("{head}/>\n")
    } else {
        format!("{head}>\n{inner}    </testcase>\n")
    };
    (outcome, text)
}

/// The most frequent kind as the message, all of them in the text.
fn failure(results: &Results<'_>, at: usize, kinds: &[&Group]) -> String {
    let test = &results.tally.tests()[at];
    let counts = format!("{} of {} runs failed", test.failed(), test.total());
    let reason = kinds.first().map_or(counts.as_str(), |kind| kind.signature.as_str());
    let more = match kinds.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more kinds of failure)", count - 1),
    };
    let mut body = format!("{counts}\n");
    kinds.iter().for_each(|kind| body.push_str(&description(results, at, kind)));
    format!(
        "      <failure type=\"failed\" message=\"{}\">{}</failure>\n",
        line(&format!("{reason}{more}")),
        xml(&body)
    )
}

/// The kinds of failures of a test, the most frequent first, and those of flaky runs last.
pub(super) fn kinds(tally: &Tally, test: usize) -> Vec<&Group> {
    let mut kinds: Vec<&Group> = tally.groups().iter().filter(|kind| kind.test == test).collect();
    kinds.sort_by_key(|kind| (kind.kind, std::cmp::Reverse(kind.count)));
    kinds.truncate(KINDS_MAX);
    kinds
}

/// The seed of a failed run behind its number: `, seed 7`, or nothing if it is not known.
pub(crate) fn seed_note(test: &TestTally, iter: Iteration) -> String {
    let mut failures = test.failures.iter().chain(&test.flaky);
    let found = failures.find(|failure| failure.iter == iter);
    found.map_or_else(String::new, |failure| format!(", seed {}", failure.seed))
}

fn description(results: &Results<'_>, at: usize, kind: &Group) -> String {
    let test = &results.tally.tests()[at];
    let seed = seed_note(test, kind.first);
    let evidence = (results.evidence)(at, kind.first);
    let flaky = if kind.kind == FailureKind::Flaky { FLAKY } else { "" };
    let mut text = format!(
        "{} × {flaky}{}\n  run     {}#{}{seed}\n  replay  {}\n",
        kind.count,
        screen(&kind.signature),
        screen(&test.name),
        kind.first,
        screen(&evidence.replay)
    );
    if !evidence.log.is_empty() {
        text.push_str(&format!("  log     {}\n", screen(&evidence.log)));
    }
    evidence.tail.iter().for_each(|line| text.push_str(&format!("    {}\n", screen(line))));
    text
}

/// The word before a failure of a run that passed when repeated.
pub(super) const FLAKY: &str = "flaky: ";

/// A text in one line for an attribute.
fn line(text: &str) -> String {
    xml(&screen(text))
}

/// The mean time of a run of the test.
fn time_s(test: &TestTally) -> f64 {
    test.any_time.mean().unwrap_or(0.0)
}

/// More kinds of failures than this hide each other.
const KINDS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::completion::{Completion, End};
    use crate::report::json::Head;
    use crate::report::tally::tests::record;
    use crate::seed::Seed;

    fn export(mixed: MixedResults) -> String {
        let mut tally = Tally::new(["a<b>", "hung", "broken", "left_out"]);
        tally.record(0, &record("a<b>", 1, Verdict::Passed, 0.5));
        tally.record(0, &record("a<b>", 2, Verdict::Passed, 0.5));
        let mut failed = record("a<b>", 3, Verdict::Failed, 0.5);
        failed.signature = Some("\"x\" & \u{7}y".to_owned());
        tally.record(0, &failed);
        tally.record(1, &record("hung", 1, Verdict::TimedOut, 61.23456));
        tally.record(2, &record("broken", 1, Verdict::NotStarted, 0.0));
        let (seed, started) = (Seed::new(7), "2026-11-23T11:59:16Z".to_owned());
        let (planned, left_out, end) = (Some(9), None, End::Failures);
        let completion = Completion { planned, done: 4, left_out, end };
        let head = Head { seed, started, wall_s: 1.5, completion };
        let case = |class: &str, name: &str| CaseName { class: class.into(), name: name.into() };
        let names = [
            case("p::lib", "m::a<b>"),
            case("p::lib", "m::hung"),
            case("p::t", "broken"),
            case("p::t", "x\ny"),
        ];
        let evidence = |test: usize, iter: Iteration| Evidence {
            replay: format!("dstest replay 4f2a {test}#{iter}"),
            log: "logs/a/3.log".to_owned(),
            tail: vec!["]]> </failure>".to_owned(), "\u{1b}[31mred".to_owned()],
        };
        text(&Results {
            document: &Document::new(head, &tally),
            tally: &tally,
            names: &names,
            mixed,
            evidence: &evidence,
        })
    }

    #[test]
    fn every_kind_of_case() {
        insta::assert_snapshot!(export(MixedResults::Fail));
    }

    #[test]
    fn flaky_on_request() {
        insta::assert_snapshot!(export(MixedResults::AreFlaky));
    }
}
