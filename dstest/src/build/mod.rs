//! Builds a project's test programs, once: one adapter for each kind of project.
//!
//! Their tests are listed by [`crate::list`].

mod cargo;
mod command;
mod doc_tests;
mod go;
mod project;
mod tool;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::suite::{Binary, Harness, Note};

pub use self::project::Project;

/// Built test programs.
#[derive(Debug)]
pub struct Built {
    /// The programs.
    pub binaries: Vec<Binary>,
    /// The harness they were built with.
    pub harness: Harness,
    /// Arguments of programs without a harness.
    pub args: Vec<String>,
    /// Remarks for the user.
    pub notes: Vec<Note>,
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
