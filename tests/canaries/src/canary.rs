//! A canary as its file describes it: a seeded bug, and the pieces of code in which it differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The program under test. Its canaries lie in one directory, and suites of its own hunt them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The library's core, and the simulated disk.
    #[default]
    Library,
    /// The services on the library.
    Services,
}

impl Subject {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 2] = [Self::Library, Self::Services];

    /// The directory of its canaries, from the root of the repository.
    const fn directory(self) -> &'static str {
        match self {
            Self::Library => "tests/canaries/bugs",
            Self::Services => "tests/canaries/bugs/services",
        }
    }

    /// The heading of its table.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Library => "The library",
            Self::Services => "The services",
        }
    }
}

/// A wrong version of a program under test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canary {
    /// The file's name without its extension.
    #[serde(skip)]
    pub(crate) name: String,
    /// The program under test, by the file's directory.
    #[serde(skip)]
    pub(crate) subject: Subject,
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
    /// The replacement. One that contains [`ON`](crate::schema::ON) replaces the right code for all
    /// programs, and tells them apart itself: what is no statement, such as a field, has no choice.
    pub(crate) wrong: String,
}

impl Canary {
    /// Its file, from the root of the repository.
    pub(crate) fn file(&self) -> String {
        format!("{}/{}.toml", self.subject.directory(), self.name)
    }
}

/// A canary that cannot be built; the others can.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub(crate) struct Broken {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) why: Unfit,
}

impl Broken {
    pub(crate) fn new(canary: &Canary, why: Unfit) -> Self {
        Self { name: canary.name.clone(), file: canary.file(), why }
    }
}

/// The reason why a canary cannot be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("`{text}` must occur once in {file}, occurs {times} times")]
    Place { file: String, text: String, times: usize },
    #[error("changes a piece of {file} that overlaps one of canary {other}")]
    Overlap { file: String, other: String },
    #[error(
        "changes {file}, which is not copied; only the sources of raft, tests and its services are"
    )]
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
    #[error("{}: another canary has this name", path.display())]
    Twice { path: PathBuf },
}

/// All canaries of a repository, by subject and name.
///
/// # Errors
/// A directory or one of its files cannot be read, or two canaries have one name.
pub(crate) fn read_all(root: &Path) -> Result<Vec<Canary>, ReadError> {
    let mut all = Vec::new();
    for subject in Subject::ALL {
        all.extend(read_subject(root, subject)?);
    }
    let mut names = BTreeSet::new();
    match all.iter().find(|canary| !names.insert(&canary.name)) {
        Some(canary) => Err(ReadError::Twice { path: canary.file().into() }),
        None => Ok(all),
    }
}

fn read_subject(root: &Path, subject: Subject) -> Result<Vec<Canary>, ReadError> {
    let directory = root.join(subject.directory());
    let io = |source| ReadError::Io { path: directory.clone(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(&directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path| Ok(Canary { subject, ..read(path)? });
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
