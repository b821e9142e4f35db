//! Anomalies: states that a correct Raft never shows. These are the rules of Raft in this crate.

use crate::meaning::state::StateKey;

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
    /// The anomaly of a new value of a key: by the number before it and the peer's numbers now.
    pub(crate) fn of_value(
        key: StateKey,
        before: Option<u64>,
        number: impl Fn(StateKey) -> Option<u64>,
    ) -> Option<Self> {
        let now = number(key)?;
        let decreases = before.is_some_and(|before| now < before);
        let is_below = |other| number(other).is_some_and(|other| now < other);
        match key {
            StateKey::Term if decreases => Some(Self::TermBack),
            StateKey::Commit if decreases => Some(Self::CommitBack),
            StateKey::Applied if number(StateKey::Commit).is_some_and(|commit| commit < now) => {
                Some(Self::AppliedBeyondCommit)
            }
            StateKey::Last if decreases && is_below(StateKey::Applied) => {
                Some(Self::AppliedDeleted)
            }
            StateKey::Last if decreases && is_below(StateKey::Commit) => {
                Some(Self::CommittedDeleted)
            }
            StateKey::Role
            | StateKey::Term
            | StateKey::Vote
            | StateKey::Commit
            | StateKey::Applied
            | StateKey::Last => None,
        }
    }

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
