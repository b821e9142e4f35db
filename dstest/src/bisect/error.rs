//! Reasons for which there is nothing to bisect, or nothing to be found.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Reasons for which a bisection cannot begin or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BisectError {
    /// Neither a range nor an interrupted bisection.
    #[error("nothing to go on with; begin with `bisect GOOD..BAD -- dstest ...`")]
    NothingBegun,
    /// A range without its two ends.
    #[error("`{0}` is not a range; write GOOD..BAD (v1.2..HEAD)")]
    NotARange(String),
    /// No command to run.
    #[error("no command; write it after `--`, as in `bisect GOOD..BAD -- dstest stress`")]
    NoCommand,
    /// The command cannot be used.
    #[error("the command after `--`: {0}")]
    Command(String),
    /// A probability of error that is out of range.
    #[error("--error {0} is not a probability of error; write one above 0 and up to 0.5 (0.01)")]
    ErrorOutOfRange(f64),
    /// Git fails.
    #[error("git {action}: {message}")]
    Git {
        /// The failed action.
        action: String,
        /// Its message.
        message: String,
    },
    /// An unknown commit.
    #[error("unknown commit `{0}`")]
    NoCommit(String),
    /// The good commit does not come before the bad one.
    #[error("{good} is not an ancestor of {bad}; begin at their common ancestor {base}")]
    NotAnAncestor {
        /// The good commit.
        good: String,
        /// The bad one.
        bad: String,
        /// Their common ancestor.
        base: String,
    },
    /// Another bisection is under way.
    #[error("a bisection of {0} has begun; `bisect` goes on with it, `bisect --abort` drops it")]
    Begun(String),
    /// Another process works on it.
    #[error("another dstest bisects this repository ({})", .0.display())]
    Locked(PathBuf),
    /// The bad commit hardly fails.
    #[error("BAD {commit} failed in {failed} of {runs} runs{hint}; too few to search for")]
    BadIsGood {
        /// The commit.
        commit: String,
        /// Runs that failed.
        failed: u64,
        /// Runs.
        runs: u64,
        /// Failures that do not count, and what to do.
        hint: String,
    },
    /// The good commit fails as well.
    #[error(
        "GOOD {commit} fails too, in {failed} of {runs} runs, and BAD in {bad}: no clear difference; \
         take an older GOOD, or one kind of failure (--failure REGEX)"
    )]
    GoodIsBad {
        /// The commit.
        commit: String,
        /// Runs that failed.
        failed: u64,
        /// Runs.
        runs: u64,
        /// Those of the bad one.
        bad: String,
    },
    /// An end of the range cannot be tested.
    #[error("{end} {commit} cannot be tested: {reason}")]
    Untestable {
        /// GOOD or BAD.
        end: &'static str,
        /// The commit.
        commit: String,
        /// The reason.
        reason: String,
    },
    /// The directory of the bisection cannot be used.
    #[error("cannot {action} {}: {source} (XDG_CACHE_HOME chooses another place)", path.display())]
    Place {
        /// The failed action.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// No place for the worktree.
    #[error("no place for a worktree: set XDG_CACHE_HOME or HOME")]
    NoPlace,
    /// The state file is damaged or of another version.
    #[error("{} cannot be read: {reason}; `bisect --abort` drops it", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl BisectError {
    /// Another git works in the worktree, or has left its lock.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Git { message, .. } if message.contains("index.lock"))
    }
}
