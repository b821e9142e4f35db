//! Everything known of one finished run: the record that is shown and stored, and the parts of its
//! output that it is made from.

mod coverage;
mod events_in_json;
mod harness_report;
mod log_scan;
mod log_tail;
mod metrics;
pub(crate) mod passed_line;
mod reason;
mod run_picture;
mod run_record;
mod run_report;
pub mod signature;
mod summary_lines;
mod verdict;

pub use self::coverage::RunCoverage;
pub use self::harness_report::{Cache, HarnessReport, Reported};
pub use self::log_scan::{LinePatterns, LogScan};
pub use self::log_tail::tail;
pub use self::metrics::Metrics;
pub use self::passed_line::{COLUMNS, Column, REPORTED_TIME, Shown, Unit};
pub use self::reason::FailureReason;
pub use self::run_picture::RunPicture;
pub use self::run_record::{Retry, RunRecord, Trace};
pub use self::run_report::RunReport;
pub use self::verdict::{Class, FailureKind, Verdict};
