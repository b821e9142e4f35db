//! Places of logs and cases below a campaign's directory.

use std::path::{Path, PathBuf};

use crate::record::RunRecord;
use crate::seed::Iteration;
use crate::text::names;

/// The path of a run's log below its campaign's directory.
#[must_use]
pub fn log_path(test: &str, iteration: Iteration) -> String {
    format!("logs/{}/{iteration}.log", names::file_name(test))
}

/// The file of a run's shrunk case, below a directory for such cases.
#[must_use]
pub fn case_path(dir: &Path, run: &RunRecord) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let test: String = run.test.chars().map(plain).collect();
    dir.join(format!("{test}-{}.case", run.seed))
}
