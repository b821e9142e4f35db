//! The selected tests of a project: it is built, its programs are asked, and the tests of each
//! target are remembered, so that the next build can leave out targets without a matching test.
//!
//! ```text
//! patterns + targets.json → targets to build → programs → tests → the selected ones
//!                                  ↑ all targets, if a pattern matches nothing ↓
//! ```
//!
//! A remembered list counts as long as neither a manifest nor a source file of its target has
//! changed; names do not depend on what was built.

mod contents;
mod memory;
mod narrow;

use std::time::SystemTime;

use self::contents::Contents;
use self::memory::Memory;
use self::narrow::Build;
use crate::build::{BuildProgress, BuildRequest, Built, Project, Workspace};
use crate::error::Error;
use crate::list::list;
use crate::plan::BuildPlan;
use crate::process::signals::Interrupts;
use crate::store::Store;
use crate::suite::{SelectError, Selection, Suite, Test};
use crate::text::console;
use crate::text::style::Color;

/// The tests of a project.
#[derive(Debug)]
pub(crate) struct Discovery {
    /// All tests of the programs that were built.
    pub(crate) suite: Suite,
    /// The selected ones.
    pub(crate) tests: Vec<Test>,
    memory: Option<Memory>,
}

impl Discovery {
    /// Keeps the lists of tests for the next build. Without a store there is no place for them.
    pub(crate) fn remember(&self, store: &Store) {
        self.memory.iter().for_each(|memory| memory.write(store));
    }
}

/// The surroundings of a build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The project.
    pub(crate) project: &'a Project,
    /// The store, whether or not it exists.
    pub(crate) store: &'a Store,
    /// The user's choice of colours and live progress.
    pub(crate) color: Color,
}

/// Builds what is needed for the selection, and selects.
///
/// # Errors
/// The build fails or is interrupted, or no test is selected.
pub(crate) fn discover(
    at: Surroundings<'_>,
    plan: &BuildPlan,
    selection: &Selection,
    interrupts: &Interrupts,
) -> Result<Discovery, Error> {
    let Some(workspace) = at.project.workspace() else {
        let request = BuildRequest { plan, only: None, progress: None };
        let built = at.project.build(&request, interrupts)?;
        let suite = list(built, Suite::default(), interrupts)?;
        let tests = suite.select(selection)?;
        return Ok(Discovery { suite, tests, memory: None });
    };
    let mut memory = Memory::read(at.store, workspace, &at.project.dir, plan);
    let build = narrow::choose(&memory, workspace, plan, selection);
    if let Build::Some(_) = build {
        let suite = build_and_list(at, workspace, plan, &build, &mut memory, interrupts)?;
        match suite.select(selection) {
            // Tests of other targets may have other names by now.
            Err(SelectError::NoTests { .. } | SelectError::NoMatch { .. }) => {}
            selected => {
                let (built, of) = (suite.binaries.len(), memory.built_targets());
                console::warn(&format!("built {built} of {of} test targets"));
                let (tests, memory) = (selected?, Some(memory));
                return Ok(Discovery { suite, tests, memory });
            }
        }
    }
    if !matches!(build, Build::All) {
        console::warn("no remembered test matches every pattern; building all test targets");
    }
    let suite = build_and_list(at, workspace, plan, &Build::All, &mut memory, interrupts)?;
    let tests = suite.select(selection)?;
    Ok(Discovery { suite, tests, memory: Some(memory) })
}

fn build_and_list(
    at: Surroundings<'_>,
    workspace: &Workspace,
    plan: &BuildPlan,
    build: &Build,
    memory: &mut Memory,
    interrupts: &Interrupts,
) -> Result<Suite, Error> {
    let only = build.targets();
    let past = memory.past(only);
    let progress =
        BuildProgress::start(at.color, past.map(|p| p.units), past.and_then(|p| p.time()));
    let request = BuildRequest { plan, only, progress: progress.as_ref() };
    let start = SystemTime::now();
    let built = at.project.build(&request, interrupts)?;
    progress.iter().for_each(BuildProgress::listing);
    let Built { targets, cost, .. } = &built;
    let (targets, cost) = (targets.clone(), *cost);
    let suite = list(built, memory.suite_without(&targets), interrupts)?;
    drop(progress);
    memory.record_cost(only, cost);
    memory.record(workspace, only.is_none(), &targets, &suite, &Contents::until(start));
    Ok(suite)
}
