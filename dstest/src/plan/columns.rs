//! Optional parts of the result table.

use crate::cli::ColumnArgs;

/// Optional parts of the result table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// Percentiles, CPU time, memory.
    pub timing: bool,
    /// All numbers that tests report, not only their time.
    pub metrics: bool,
    /// A histogram of the times of each test.
    pub histogram: bool,
}

impl Columns {
    /// The columns that `--timing`, `--metrics` and `--hist` select.
    #[must_use]
    pub const fn new(args: &ColumnArgs) -> Self {
        Self { timing: args.timing, metrics: args.metrics, histogram: args.hist }
    }
}
