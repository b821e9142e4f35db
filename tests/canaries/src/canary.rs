//! A canary as its file describes it: a seeded bug, and the pieces of code in which it differs.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A wrong version of the core or of the simulated disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canary {
    /// The file's name without its extension.
    #[serde(skip)]
    pub(crate) name: String,
    /// The mistake of the wrong code, in a few words.
    pub(crate) does: String,
    /// The place the bug was seen, or the rule it breaks.
    pub(crate) source: String,
    /// Hanging is how the bug shows: a hunt stopped by its limit on CPU time counts as caught.
    #[serde(default)]
    pub(crate) hangs: bool,
    /// Seeds to search, for a bug that takes more than a suite's usual number.
    pub(crate) seeds: Option<u64>,
    /// The differences from the right code.
    #[serde(rename = "change")]
    pub(crate) changes: Vec<Change>,
}

/// A piece of code and its wrong replacement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The file, from the root of the repository.
    pub(crate) file: String,
    /// A text that occurs once in the file; `right` is searched for after it.
    pub(crate) after: Option<String>,
    /// An expression or whole statements, as in the file.
    pub(crate) right: String,
    /// The replacement.
    pub(crate) wrong: String,
}

/// A canary that cannot be built; the others can.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path(name))]
pub(crate) struct Broken {
    pub(crate) name: String,
    pub(crate) why: Unfit,
}

/// The reason why a canary cannot be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("`{text}` must occur once in {file}, occurs {times} times")]
    Place { file: String, text: String, times: usize },
    #[error("changes a piece of {file} that overlaps one of canary {other}")]
    Overlap { file: String, other: String },
    #[error("changes {file}, which is not copied; only the sources of raft and tests are")]
    NotCopied { file: String },
    #[error("does not compile:\n{0}")]
    Compiler(String),
}

/// Canaries that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Syntax { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{}: a canary needs at least one [[change]]", path.display())]
    NoChange { path: PathBuf },
}

/// The directory of all canaries, from the root of the repository.
pub(crate) const DIRECTORY: &str = "tests/canaries/bugs";

/// A canary's file, from the root of the repository.
fn path(name: &str) -> String {
    format!("{DIRECTORY}/{name}.toml")
}

/// All canaries of a directory, by name.
///
/// # Errors
/// The directory or one of its files cannot be read.
pub(crate) fn read_all(directory: &Path) -> Result<Vec<Canary>, ReadError> {
    let io = |source| ReadError::Io { path: directory.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<Canary, ReadError> {
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(ReadError::Io { path, source }),
    };
    let canary: Canary = match toml::from_str(&text) {
        Ok(canary) => canary,
        Err(source) => return Err(ReadError::Syntax { path, source: Box::new(source) }),
    };
    if canary.changes.is_empty() {
        return Err(ReadError::NoChange { path });
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Canary { name, ..canary })
}
