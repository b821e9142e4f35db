//! `dstest bisect`: the commit from which on a test fails.

mod decide;
mod drive;
mod report;

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;

use self::drive::Drive;
use super::location::store_of;
use crate::bisect::{BisectError, Repository, Search, State, Workplace, failure_pattern};
use crate::build::BuildError;
use crate::campaign::{check_files, write_export};
use crate::cli::{BisectArgs, Cli, Command, RunArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::process::signals::Interrupts;
use crate::text::{console, shell, sink};

/// Bisects, goes on with it, drops it, or decides about one commit.
pub(super) fn run(
    args: &BisectArgs,
    argv: &[String],
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    if let Some(rates) = args.decide {
        return Ok(decide::run(args, rates, argv, interrupts));
    }
    check_files([("--export-json", &args.export_json)])?;
    let dir = directory(args)?;
    let repository = Repository::at(&dir)?;
    let place = Workplace::of(&repository)?;
    if args.abort {
        place.remove(&repository)?;
        console::print("dropped: the worktree and the state of the search are removed\n");
        return Ok(Exit::Success);
    }
    let state = begin(args, &repository, &place)?;
    let mut drive = Drive { repository: &repository, place: &place, state, interrupts, args, argv };
    let done = drive.search();
    let state = drive.state;
    let exit = match done {
        // Whatever was measured so far is kept.
        Err(error) if interrupts.count() == 0 => return Err(error),
        Err(_) | Ok(None) => Exit::Interrupted,
        Ok(Some(exit)) => exit,
    };
    if let Some(file) = &args.export_json {
        let document = serde_json::to_string_pretty(&state).unwrap_or_default() + "\n";
        write_export(file, &document)?;
    }
    if exit == Exit::Interrupted {
        let program = shell::this_program();
        let tree = sink::screen(&place.tree().display().to_string());
        console::note(&format!(
            "dstest: interrupted; `{program} bisect` goes on, `{program} bisect --abort` removes {tree}"
        ));
    } else {
        place.remove(&repository)?;
    }
    Ok(exit)
}

/// The directory of the user's checkout.
fn directory(args: &BisectArgs) -> Result<std::path::PathBuf, Error> {
    let dir = args.location.dir.as_deref().unwrap_or(Path::new("."));
    dir.canonicalize().map_err(Error::system("use the directory of --dir"))
}

/// The search that the options ask for: a new one, or the one that was interrupted.
fn begin(args: &BisectArgs, repository: &Repository, place: &Workplace) -> Result<State, Error> {
    let known = place.read()?;
    let Some(range) = &args.range else {
        let state = known.ok_or(BisectError::NothingBegun)?;
        console::print(&format!("going on with {}\n", state.range()));
        return Ok(state);
    };
    if !(args.error > 0.0 && args.error <= ERROR_MAX) {
        return Err(BisectError::ErrorOutOfRange(args.error).into());
    }
    args.failure.iter().try_for_each(|pattern| failure_pattern(pattern).map(drop))?;
    let ends =
        range.split_once("..").filter(|(good, bad)| !good.is_empty() && !bad.starts_with('.'));
    let (good, bad) = ends.ok_or_else(|| BisectError::NotARange(range.clone()))?;
    let bad = if bad.is_empty() { "HEAD" } else { bad };
    let command = words(&args.command)?;
    parsed(&command)?;
    let search = Search {
        good: repository.commit(good)?,
        bad: repository.commit(bad)?,
        command,
        error: args.error,
        failure: args.failure.clone(),
        first_parent: args.first_parent,
        runs_max: args.max_runs,
        store: store_of(&args.location)?.root().to_owned(),
    };
    match known {
        Some(state) if state.search == search => {
            console::print("going on with the search that was interrupted\n");
            return Ok(state);
        }
        Some(state) => return Err(BisectError::Begun(state.range()).into()),
        None => {}
    }
    repository.check_order(&search.good, &search.bad)?;
    let commits = repository.candidates(&[&search.good], &search.bad, search.first_parent)?.len();
    let state = State::new(search, commits.next_power_of_two().ilog2());
    place.write(&state)?;
    Ok(state)
}

/// The words of the command without the name of dstest.
fn words(command: &[String]) -> Result<Vec<String>, BisectError> {
    let is_dstest =
        |word: &String| Path::new(word).file_name().is_some_and(|name| name == "dstest");
    match command.split_first() {
        None => Err(BisectError::NoCommand),
        Some((first, rest)) if is_dstest(first) => Ok(rest.to_vec()),
        Some(_) => Err(BisectError::Command(format!(
            "it begins with `{}`; write `dstest ...`, with a command of your own as `dstest -- {}`",
            command[0],
            command.join(" ")
        ))),
    }
}

/// The options of the campaign.
fn parsed(words: &[String]) -> Result<RunArgs, BisectError> {
    let refused = |reason: &str| BisectError::Command(reason.to_owned());
    let typed = std::iter::once(OsString::from("dstest")).chain(words.iter().map(Into::into));
    let cli = Cli::try_parse_from(typed).map_err(|error| {
        let message = error.to_string();
        let line = message.lines().next().unwrap_or_default();
        refused(line.trim_start_matches("error: "))
    })?;
    let args = match cli.command {
        None => cli.run,
        Some(Command::Run(args)) => *args,
        Some(_) => return Err(refused("only campaigns can be bisected, as in `dstest stress`")),
    };
    if args.archive.is_some() {
        return Err(refused("--archive has the programs of one commit; leave it out"));
    }
    if args.target.dir.is_some() || args.show.store.output.is_some() {
        return Err(refused("write --dir and -o before `--`: they are those of the bisection"));
    }
    let exports = &args.show.exports;
    if let Some((option, _)) = exports.files().into_iter().find(|(_, file)| file.is_some()) {
        return Err(refused(&format!("{option} would be written at each commit; leave it out")));
    }
    if args.budget.shard.is_some() || exports.export_ci.is_some() {
        return Err(refused("--shard and --export-ci are for whole campaigns; leave them out"));
    }
    Ok(args)
}

/// `true` for an error of what is checked out. With others, such as a full disk, a commit is not skipped: it may be
/// tested later.
fn is_of_commit(error: &Error) -> bool {
    if let Error::Build(error) = error {
        let is_of_machine = matches!(
            error,
            BuildError::Tool { .. } | BuildError::Scratch { .. } | BuildError::Interrupted
        );
        return !is_of_machine;
    }
    matches!(error, Error::Select(_) | Error::Config(_) | Error::Setup { .. })
}

/// Options that set a number of runs, which the evidence does here.
fn unused(args: &RunArgs) -> Vec<&'static str> {
    let budget = &args.budget;
    let given = [
        (budget.iterations.is_some(), "-n"),
        (budget.until_fail.is_some(), "--until-fail"),
        (budget.max_fail.is_some(), "--max-fail"),
        (budget.max_fail_per_test.is_some(), "--max-fail-per-test"),
        (budget.repeat, "--loop"),
        (budget.sequential, "--sequential"),
        (budget.verify, "--verify"),
    ];
    given.into_iter().filter_map(|(is_given, option)| is_given.then_some(option)).collect()
}

/// Says which options count for nothing.
fn note_unused(args: &RunArgs) {
    let unused = unused(args);
    if !unused.is_empty() {
        let options = unused.join(", ");
        console::note(&format!("dstest: {options} not used: each commit runs until it is decided"));
    }
}

/// A larger error is that of a guess.
const ERROR_MAX: f64 = 0.5;
