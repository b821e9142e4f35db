//! `dstest list`: the tests that would run.

use crate::build::Project;
use crate::cli::ListArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::list;
use crate::plan::{BuildPlan, selection};
use crate::process::signals::Interrupts;
use crate::text::console;

/// Prints one name a line, so that the output can be piped.
pub(super) fn run(args: &ListArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let project = Project::open(&args.target, &[], &[])?;
    let selection = selection(&args.patterns, &args.skip, &args.target)?;
    let plan = BuildPlan::resolve(&args.target, &project.config);
    let suite = list::list(project.build(&plan, interrupts)?);
    let tests = suite.select(&selection)?;
    tests.iter().for_each(|test| console::print(&format!("{}\n", test.name)));
    suite.notes_on(&selection, &tests).iter().for_each(|note| console::warn(note));
    Ok(Exit::Success)
}
