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
    /// An example, a benchmark, or a kind of later cargos.
    Other,
}

impl TargetKind {
    /// The kind in cargo's words.
    pub(super) fn of(words: &[String]) -> Self {
        match words {
            [word] if word == "bin" => Self::Bin,
            [word] if word == "test" => Self::Test,
            [word, ..] if word.ends_with("lib") || word == "proc-macro" => Self::Lib,
            _ => Self::Other,
        }
    }
}

impl Target {
    /// The options with which cargo builds this target; none for [`TargetKind::Other`].
    pub(super) fn options(&self) -> Vec<&str> {
        match self.kind {
            TargetKind::Lib => vec!["--lib"],
            TargetKind::Bin => vec!["--bin", &self.name],
            TargetKind::Test => vec!["--test", &self.name],
            TargetKind::Other => Vec::new(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package, self.options().join(" "))
    }
}
