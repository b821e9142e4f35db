//! Reports of runs: one line for a run that passed; everything known about one that failed, as text
//! and as JSON.

mod evidence;
mod failure;
mod json;
mod summary;

pub use self::evidence::Evidence;
pub use self::failure::{FailureReport, LINES_MAX};
pub use self::summary::RunSummary;

#[cfg(feature = "real")]
pub(crate) use self::failure::{build, fmt_failure, setup};
#[cfg(feature = "real")]
pub(crate) use self::summary::fmt_passed;
