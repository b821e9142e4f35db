//! `dstest list`: the tests that would run.

use crate::build::Project;
use crate::cli::ListArgs;
use crate::discover::{Surroundings, discover};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{BuildPlan, selection};
use crate::process::signals::Interrupts;
use crate::text::{console, sink};

/// Prints one name a line, so that the output can be piped.
pub(super) fn run(args: &ListArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let project = Project::open(&args.target, &[], &[])?;
    let selection = selection(&args.patterns, &args.skip, &args.target)?;
    let plan = BuildPlan::resolve(&args.target, &args.patterns, &project.config);
    let store = project.store(args.store.output.as_deref())?;
    let at = Surroundings { project: &project, store: &store, color: args.store.color };
    let found = discover(at, &plan, &selection, interrupts)?;
    found.remember(&store);
    let (suite, tests) = (&found.suite, &found.tests);
    tests.iter().for_each(|test| console::print(&format!("{}\n", sink::screen(&test.name))));
    suite.notes_on(&selection, tests).iter().for_each(|note| console::warn(note));
    Ok(Exit::Success)
}
