//! Columns of the result table.

use crate::cli::ColumnArgs;

/// Optional parts of the result table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// Percentiles, CPU time, memory.
    pub timing: Timing,
    /// Numbers that tests report.
    pub metrics: Reported,
    /// The distribution of the times of each test.
    pub spread: Spread,
}

/// The histogram under the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// No.
    #[default]
    Hidden,
    /// As a histogram for each test.
    Histogram,
}

/// The timing columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// The mean alone.
    #[default]
    Mean,
    /// Percentiles, CPU time and memory too.
    Full,
}

/// The columns of numbers that tests report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reported {
    /// The reported time alone.
    #[default]
    Time,
    /// All of them.
    Full,
}

impl Columns {
    /// The columns that `--timing`, `--metrics` and `--hist` select.
    #[must_use]
    pub const fn new(args: &ColumnArgs) -> Self {
        Self {
            spread: if args.hist { Spread::Histogram } else { Spread::Hidden },
            timing: if args.timing { Timing::Full } else { Timing::Mean },
            metrics: if args.metrics { Reported::Full } else { Reported::Time },
        }
    }
}
