//! The runs of a campaign that were planned and those that are done, and the way it ended.

use serde::{Deserialize, Serialize};

use crate::record::Verdict;
use crate::report::summary::runs;
use crate::report::tally::{Tally, TestTally};
use crate::store::CampaignFile;

/// The runs that were planned and those that are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// Runs that were planned; `None` without a number, as with `--for` or `--until-fail`.
    pub planned: Option<u64>,
    /// Runs with a result, skipped ones included.
    pub done: u64,
    /// Planned runs that were left out, as their tests had failed often enough.
    pub left_out: Option<LeftOut>,
    /// The way it ended.
    pub end: End,
}

/// Runs that `--max-fail-per-test` left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// Their number.
    pub runs: u64,
    /// The failures of a test after which it was not repeated.
    pub limit: u32,
}

/// The way in which a campaign ended, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Everything planned was run.
    Complete,
    /// The time of `--for` is over.
    Time,
    /// The failure limit is reached.
    Failures,
    /// It was stopped by dstest, since it could not go on.
    Stopped,
    /// The user, or a change of the sources, ended it; or it was killed.
    Interrupted,
    /// It has not ended.
    Running,
}

impl Completion {
    /// The completion of a campaign with this tally.
    #[must_use]
    pub fn of(file: &CampaignFile, tally: &Tally, end: End) -> Self {
        let done = tally.tests().iter().map(done).sum();
        Self { planned: file.planned(), done, left_out: LeftOut::of(file, tally), end }
    }

    /// Runs that were planned and are not done.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.planned.map_or(0, |planned| planned.saturating_sub(self.done))
    }

    /// `true` if nothing is left to be done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match (self.planned, self.end) {
            (Some(_), _) => self.missing() == 0,
            (None, End::Complete | End::Time | End::Failures) => true,
            (None, End::Stopped | End::Interrupted | End::Running) => false,
        }
    }

    /// `true` if it was ended before its end.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.end == End::Interrupted && !self.is_complete()
    }

    /// The number of runs: `60 runs`, `40 of 60 runs`.
    #[must_use]
    pub fn runs(&self) -> String {
        match self.planned {
            Some(planned) if self.missing() > 0 => format!("{} of {planned} runs", self.done),
            _ => runs(self.done),
        }
    }

    /// A line about what was planned and is not done, and why; empty if nothing is. `resume` is the
    /// command that runs the rest.
    #[must_use]
    pub fn remark(&self, resume: &str) -> String {
        let left_out = self.left_out.map_or(0, |left_out| left_out.runs);
        let missing = self.missing().saturating_sub(left_out);
        let reason = match self.end {
            End::Running => "still to come: the campaign is running",
            End::Time => "not run: the time of --for was over",
            End::Failures => "not run: the failure limit was reached",
            End::Complete | End::Stopped | End::Interrupted if missing == 1 => "is missing",
            End::Complete | End::Stopped | End::Interrupted => "are missing",
        };
        let mut parts = Vec::new();
        if missing > 0 {
            parts.push(format!("{} {reason}", runs(missing)));
        }
        if let Some(LeftOut { runs: count, limit }) = self.left_out {
            let failures = if limit == 1 { "1 failure" } else { &format!("{limit} failures") };
            parts.push(format!("{} not run: their test was stopped after {failures}", runs(count)));
        }
        match (parts.join(", "), self.end) {
            (none, _) if none.is_empty() => none,
            (parts, End::Running) => format!("{parts}\n"),
            (parts, _) => format!("{parts}; to run the rest: {resume}\n"),
        }
    }
}

impl LeftOut {
    /// The missing runs of tests that have reached the limit; `None` if there are none.
    fn of(file: &CampaignFile, tally: &Tally) -> Option<Self> {
        let (limit, planned) = (file.max_fail_per_test?, file.planned_of_each()?);
        let stopped = tally.tests().iter().filter(|test| test.failed() >= u64::from(limit));
        let runs = stopped.map(|test| planned.saturating_sub(done(test))).sum();
        (runs > 0).then_some(Self { runs, limit })
    }
}

/// Runs of a test with a result.
fn done(test: &TestTally) -> u64 {
    let open = [Verdict::Cancelled, Verdict::NotStarted];
    Verdict::ALL.iter().filter(|it| !open.contains(it)).map(|it| test.count(*it)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tally::tests::record;
    use crate::store::campaign_file::tests::campaign_file;

    #[test]
    fn an_end_is_complete_only_if_everything_planned_is_done() {
        let of = |planned, done, end| Completion { planned, done, left_out: None, end };
        let rows = [
            (of(Some(60), 60, End::Complete), true, false, "60 runs"),
            (of(Some(60), 40, End::Interrupted), false, true, "40 of 60 runs"),
            (of(Some(60), 60, End::Interrupted), true, false, "60 runs"),
            (of(Some(60), 40, End::Failures), false, false, "40 of 60 runs"),
            (of(Some(60), 40, End::Time), false, false, "40 of 60 runs"),
            (of(Some(60), 40, End::Complete), false, false, "40 of 60 runs"),
            (of(None, 40, End::Time), true, false, "40 runs"),
            (of(None, 1, End::Failures), true, false, "1 run"),
            (of(None, 40, End::Interrupted), false, true, "40 runs"),
            (of(None, 40, End::Running), false, false, "40 runs"),
        ];
        for (completion, complete, interrupted, runs) in rows {
            assert_eq!(completion.is_complete(), complete, "{completion:?}");
            assert_eq!(completion.is_interrupted(), interrupted, "{completion:?}");
            assert_eq!(completion.runs(), runs);
        }
        let line = of(Some(60), 40, End::Interrupted).remark("`dstest resume ab12`");
        assert_eq!(line, "20 runs are missing; to run the rest: `dstest resume ab12`\n");
        let line = of(Some(60), 59, End::Time).remark("x");
        assert_eq!(line, "1 run not run: the time of --for was over; to run the rest: x\n");
        let line = of(Some(60), 59, End::Running).remark("x");
        assert_eq!(line, "1 run still to come: the campaign is running\n");
        assert_eq!(of(Some(60), 60, End::Complete).remark("x"), "");
    }

    #[test]
    fn runs_of_a_test_that_was_stopped_are_said_as_what_they_are() {
        let mut file = campaign_file(&["a", "b"]);
        file.max_fail_per_test = Some(2);
        let mut tally = Tally::of(&file.tests);
        for iter in 1..=20 {
            tally.record(0, &record("a", iter, Verdict::Passed, 0.1));
        }
        for iter in 1..=2 {
            tally.record(1, &record("b", iter, Verdict::Failed, 0.1));
        }
        let completion = Completion::of(&file, &tally, End::Complete);
        assert_eq!(completion.runs(), "22 of 40 runs");
        assert_eq!(
            completion.remark("x"),
            "18 runs not run: their test was stopped after 2 failures; to run the rest: x\n"
        );
        let mut tally = Tally::of(&file.tests);
        tally.record(1, &record("b", 1, Verdict::Failed, 0.1));
        assert_eq!(Completion::of(&file, &tally, End::Complete).left_out, None);
    }
}
