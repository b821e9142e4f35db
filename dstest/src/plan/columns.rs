//! Columns of the result table.

use crate::cli::ColumnArgs;

/// What the table shows beyond name, counts and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// Percentiles, processor time, memory.
    pub timing: Timing,
    /// What lab tests report.
    pub metrics: Reported,
    /// How the times of each test spread.
    pub spread: Spread,
}

/// Whether the spread of times is shown under the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// It is not.
    #[default]
    Hidden,
    /// As a histogram for each test.
    Histogram,
}

/// Whether timing columns are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// Only the mean.
    #[default]
    Mean,
    /// Percentiles, processor time and memory too.
    Full,
}

/// Whether what lab tests report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reported {
    /// Only the cluster time.
    #[default]
    Time,
    /// Messages, bytes and commands too.
    Full,
}

impl Columns {
    /// What `--timing`, `--metrics` and `--hist` ask for.
    #[must_use]
    pub const fn new(args: &ColumnArgs) -> Self {
        Self {
            spread: if args.hist { Spread::Histogram } else { Spread::Hidden },
            timing: if args.timing { Timing::Full } else { Timing::Mean },
            metrics: if args.metrics { Reported::Full } else { Reported::Time },
        }
    }
}
