//! `dstest shrink`: asks a test for a shrunk case of a failure.
//!
//! dstest does not know what a case is. It runs the stored program of the failing run once more,
//! with the same seed and the name of a file in `DSTEST_SHRINK`; a test that can shrink writes the
//! case there, and plays it when `DSTEST_CASE` names it.

use std::path::{Path, PathBuf};

use super::location::store_of;
use super::target::{Target, find};
use crate::campaign::{CommandHints, StoredCampaign, run_once};
use crate::cli::ShrinkArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::Keep;
use crate::process::signals::Interrupts;
use crate::record::Class;
use crate::run::{Attempts, ReplaySpec, Seeds};
use crate::seed::{Iteration, Seed};
use crate::store::open_dir::{CASE_BYTES_MAX, read_text};
use crate::store::{Invocation, StoreError, case_path};
use crate::suite::{Harness, Test};
use crate::text::style::{Paint, TextStyle};
use crate::text::{console, shell, sink};
use crate::trust::Trust;

/// Shrinks a failing run.
pub(super) fn run(args: &ShrinkArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let Target { stored, job, before } = find(&args.target, None, &store)?;
    let Some(before) = before else {
        return Err(StoreError::Unsuitable("only a stored run can be shrunk".into()).into());
    };
    stored.check_owner(Trust::of_option(args.trust))?;
    let spec = ReplaySpec {
        verbose: Some(0),
        seeds: Some(Seeds::Fixed(before.seed)),
        keep: Some(Keep::Everything),
        attempts: Attempts::One,
        ..ReplaySpec::default()
    };
    let mut campaign = stored.campaign(Some("shrunk"), spec)?;
    let dir = campaign.dir.clone();
    let test = stored.file.name_of(&before).to_owned();
    let file = case_file(args.to.as_deref(), &dir, &test, before.seed)
        .map_err(Error::system("create the directory of the case"))?;
    let name = file.to_string_lossy().into_owned();
    campaign.process.env.push(("DSTEST_SHRINK".to_owned(), name));
    // A case of an earlier run.
    let _ = std::fs::remove_file(&file);
    let name = sink::screen(&test);
    console::note(&format!("shrinking {name} #{}, seed {}", before.iter, before.seed));
    let Some(after) = run_once(campaign, job, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    let log = after.log.as_ref().map(|log| sink::screen(&shell::relative(&dir.join(log))));
    let log = log.map_or_else(String::new, |log| format!("  log   {log}\n"));
    let case = read_text(&file, CASE_BYTES_MAX);
    if let (Ok(case), Class::Pass) = (case, after.verdict.class()) {
        let play = play_command(&file, &stored, job.test, after.iter);
        let done = paint.apply(TextStyle::Good, "shrunk");
        let near = sink::screen(&shell::relative(&file));
        let case: Vec<String> = case.lines().map(sink::screen).collect();
        let case = case.join("\n");
        console::print(&format!("{case}\n{done} to {near}\n  play  {play}\n{log}"));
        return Ok(Exit::Success);
    }
    let reason = match after.verdict.class() {
        Class::Pass => "the test wrote no case; it does not support DSTEST_SHRINK",
        Class::Fail | Class::Skip | Class::Inconclusive => after.reason(),
    };
    console::print(&format!(
        "{}\n{log}",
        paint.apply(TextStyle::Bad, &format!("not shrunk: {}", sink::screen(reason)))
    ));
    Ok(Exit::SomeFailed)
}

/// The command that plays a case: with the present build, or for a command with the stored run.
fn play_command(file: &Path, stored: &StoredCampaign, test: usize, iter: Iteration) -> String {
    let case = shell::quote(&shell::relative(file));
    let Test { name, binary, harness, .. } = &stored.file.tests[test];
    if *harness == Harness::Opaque {
        let replay = CommandHints::new(&stored.dir).replay(name, iter);
        return format!("DSTEST_CASE={case} {replay}");
    }
    // A name that looks like an option, or like another pattern, as a pattern of its own.
    let pattern = match name.starts_with('-') {
        true => format!("^{}$", regex::escape(name)),
        false => name.clone(),
    };
    let package = &stored.file.binaries[*binary].cwd;
    let Invocation { args, cwd } = &stored.file.invocation;
    let was_here = std::env::current_dir().is_ok_and(|here| here == *cwd);
    let names_place = args.iter().any(|arg| arg.starts_with("--dir"));
    let dir = match was_here && !names_place {
        true => String::new(),
        false => format!(" --dir {}", shell::quote(&package.to_string_lossy())),
    };
    format!("DSTEST_CASE={case} {}{dir} {}", shell::this_program(), shell::quote(&pattern))
}

/// The file of the case, absolute: tests run in other directories.
fn case_file(to: Option<&Path>, dir: &Path, test: &str, seed: Seed) -> std::io::Result<PathBuf> {
    let file = match to {
        Some(file) => file.to_owned(),
        None => case_path(dir, test, seed),
    };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent)?;
    }
    std::path::absolute(file)
}
