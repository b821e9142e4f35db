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
    /// The rows.
    pub rows: Rows,
}

/// The rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// One for each test.
    #[default]
    Tests,
    /// One for each pattern that selected tests.
    Patterns,
}

impl Columns {
    /// The parts that `--timing`, `--metrics`, `--hist` and `--by-pattern` select.
    #[must_use]
    pub const fn new(args: &ColumnArgs) -> Self {
        let rows = if args.by_pattern { Rows::Patterns } else { Rows::Tests };
        Self { timing: args.timing, metrics: args.metrics, histogram: args.hist, rows }
    }
}
