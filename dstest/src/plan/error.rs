//! Contradictions and mistakes of a command line.

use thiserror::Error;

use crate::engine::EngineError;
use crate::shard::Shard;

/// Mistakes of a command line; each message names the option to change.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A pattern is not a regular expression.
    #[error("{origin} `{pattern}` is not a regular expression: {reason}")]
    BadPattern {
        /// The option that gave it.
        origin: &'static str,
        /// As typed.
        pattern: String,
        /// The parser's message, in one line.
        reason: String,
    },
    /// Tests were named and a command was given.
    #[error("PATTERN `{0}` cannot be combined with a COMMAND after `--`; leave one of them out")]
    PatternWithCommand(String),
    /// A rule names a group without a limit.
    #[error("dstest.toml: [[test]] names the group `{0}`; add [group.{0}] with max-concurrency")]
    NoGroup(String),
    /// `--loop` with another kind of endless repetition.
    #[error("--loop and --until-fail cannot be combined; leave one of them out")]
    TwoLoops,
    /// `--until-fail` and `--max-fail` contradict each other.
    #[error("--until-fail={0} already limits the failures; leave out --max-fail")]
    TwoLimits(u32),
    /// Rows by pattern without a pattern.
    #[error("--by-pattern needs a PATTERN for each row, as in `dstest 2A 2B --by-pattern`")]
    NoPatterns,
    /// A share without the seed that makes it one of the same campaign.
    #[error("--shard {0} needs --seed: the shares of a campaign have one seed (any number)")]
    ShardWithoutSeed(Shard),
    /// An option of the build, where nothing is built.
    #[error(
        "{0} cannot be combined with --archive, whose programs and files are there already; leave it out"
    )]
    NothingToBuild(&'static str),
    /// The plan of an archive and the typed options contradict each other, or it is of a later version.
    #[error("the options in the archive do not go with those typed here: {0}")]
    ArchivedPlan(String),
    /// A pattern of failures without a command.
    #[error(
        "--fail-regex needs a COMMAND after `--`: test programs say themselves that they failed"
    )]
    FailRegexWithoutCommand,
    /// Tasks without a share.
    #[error("--tasks {tasks} is too many: -n {iterations} has only {iterations} shares")]
    MoreTasksThanRuns {
        /// The number of tasks.
        tasks: u32,
        /// The iterations of each test.
        iterations: u32,
    },
    /// A campaign of tasks that is not a number of runs: a task that goes on has only that.
    #[error(
        "{0} cannot be submitted: a task that goes on after a kill keeps only the number of runs; \
         give -n instead (an archive that was made with {0} is made again without it)"
    )]
    LimitOfTasks(&'static str),
    /// Nothing to watch.
    #[error("an archive has no sources to watch; leave out --archive")]
    WatchedArchive,
    /// A share of what is only put into an archive.
    #[error("--shard is for the runs (`dstest --archive FILE --shard {0}`), not for the archive")]
    ShardOfArchive(String),
    /// The share of an engine that gives none.
    #[error("--shard auto: {0}")]
    NoEngine(EngineError),
    /// A share without iterations.
    #[error(
        "share {shard} is empty: -n {iterations} has no run for it (--shard); nothing was tested"
    )]
    EmptyShard {
        /// The share.
        shard: Shard,
        /// The iterations of all shares together.
        iterations: u32,
    },
}
