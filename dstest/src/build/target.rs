//! Test targets of cargo packages.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A target of a package with tests: one test program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The package.
    pub package: String,
    /// The kind of target.
    pub kind: TargetKind,
    /// Its name in the package.
    pub name: String,
    /// Its root file.
    pub source: PathBuf,
}

/// The kind of a target, as far as its option of cargo depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A library, of any type.
    Lib,
    /// A program.
    Bin,
    /// An integration test.
    Test,
    /// An example.
    Example,
    /// A benchmark.
    Bench,
    /// A kind of later cargos.
    Other,
}

impl TargetKind {
    /// The kind in cargo's words.
    pub(super) fn of(words: &[String]) -> Self {
        match words {
            [word] if word == "bin" => Self::Bin,
            [word] if word == "test" => Self::Test,
            [word] if word == "example" => Self::Example,
            [word] if word == "bench" => Self::Bench,
            [word, ..] if word.ends_with("lib") || word == "proc-macro" => Self::Lib,
            _ => Self::Other,
        }
    }
}

impl Target {
    /// The name of its program, unique in a workspace and the same in every build, as nextest writes
    /// it: `package` for the library, `package::name` for an integration test.
    pub(crate) fn program_name(&self) -> String {
        let Self { package, name, .. } = self;
        match self.kind {
            TargetKind::Lib => package.clone(),
            TargetKind::Test => format!("{package}::{name}"),
            TargetKind::Bin => format!("{package}::bin/{name}"),
            TargetKind::Example => format!("{package}::example/{name}"),
            TargetKind::Bench => format!("{package}::bench/{name}"),
            TargetKind::Other => format!("{package}::other/{name}"),
        }
    }

    /// The options with which cargo builds this target alone; none for kinds that are always built
    /// together with all others.
    pub(crate) fn options(&self) -> Vec<&str> {
        match self.kind {
            TargetKind::Lib => vec!["--lib"],
            TargetKind::Bin => vec!["--bin", &self.name],
            TargetKind::Test => vec!["--test", &self.name],
            TargetKind::Example | TargetKind::Bench | TargetKind::Other => Vec::new(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package, self.options().join(" "))
    }
}
