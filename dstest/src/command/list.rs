//! `dstest list`: which tests would run.

use super::project::Project;
use crate::cli::ListArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{BuildPlan, Selection};
use crate::signals::Interrupts;
use crate::suite::Mark;
use crate::view;

/// Lists one name a line, so that the output can be piped.
pub(super) fn run(args: &ListArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let project = Project::open(&args.target, &[])?;
    let selection = Selection::resolve(&args.patterns, &args.skip, &args.target)?;
    let plan = BuildPlan::resolve(&args.target, &project.config);
    let suite = project.suite(&plan, interrupts)?;
    let tests = suite.select(&selection)?;
    for test in &tests {
        view::print(&format!("{}\n", test.name));
    }
    let ignored = suite.tests.iter().filter(|test| test.mark == Mark::Ignored).count();
    if ignored > 0 && !args.target.include_ignored {
        view::note(&format!("dstest: {ignored} marked #[ignore] not listed (--include-ignored)"));
    }
    suite
        .notes_on(&selection, &tests)
        .iter()
        .for_each(|note| view::note(&format!("dstest: {note}")));
    Ok(Exit::Success)
}
