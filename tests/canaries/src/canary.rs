//! A canary as it is written down: what a wrong version does, and where it differs.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A wrong version of the core or of its disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canary {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// What the wrong code does, in a few words.
    pub(crate) does: String,
    /// Where the bug was seen, or which rule it breaks.
    pub(crate) source: String,
    /// Where it differs from the right code.
    #[serde(rename = "change")]
    pub(crate) changes: Vec<Change>,
}

/// A piece of code and what stands there instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The file, from the root of the repository.
    pub(crate) file: String,
    /// A text that occurs once in the file; `right` is looked for after it.
    pub(crate) after: Option<String>,
    /// An expression or whole statements, as they stand in the file.
    pub(crate) right: String,
    /// What a canary has there.
    pub(crate) wrong: String,
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

/// All canaries of a folder, by name.
///
/// # Errors
/// The folder or one of its files cannot be read.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Canary>, ReadError> {
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
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
