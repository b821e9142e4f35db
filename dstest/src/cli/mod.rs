//! The command line as typed. Doc comments here are the help text.
//!
//! Nothing is checked beyond the form of each value: relations between options, defaults and the
//! configuration file are the business of [`crate::plan`].

mod archive;
mod bisect;
mod examples;
mod results;
mod run;
mod stored;
mod submit;
mod values;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::archive::plan_options;
pub use self::archive::{ArchiveArgs, ContentArgs};
pub use self::bisect::BisectArgs;
pub use self::results::{ColumnArgs, ExportArgs, ExportFormat, ShowArgs, StoreArgs};
pub use self::run::{BudgetArgs, CiArgs, ListArgs, ProcessArgs, RunArgs, TargetArgs};
pub use self::stored::{
    BrowseArgs, CompareArgs, HistoryArgs, LocationArgs, MergeArgs, PruneArgs, ReplayArgs,
    ReportArgs, ResumeArgs, ShowRunArgs, ShrinkArgs, StoredShowArgs,
};
pub use self::submit::{
    EngineArgs, KubernetesArgs, SlurmArgs, StatusArgs, SubmissionArgs, SubmitArgs,
};
pub use self::values::{ShardArg, Words};
pub use self::watch::WatchArgs;

/// Find rare failures: run tests in parallel, many times, each with its own seed.
#[derive(Debug, Parser)]
#[command(
    name = "dstest",
    version,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    disable_help_subcommand = true,
    after_help = examples::RUN,
    after_long_help = examples::RUN_LONG,
    max_term_width = 100
)]
pub struct Cli {
    /// A command other than running tests.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of a campaign.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Everything but the plain `dstest PATTERN...`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run tests (the default command; needed if a pattern equals a command's name)
    #[command(after_help = examples::RUN, after_long_help = examples::RUN_LONG)]
    Run(Box<RunArgs>),
    /// Run tests in a job of a CI service: annotations, a summary and a directory of results
    #[command(after_help = examples::CI)]
    Ci(Box<CiArgs>),
    /// Build and run tests again whenever a source file is saved
    #[command(after_help = examples::WATCH)]
    Watch(Box<WatchArgs>),
    /// List the tests that would run, without running them
    #[command(after_help = examples::LIST)]
    List(Box<ListArgs>),
    /// Browse a stored campaign in the terminal: tests, failures, runs, logs, causes
    #[command(after_help = examples::BROWSE)]
    Browse(BrowseArgs),
    /// Print a run's failure report
    #[command(after_help = examples::SHOW)]
    Show(ShowRunArgs),
    /// Repeat a run with VERBOSE on, and compare its result
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Minimise a failing run to a small case that can be read and kept
    #[command(after_help = examples::SHRINK)]
    Shrink(ShrinkArgs),
    /// Print a stored campaign's table again, and export it
    #[command(after_help = examples::REPORT)]
    Report(ReportArgs),
    /// Run the remaining runs of an interrupted campaign
    #[command(after_help = examples::RESUME)]
    Resume(ResumeArgs),
    /// Compare failure rates and times of two campaigns
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Show rates and times over the stored campaigns, and the first one in which they got worse
    #[command(after_help = examples::HISTORY)]
    History(HistoryArgs),
    /// Find the commit from which on a test fails, however rarely it does
    #[command(after_help = examples::BISECT)]
    Bisect(Box<BisectArgs>),
    /// Merge several campaigns, or the shards of one, into a new one
    #[command(after_help = examples::MERGE)]
    Merge(MergeArgs),
    /// Build tests into one file, which `dstest --archive FILE` runs elsewhere
    #[command(after_help = examples::ARCHIVE)]
    Archive(Box<ArchiveArgs>),
    /// Hand a campaign over to an engine that runs it on many machines
    #[command(after_help = examples::SUBMIT)]
    Submit(SubmitArgs),
    /// Show the progress of a submission, or of campaigns, from their stores alone
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Remove old campaigns from the store
    #[command(after_help = examples::PRUNE)]
    Prune(PruneArgs),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write all of them
    #[command(after_help = examples::MAN)]
    Man(ManArgs),
}

/// The options of `dstest man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command of the page [default: dstest itself]
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
                let words = line.split("  ").next().unwrap_or(line).split_whitespace();
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
    fn every_option_has_a_help_text() {
        let mut cli = Cli::command();
        cli.build();
        for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
            let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
            for arg in shown {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let place = format!("{} of {}: {help}", arg.get_id(), command.get_name());
                assert!(help.starts_with(|c: char| c.is_uppercase()), "no help: {place}");
                let first = help.split(' ').next().unwrap_or_default();
                assert!(
                    !["What", "Who", "How", "Where", "Which", "Whether"].contains(&first),
                    "{place}"
                );
                let heading = arg.get_help_heading().unwrap_or("Options");
                assert!(!heading.starts_with("What") && !heading.starts_with("How"), "{heading}");
            }
        }
    }

    #[test]
    fn old_names_of_options_are_still_read() {
        let cli = Cli::try_parse_from(["dstest", "replay", "a#1", "--neighbours", "4"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Replay(args)) if args.seeds == Some(4)));
        let help =
            Cli::command().find_subcommand_mut("replay").map(|c| c.render_long_help().to_string());
        assert!(help.is_some_and(|help| help.contains("--seeds") && !help.contains("neighbours")));
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
