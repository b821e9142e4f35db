//! The command line as typed. Doc comments here are the help text.
//!
//! Nothing is checked beyond the form of each value: relations between options, defaults and the
//! configuration file are the business of [`crate::plan`].

mod examples;
mod results;
mod run;
mod stored;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::results::{ColumnArgs, ExportArgs, ShowArgs, StoreArgs};
pub use self::run::{BudgetArgs, ListArgs, ProcessArgs, RunArgs, TargetArgs};
pub use self::stored::{
    BrowseArgs, CompareArgs, LocationArgs, MergeArgs, PruneArgs, ReplayArgs, ReportArgs,
    ResumeArgs, ShowRunArgs, ShrinkArgs, StoredShowArgs,
};

/// Find rare failures: run tests in parallel, many times, each with its own seed.
#[derive(Debug, Parser)]
#[command(
    name = "dstest",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = examples::RUN,
    after_long_help = examples::RUN_LONG,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do instead of running tests.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Everything but the plain `dstest PATTERN...`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run tests (the same as without a command; for a pattern that is a command's name)
    #[command(after_help = examples::RUN, after_long_help = examples::RUN_LONG)]
    Run(Box<RunArgs>),
    /// List the tests that would run, without running them
    #[command(after_help = examples::LIST)]
    List(Box<ListArgs>),
    /// Look through a stored campaign: from its tests to the wrong step of one run
    #[command(after_help = examples::BROWSE)]
    Browse(BrowseArgs),
    /// Print what there is to say of one run: its report, or why it failed and how its log ends
    #[command(after_help = examples::SHOW)]
    Show(ShowRunArgs),
    /// Repeat one run with VERBOSE on, and say whether it went the same way
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Have a failing run made small: a case that a person can read, from tests that can
    #[command(after_help = examples::SHRINK)]
    Shrink(ShrinkArgs),
    /// Show a stored campaign's table again, and export it
    #[command(after_help = examples::REPORT)]
    Report(ReportArgs),
    /// Run what an interrupted campaign has left undone
    #[command(after_help = examples::RESUME)]
    Resume(ResumeArgs),
    /// Say whether failure rates or times differ between two campaigns
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Put several campaigns, or the shards of one, together into a new one
    #[command(after_help = examples::MERGE)]
    Merge(MergeArgs),
    /// Remove old campaigns from the store
    #[command(after_help = examples::PRUNE)]
    Prune(PruneArgs),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write all of them
    #[command(after_help = examples::MAN)]
    Man(ManArgs),
}

/// The options of `dstest man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Which command's page [default: that of dstest itself]
    pub command: Option<String>,

    /// Write the pages of dstest and all its commands into DIR
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        let mut cli = Cli::command();
        cli.build();
        for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
            let end = command.get_after_long_help().or(command.get_after_help());
            let end = end.map(ToString::to_string).unwrap_or_default();
            let lines = end.lines().filter_map(|line| line.strip_prefix("  dstest "));
            let mut count = 0;
            for line in lines.filter(|line| !line.contains(['\'', '~', '|', '$'])) {
                let words = line.split("   ").next().unwrap_or(line).split_whitespace();
                let typed = std::iter::once("dstest").chain(words);
                let parsed = Cli::try_parse_from(typed).map(drop).map_err(|e| e.to_string());
                assert_eq!(parsed, Ok(()), "{line}");
                count += 1;
            }
            let has_examples = end.starts_with("Examples:\n");
            assert!(has_examples && count + end.matches("~").count() > 0, "{}", command.get_name());
        }
    }

    #[test]
    fn a_pattern_may_come_before_and_after_options() {
        let cli =
            Cli::try_parse_from(["dstest", "2B", "-n", "50", "2C", "-p", "8", "-vv"]).unwrap();
        assert_eq!(cli.run.patterns, ["2B", "2C"]);
        assert_eq!((cli.run.budget.iterations, cli.run.budget.workers), (Some(50), Some(8)));
        assert_eq!(cli.run.process.verbose, 2);
    }

    #[test]
    fn until_fail_takes_a_number_only_with_an_equals_sign() {
        let k = |args: &[&str]| Cli::try_parse_from(args).unwrap().run.budget.until_fail;
        assert_eq!(k(&["dstest", "--until-fail", "2B"]), Some(1));
        assert_eq!(k(&["dstest", "--until-fail=3", "2B"]), Some(3));
    }
}
