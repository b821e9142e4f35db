//! The choice of the targets to build.

use super::contents::Contents;
use super::memory::{Memory, Remembered, suite};
use crate::build::{Target, Workspace};
use crate::plan::BuildPlan;
use crate::suite::Selection;

/// The targets to build.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// All of the build.
    All,
    /// Only these: no other has a matching test.
    Some(Vec<Target>),
    /// None has a matching test, as far as is known.
    Nothing,
}

impl Build {
    /// The targets, unless all are built.
    pub(super) fn targets(&self) -> Option<&[Target]> {
        match self {
            Self::Some(targets) => Some(targets),
            Self::All | Self::Nothing => None,
        }
    }
}

/// Chooses the targets that can have a matching test: those with a remembered one, and those that
/// are new or have changed.
pub(super) fn choose(
    memory: &Memory,
    workspace: &Workspace,
    plan: &BuildPlan,
    selection: &Selection,
) -> Build {
    let contents = Contents::default();
    if selection.patterns.is_empty() || chooses_targets(plan) {
        return Build::All;
    }
    let Some(remembered) = memory.targets(workspace, &contents) else { return Build::All };
    let mut needed = Vec::new();
    let mut current = Vec::new();
    for (target, needs_features) in workspace.test_targets() {
        match remembered.iter().find(|known| known.target == target) {
            Some(known) if !known.is_built() => {}
            Some(known) if known.is_current(&contents) => current.push(known),
            // Whether a new target belongs to the build is left to cargo where it is not plain.
            None if needs_features || !has_sibling(remembered, &target) => return Build::All,
            None if plan.lib || !plan.tests.is_empty() => return Build::All,
            Some(_) | None => needed.push(target),
        }
    }
    let tests = suite(current.iter().copied());
    let matching = current.iter().enumerate().filter(|(index, _)| {
        tests
            .tests
            .iter()
            .any(|test| test.binary == *index && tests.matches_selection(test, selection))
    });
    needed.extend(matching.map(|(_, known)| known.target.clone()));
    needed.sort();
    if needed.is_empty() {
        Build::Nothing
    } else if needed.len() >= memory.built_targets()
        || needed.iter().any(|target| target.options().is_empty())
    {
        Build::All
    } else {
        Build::Some(needed)
    }
}

/// `true` if a target of the same package is built.
fn has_sibling(remembered: &[Remembered], target: &Target) -> bool {
    remembered.iter().any(|known| known.is_built() && known.target.package == target.package)
}

/// `true` if an argument for cargo already says which targets are built.
fn chooses_targets(plan: &BuildPlan) -> bool {
    plan.args.iter().any(|arg| {
        let arg = arg.to_string_lossy();
        TARGET_OPTIONS.contains(&arg.split('=').next().unwrap_or_default())
    })
}

/// Cargo's options that choose targets.
const TARGET_OPTIONS: [&str; 11] = [
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--examples",
    "--bench",
    "--benches",
    "--all-targets",
    "--doc",
];
