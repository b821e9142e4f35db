//! Anomalies: states that a correct Raft never shows.

/// A state that a correct log never shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anomaly {
    TwoLeaders,
    TermBack,
    CommitBack,
    AppliedBeyondCommit,
    CommittedDeleted,
    AppliedDeleted,
}

impl Anomaly {
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::TwoLeaders => "second leader in one term",
            Self::TermBack => "term decreases",
            Self::CommitBack => "commit index decreases",
            Self::AppliedBeyondCommit => "applied beyond the commit index",
            Self::CommittedDeleted => "committed entries deleted",
            Self::AppliedDeleted => "applied entries deleted",
        }
    }
}
