//! `dstest shrink`: asks a test for a small case of a failure, and says where it is.
//!
//! dstest does not know what a case is. It runs the kept program of the failing run once more, with
//! the same seed and the name of a file in `DSTEST_SHRINK`; a test that knows how writes the case
//! there, and plays it when `DSTEST_CASE` names it.

use std::path::{Path, PathBuf};

use super::project::store_of;
use super::replay::{find, run_once};
use super::stored::{LogDir, ReplaySpec};
use crate::cli::ShrinkArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::model::{Class, RunRecord};
use crate::plan::Keep;
use crate::run::Seeds;
use crate::shell;
use crate::signals::Interrupts;
use crate::store::{StoreError, case_path};
use crate::style::{Paint, TextStyle};
use crate::view;

/// Has a failing run shrunk.
pub(super) fn shrink(args: &ShrinkArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let target = find(&args.which, None, &store)?;
    let Some(before) = &target.before else {
        return Err(StoreError::Unsuitable("only a stored run can be shrunk".into()).into());
    };
    let mut campaign = target.stored.campaign(ReplaySpec {
        verbose: Some(0),
        seeds: Some(Seeds::Fixed(before.seed)),
        keep: Keep::Everything,
        log_dir: LogDir::Subdirectory("shrunk"),
    })?;
    let dir = campaign.dir.clone();
    let file = case_file(args.to.as_deref(), &dir, before)
        .map_err(Error::system("find a place for the case"))?;
    let name = file.to_string_lossy().into_owned();
    campaign.process.env.push(("DSTEST_SHRINK".to_owned(), name));
    // A case from an earlier time is not this run's.
    let _ = std::fs::remove_file(&file);
    view::note(&format!("shrinking {} #{}, seed {}", before.test, before.iter, before.seed));
    let Some(after) = run_once(campaign, target.job, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    let case = std::fs::read_to_string(&file).ok();
    let log = after.log.as_ref().map(|log| shell::relative(&dir.join(log)));
    view::print(&said(&after, case.as_deref(), &file, log.as_deref(), paint));
    let is_there = case.is_some() && after.verdict.class() == Class::Pass;
    Ok(if is_there { Exit::Success } else { Exit::SomeFailed })
}

/// Where the case goes, as a path that is good in any directory.
fn case_file(to: Option<&Path>, dir: &Path, run: &RunRecord) -> std::io::Result<PathBuf> {
    let file = match to {
        Some(file) => file.to_owned(),
        None => case_path(dir, run),
    };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent)?;
    }
    std::path::absolute(file)
}

fn said(
    run: &RunRecord,
    case: Option<&str>,
    file: &Path,
    log: Option<&str>,
    paint: Paint,
) -> String {
    let log = log.map_or_else(String::new, |log| format!("  log   {log}\n"));
    match case {
        Some(case) if run.verdict.class() == Class::Pass => {
            let near = shell::relative(file);
            let done = paint.apply(TextStyle::Good, "shrunk");
            let play = format!("DSTEST_CASE={} dstest {}", shell::quote(&near), run.test);
            format!("{case}\n{done} to {near}\n  play  {play}\n{log}")
        }
        Some(_) | None => {
            let why = match run.verdict.class() {
                Class::Pass => "the test wrote no case: it does not know DSTEST_SHRINK".to_owned(),
                Class::Fail | Class::Inconclusive => run.reason().to_owned(),
            };
            format!("{}\n{log}", paint.apply(TextStyle::Bad, &format!("not shrunk: {why}")))
        }
    }
}
