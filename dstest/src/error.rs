//! Errors that end an invocation without results, each with its exit code.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::bisect::BisectError;
use crate::build::BuildError;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::plan::PlanError;
use crate::store::{LiveError, StoreError};
use crate::submit::SubmitError;
use crate::suite::SelectError;
use crate::watch::WatchError;

/// Errors that end an invocation without results.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The command line cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The tests cannot be found.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The archive cannot be written or used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The campaign cannot be submitted.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// There is nothing to bisect.
    #[error(transparent)]
    Bisect(#[from] BisectError),
    /// No test is left to run.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory of running runs cannot be created.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The sources cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// An unknown command.
    #[error("unknown command `{name}`; commands: {known}")]
    NoCommand {
        /// As typed.
        name: String,
        /// The known commands.
        known: String,
    },
    /// A case that is to be played does not exist.
    #[error("{variable} names a file that does not exist: {}", path.display())]
    NoCase {
        /// The variable.
        variable: &'static str,
        /// The file, absolute.
        path: PathBuf,
    },
    /// A file of `--export-*` cannot be written.
    #[error("cannot write {} ({option}): {source}", path.display())]
    Export {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Two documents for standard output.
    #[error("{first} and {second} cannot both write to standard output (-)")]
    TwoOutputs {
        /// An option.
        first: &'static str,
        /// Another one.
        second: &'static str,
    },
    /// The first pattern looks like a command.
    #[error(
        "unknown command `{typed}`; did you mean `dstest {command}`? (`dstest run {typed}` runs the tests that match it)"
    )]
    MistypedCommand {
        /// As typed.
        typed: String,
        /// The nearest command.
        command: String,
    },
    /// The script before a campaign failed.
    #[error("--setup has failed, so no test was run: {script}")]
    Setup {
        /// The script.
        script: String,
    },
    /// The system refused something.
    #[error("cannot {action}: {source}")]
    System {
        /// The failed action.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    /// The exit code it leads to.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Select(_) | Self::Plan(PlanError::EmptyShard { .. }) => Exit::NoTests,
            Self::Build(error) => match error {
                BuildError::BuildFailed => Exit::BuildFailed,
                BuildError::Interrupted => Exit::Interrupted,
                BuildError::NoProject(_)
                | BuildError::Tool { .. }
                | BuildError::BadProject(_)
                | BuildError::RaceOutsideGo
                | BuildError::TargetsOutsideCargo
                | BuildError::Scratch { .. }
                | BuildError::Protocol { .. } => Exit::Usage,
            },
            Self::Config(_)
            | Self::Plan(_)
            | Self::Archive(_)
            | Self::Submit(_)
            | Self::Bisect(_)
            | Self::Store(_)
            | Self::Live(_)
            | Self::Watch(_)
            | Self::NoCase { .. }
            | Self::NoCommand { .. }
            | Self::Export { .. }
            | Self::Setup { .. }
            | Self::TwoOutputs { .. }
            | Self::MistypedCommand { .. }
            | Self::System { .. } => Exit::Usage,
        }
    }

    /// For `map_err`: the system refused `action`.
    pub(crate) fn system(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action, source }
    }
}
