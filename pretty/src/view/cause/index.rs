//! The causes of a log as far as it has been read, and the two selections of them.

use crate::meaning::rule_set::Rules;
use crate::view::cause::graph::Causes;

/// The causes of a log's lines, as far as they have been looked at.
#[derive(Debug, Default)]
pub(crate) struct CauseIndex {
    pub(crate) causes: Causes,
    /// The number of lines that have been read.
    pub(crate) lines: usize,
}

/// The causes that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CausalFilter {
    /// Some tens of lines that most directly led to it.
    DirectCauses,
    /// Every line that could have influenced it.
    CausalPast,
}

impl CauseIndex {
    pub(crate) fn with_rules(rules: Rules) -> Self {
        Self { causes: Causes::with_rules(rules), lines: 0 }
    }
}

impl CausalFilter {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::DirectCauses => "led to it",
            Self::CausalPast => "causal past",
        }
    }
}
