//! One failure as it happens: its reason, its log, and the command that replays it; or its end.

use crate::seed::{Iteration, Seed};
use crate::text::sink;
use crate::text::style::{Paint, TextStyle};

/// A failure as it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailureReport {
    /// Display name of the test.
    pub test: String,
    /// The iteration.
    pub iter: Iteration,
    /// Its verdict ("failed", "timed out").
    pub verdict: &'static str,
    /// Its reason, in one line.
    pub signature: String,
    /// Its seed, if it has failed with it in the campaign before, too.
    pub again: Option<Seed>,
    /// Its log, if it has one.
    pub log: Option<String>,
    /// The directory with the files that it left, if it left any.
    pub files: Option<String>,
    /// The command that repeats it.
    pub replay: String,
    /// Its novelty.
    pub novelty: Novelty,
}

/// The novelty of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// Not seen before in this campaign.
    New,
    /// First seen in this iteration of the same test.
    SameAs(Iteration),
}

impl FailureReport {
    /// The report as lines: in full for a new failure, in one line for one that is known.
    #[must_use]
    pub(crate) fn text(&self, paint: Paint) -> String {
        let head = paint.apply(TextStyle::Bad, &format!("{:>12}", self.verdict.to_uppercase()));
        let name =
            paint.apply(TextStyle::Strong, &format!("{} #{}", sink::screen(&self.test), self.iter));
        let replay = paint.apply(TextStyle::Faint, &sink::screen(&self.replay));
        match self.novelty {
            Novelty::SameAs(first) => format!("{head}  {name}  same as #{first}: {replay}\n"),
            Novelty::New => {
                let log = self.log.as_deref().map_or_else(String::new, |log| {
                    format!(
                        "{:>12}  {}\n",
                        "log",
                        paint.apply(TextStyle::Faint, &sink::screen(log))
                    )
                });
                let (again, seed) = match self.again {
                    Some(seed) => ("still fails: ", format!("{:>12}  {seed}\n", "seed")),
                    None => ("", String::new()),
                };
                let head = format!("{head}  {name}  {again}{}\n", sink::screen(&self.signature));
                let files = self.files.as_deref().map_or_else(String::new, |files| {
                    format!(
                        "{:>12}  {}\n",
                        "files",
                        paint.apply(TextStyle::Faint, &sink::screen(files))
                    )
                });
                format!("{head}{seed}{log}{files}{:>12}  {replay}\n", "replay")
            }
        }
    }
}

/// A run that passes with the seed with which it failed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedReport {
    /// Display name of the test.
    pub test: String,
    /// The iteration.
    pub iter: Iteration,
    /// The seed of both runs.
    pub seed: Seed,
}

impl FixedReport {
    /// The report as a line.
    #[must_use]
    pub(crate) fn text(&self, paint: Paint) -> String {
        let head = paint.apply(TextStyle::Good, &format!("{:>12}", "PASSED"));
        let name =
            paint.apply(TextStyle::Strong, &format!("{} #{}", sink::screen(&self.test), self.iter));
        format!("{head}  {name}  passes now with seed {}\n", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_reported_in_full_once() {
        let mut report = FailureReport {
            test: "figure8_2c".into(),
            iter: Iteration::new(17).unwrap(),
            verdict: "failed",
            signature: "two leaders in term 4 (tests/lab.rs:88:9)".into(),
            again: None,
            files: Some(".dstest/latest/logs/figure8_2c/17.dir".into()),
            log: Some(".dstest/latest/logs/figure8_2c/17.log".into()),
            replay: "dstest replay 4f2a figure8_2c#17".into(),
            novelty: Novelty::New,
        };
        let first = report.text(Paint::Plain);
        report.again = Some(Seed::new(42));
        let again = report.text(Paint::Plain);
        report.novelty = Novelty::SameAs(Iteration::FIRST);
        insta::assert_snapshot!(first + &again + &report.text(Paint::Plain));
    }
}
