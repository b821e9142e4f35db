//! The options of `dstest watch`.

use clap::Args;

use super::run::RunArgs;

/// The options of `dstest watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The campaign
    #[command(flatten)]
    pub run: RunArgs,

    /// Ignore changes of files whose path below the directory matches PATTERN (repeatable)
    #[arg(long, value_name = "PATTERN", help_heading = "Watching")]
    pub ignore: Vec<String>,

    /// Compare all files once a second instead of asking the system (network file systems)
    #[arg(long, help_heading = "Watching")]
    pub poll: bool,
}
