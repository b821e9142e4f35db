//! Places of logs and cases below a campaign's directory.

use std::fs::{self, File};
use std::io;
use std::iter;
use std::path::{Component, Path, PathBuf};

use crate::seed::{Iteration, Seed};
use crate::text::names;

/// The directory of replays below a campaign's directory.
pub(crate) const REPLAYS: &str = "replays";

/// The path of a run's log below its campaign's directory, by the short name of its test.
#[must_use]
pub fn log_path(test: &str, iteration: Iteration) -> String {
    format!("logs/{}/{iteration}.log", names::file_name(test))
}

/// The path of the log of a replay: the first one that is free, since each replay is evidence of its
/// own. It is created, so that no other replay takes it.
///
/// # Errors
/// If the file cannot be created.
pub(crate) fn fresh_log_path(dir: &Path, test: &str, iteration: Iteration) -> io::Result<String> {
    let first = log_path(test, iteration);
    if let Some(parent) = dir.join(&first).parent() {
        fs::create_dir_all(parent)?;
    }
    let stem = first.trim_end_matches(".log");
    let later = (2_u64..).map(|number| format!("{stem}-{number}.log"));
    for path in iter::once(first.clone()).chain(later) {
        match File::create_new(dir.join(&path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|_| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The log that a record names, below its campaign's directory; `None` if it names none, or a path
/// that leads out of it.
#[must_use]
pub fn kept_log(campaign: &Path, log: Option<&String>) -> Option<PathBuf> {
    let log = Path::new(log?);
    let is_below = log.components().all(|part| matches!(part, Component::Normal(_)));
    (is_below && log.starts_with("logs")).then(|| campaign.join(log))
}

/// The file of a run's shrunk case, below a directory for such cases.
#[must_use]
pub fn case_path(dir: &Path, test: &str, seed: Seed) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let test: String = test.chars().map(plain).collect();
    dir.join(format!("{test}-{seed}.case"))
}
