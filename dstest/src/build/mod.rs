//! Builds a project's test programs, once: one adapter for each kind of project.
//!
//! Their tests are listed by [`crate::list`].

mod cargo;
mod cargo_config;
mod command;
mod doc_tests;
mod go;
mod messages;
mod progress;
mod project;
pub(crate) mod sources;
mod target;
mod tool;
mod workspace;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::plan::BuildPlan;
use crate::suite::{Binary, Harness, Note, Suite, Test};

pub(crate) use self::progress::BuildProgress;
pub use self::project::Project;
pub use self::target::{Target, TargetKind};
pub(crate) use self::workspace::Workspace;

/// Built test programs.
#[derive(Debug)]
pub struct Built {
    /// The programs.
    pub binaries: Vec<Binary>,
    /// The target of each program of a cargo project.
    pub targets: Vec<Target>,
    /// The harness they were built with.
    pub harness: Harness,
    /// Arguments of programs without a harness.
    pub args: Vec<String>,
    /// The command that runs the programs, if they cannot run by themselves.
    pub runner: Vec<String>,
    /// Remarks for the user.
    pub notes: Vec<Note>,
    /// The work it took.
    pub cost: Cost,
    /// The tests of all programs, where they have been listed before.
    pub listed: Option<Vec<Test>>,
}

impl Built {
    /// Programs whose tests are known.
    fn listed(suite: Suite) -> Self {
        let Suite { binaries, tests, runner, notes } = suite;
        Self {
            binaries,
            targets: Vec::new(),
            harness: Harness::Opaque,
            args: Vec::new(),
            runner,
            notes,
            cost: Cost::default(),
            listed: Some(tests),
        }
    }
}

/// The work of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Compiled units, fresh ones included; 0 where the tool does not tell.
    pub units: u64,
    /// The time of the build, if anything had to be compiled.
    pub compile: Option<Duration>,
}

/// A build to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuildRequest<'a> {
    /// The packages, features and profile.
    pub(crate) plan: &'a BuildPlan,
    /// Only these targets of a cargo project, instead of those of the plan.
    pub(crate) only: Option<&'a [Target]>,
    /// The progress line, if there is one.
    pub(crate) progress: Option<&'a BuildProgress>,
}

/// Reasons why a project cannot be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No manifest in the directory or above it.
    #[error("no Cargo.toml or go.mod in {} or above; use --dir, or give a command after `--`", .0.display())]
    NoProject(PathBuf),
    /// A tool is missing or cannot be started.
    #[error("cannot start `{tool}`: {source} (is it installed, and in PATH?)")]
    Tool {
        /// The tool.
        tool: String,
        /// The system's error.
        source: io::Error,
    },
    /// The build failed; the tool has printed the reason.
    #[error("the build failed; no test was run")]
    BuildFailed,
    /// The project cannot be read; the tool's message.
    #[error("{0}")]
    BadProject(String),
    /// The build was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// `--race` outside Go.
    #[error("--race needs a Go package; --go treats the directory as one")]
    RaceOutsideGo,
    /// `--test` or `--lib` outside cargo projects.
    #[error("--test and --lib need a cargo project")]
    TargetsOutsideCargo,
    /// The directory for built programs cannot be created.
    #[error("cannot create {}: {source}", path.display())]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A tool's output cannot be parsed.
    #[error("cannot parse the output of {tool}: {reason}")]
    Protocol {
        /// The tool.
        tool: &'static str,
        /// The parser's message.
        reason: String,
    },
}
