//! The options of `dstest archive`, and the plan that goes into an archive.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{ArgAction, ArgMatches, Args, CommandFactory};

use super::{BudgetArgs, Cli, ProcessArgs, TargetArgs};
use crate::text::style::Color;

/// The options of `dstest archive`.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The tests, their campaigns and files
    #[command(flatten)]
    pub contents: ContentArgs,

    /// Write the archive to FILE
    #[arg(short, long, value_name = "FILE", default_value = "tests.tar.zst")]
    pub output: PathBuf,

    /// Use colours and live progress
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The contents of an archive.
#[derive(Debug, Args)]
pub struct ContentArgs {
    /// Tests whose name matches any PATTERN (a regular expression, case ignored) [default: all]
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// Archive this command and its scripts instead of tests
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,

    /// Add working files: a file, a directory or a pattern (repeatable; 'core/**/*.golden')
    #[arg(long, value_name = "FILES")]
    pub include: Vec<String>,

    /// Repetition
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Limits and environment
    #[command(flatten)]
    pub process: ProcessArgs,

    /// Build
    #[command(flatten)]
    pub target: TargetArgs,
}

/// The options of campaigns among the typed ones, each as one word: the plan. `path` are the names of
/// the command.
pub(crate) fn plan_options(argv: &[String], path: &[&str]) -> Vec<String> {
    let mut command = Cli::command();
    command.build();
    let Ok(matches) = command.clone().try_get_matches_from(argv) else { return Vec::new() };
    let (mut matches, mut command) = (&matches, &command);
    for name in path {
        let (Some(inner), Some(found)) =
            (matches.subcommand_matches(name), command.find_subcommand(name))
        else {
            return Vec::new();
        };
        (matches, command) = (inner, found);
    }
    let is_of_plan = |arg: &&clap::Arg| {
        let heading = arg.get_help_heading();
        heading.is_some_and(|heading| PLAN_HEADINGS.contains(&heading))
            || PLAN_OPTIONS.contains(&arg.get_id().as_str())
    };
    command.get_arguments().filter(is_of_plan).flat_map(|arg| typed(matches, arg)).collect()
}

/// An option as it was typed, in words of the form `--name=value`.
fn typed(matches: &ArgMatches, arg: &clap::Arg) -> Vec<String> {
    let (id, long) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
    if matches.value_source(id) != Some(clap::parser::ValueSource::CommandLine) {
        return Vec::new();
    }
    let flag = format!("--{long}");
    if matches!(arg.get_action(), ArgAction::Count) {
        return vec![flag; usize::from(matches.get_count(id))];
    }
    if !arg.get_action().takes_values() {
        return vec![flag];
    }
    let with_value = |value: &OsStr| format!("{flag}={}", value.to_string_lossy());
    matches.get_raw(id).into_iter().flatten().map(with_value).collect()
}

/// The headings of options that describe a campaign.
const PLAN_HEADINGS: [&str; 2] = ["Repetition", "Limits and environment"];

/// Further options of that kind.
const PLAN_OPTIONS: [&str; 2] = ["include_ignored", "preset"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_what_was_typed_about_the_campaign() {
        let words = |line: &str| line.split(' ').map(ToOwned::to_owned).collect::<Vec<String>>();
        let line = "dstest archive 2B -n 50 -vv --until-fail --env A=1 --env B= -T 5 -P core -o f \
                    --include x --include-ignored --skip a";
        let plan = plan_options(&words(line), &["archive"]);
        let want = "--iter=50 --until-fail=1 --skip=a --verbose --verbose --timeout=5 --env=A=1 \
                    --env=B= --include-ignored";
        assert_eq!(plan.join(" "), want);
        let mut again = words("dstest run");
        again.extend(plan);
        again.extend(words("--iter 7"));
        use clap::Parser;
        let cli = Cli::try_parse_from(again).unwrap();
        let Some(super::super::Command::Run(run)) = cli.command else { panic!("not run") };
        assert_eq!(run.budget.iterations, Some(7), "the later one wins");
        assert_eq!(run.process.env.len(), 2);
    }
}
