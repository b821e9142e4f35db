//! `dstest list`: which tests would run.

use super::project::Project;
use crate::cli::ListArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{BuildPlan, Selection};
use crate::signals::Interrupts;
use crate::view;

/// Lists one name a line, so that the output can be piped.
pub(super) fn run(args: &ListArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let project = Project::open(&args.target, &[], &[])?;
    let selection = Selection::resolve(&args.patterns, &args.skip, &args.target)?;
    let plan = BuildPlan::resolve(&args.target, &project.config);
    let suite = project.suite(&plan, interrupts)?;
    let tests = suite.select(&selection)?;
    for test in &tests {
        view::print(&format!("{}\n", test.name));
    }
    suite
        .notes_on(&selection, &tests)
        .iter()
        .for_each(|note| view::note(&format!("dstest: {note}")));
    Ok(Exit::Success)
}
