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
            Self::TwoLeaders => "a second leader in its term",
            Self::TermBack => "the term goes back",
            Self::CommitBack => "the commit index goes back",
            Self::AppliedBeyondCommit => "applied beyond what is committed",
            Self::CommittedDeleted => "entries up to its commit index are deleted",
            Self::AppliedDeleted => "applied entries are deleted",
        }
    }
}
