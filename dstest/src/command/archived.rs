//! A campaign whose tests are in an archive: the archive's plan, then what was typed.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::archive::Archive;
use crate::cli::{Cli, Command, RunArgs, TargetArgs};
use crate::error::Error;
use crate::plan::PlanError;
use crate::text::shell;

/// The options of a campaign, and its archive, if it has one. Those that were typed win over those of the
/// archive.
pub(super) fn resolve(args: RunArgs, argv: &[String]) -> Result<(RunArgs, Option<Archive>), Error> {
    let mut args = old_meaning(args);
    let Some(file) = args.archive.clone().map(PathBuf::from) else { return Ok((args, None)) };
    refuse_build_options(&args.target, &args.command)?;
    let archive = Archive::open(&file)?;
    let manifest = &archive.manifest;
    if !manifest.options.is_empty() {
        args = old_meaning(reparsed(&manifest.options, argv)?);
    }
    if args.patterns.is_empty() {
        args.patterns.clone_from(&manifest.patterns);
    }
    // All shares of a campaign have one seed.
    if args.budget.shard.is_some() && args.budget.seed.is_none() {
        args.budget.seed = Some(manifest.seed);
    }
    Ok((args, Some(archive)))
}

/// `--archive` without a file, or before a word that names none, keeps the logs of passed runs: the
/// long form of `-a` in earlier versions.
pub(super) fn old_meaning(mut args: RunArgs) -> RunArgs {
    let Some(word) = args.archive.take() else { return args };
    let text = word.to_string_lossy();
    let is_file = Path::new(&word).exists() || text.contains('/') || text.ends_with(".zst");
    if is_file {
        args.archive = Some(word);
        return args;
    }
    args.show.keep_logs = true;
    if !text.is_empty() {
        args.patterns.insert(0, text.into_owned());
    }
    args
}

fn reparsed(options: &[String], argv: &[String]) -> Result<RunArgs, Error> {
    let mut typed = argv.iter().skip(1).cloned().peekable();
    let command = typed.next_if(|word| word == "run" || word == "ci");
    let words: Vec<String> = options.iter().cloned().chain(typed).collect();
    parsed(command.as_deref().unwrap_or("run"), &words).map_err(|_| {
        let options: Vec<String> = options.iter().map(|word| shell::quote(word)).collect();
        PlanError::ArchivedPlan(options.join(" ")).into()
    })
}

/// The campaign that these words after `dstest run`, or another command of campaigns, mean.
pub(super) fn parsed(command: &str, words: &[String]) -> Result<RunArgs, PlanError> {
    let command = ["dstest", command].map(ToOwned::to_owned).into_iter();
    match Cli::try_parse_from(command.chain(words.iter().cloned())) {
        Ok(Cli { command: Some(Command::Run(args)), .. }) => Ok(*args),
        Ok(Cli { command: Some(Command::Ci(args)), .. }) => Ok(args.into_run()),
        Ok(_) | Err(_) => {
            let words: Vec<String> = words.iter().map(|word| shell::quote(word)).collect();
            Err(PlanError::ArchivedPlan(words.join(" ")))
        }
    }
}

/// Refuses options of a build, of which an archive is the result.
pub(super) fn refuse_build_options(
    target: &TargetArgs,
    command: &[String],
) -> Result<(), PlanError> {
    let given = [
        ("a COMMAND after `--`", !command.is_empty()),
        ("--package", !target.package.is_empty()),
        ("--test", !target.test.is_empty()),
        ("--lib", target.lib),
        ("--profile", target.profile.is_some()),
        ("--release", target.release),
        ("--features", !target.features.is_empty()),
        ("--go", !target.go.is_empty()),
        ("--race", target.race),
        ("--build-arg", !target.build_arg.is_empty()),
    ];
    let given = given.into_iter().find(|(_, is_given)| *is_given);
    given.map_or(Ok(()), |(option, _)| Err(PlanError::NothingToBuild(option)))
}
