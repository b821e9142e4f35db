//! The runs of a campaign that were planned and those that are done, and the way it ended.

use serde::{Deserialize, Serialize};

use crate::record::Verdict;
use crate::report::tally::Tally;

/// The runs that were planned and those that are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// Runs that were planned; `None` without a number, as with `--for` or `--until-fail`.
    pub planned: Option<u64>,
    /// Runs with a result, skipped ones included.
    pub done: u64,
    /// The way it ended.
    pub end: End,
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
    pub fn new(planned: Option<u64>, tally: &Tally, end: End) -> Self {
        let open = tally.count(Verdict::Cancelled) + tally.count(Verdict::NotStarted);
        Self { planned, done: tally.ended() - open, end }
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
            _ if self.done == 1 => "1 run".to_owned(),
            _ => format!("{} runs", self.done),
        }
    }

    /// A line about what is missing; empty if nothing is. `resume` is the command that runs the rest.
    #[must_use]
    pub fn remark(&self, resume: &str) -> String {
        let missing = match self.missing() {
            0 => return String::new(),
            1 => "1 run is missing".to_owned(),
            count => format!("{count} runs are missing"),
        };
        match self.end {
            End::Running => format!("{missing}: the campaign is still running\n"),
            End::Complete | End::Time | End::Failures | End::Stopped | End::Interrupted => {
                format!("{missing}; to run the rest: {resume}\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_complete_only_if_everything_planned_is_done() {
        let of = |planned, done, end| Completion { planned, done, end };
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
    }
}
