//! The state of a bisection, from which it goes on, and its place: a worktree beside a state file.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::evidence::good_rate;
use super::repository::short;
use super::{Answer, BisectError, Kind, Rate, Repository, Trials};
use crate::plan::{PlanError, patterns};
use crate::store::{StoreError, write_atomically};

/// The search, as asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Search {
    /// The good commit.
    pub(crate) good: String,
    /// The bad commit.
    pub(crate) bad: String,
    /// The command, without the name of dstest.
    pub(crate) command: Vec<String>,
    /// The probability of a wrong end.
    pub(crate) error: f64,
    /// The failures that count; those of the most frequent kind without it.
    pub(crate) failure: Option<String>,
    /// Only first parents.
    pub(crate) first_parent: bool,
    /// No more runs of a commit.
    pub(crate) runs_max: u64,
    /// The store of its campaigns.
    pub(crate) store: PathBuf,
}

/// The measured bad commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BadCommit {
    /// The key of the test.
    pub(crate) test: String,
    /// Its name on the screen.
    pub(crate) name: String,
    /// The reason of a failure.
    pub(crate) reason: String,
    /// The key of its kind.
    pub(crate) kind: String,
    /// The runs.
    pub(crate) trials: Trials,
    /// The mean time between the ends of two runs, in seconds.
    pub(crate) interval_s: f64,
}

/// The finding about a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Finding {
    /// It fails as good ones do.
    Good,
    /// It fails as bad ones do.
    Bad,
    /// It cannot be tested.
    Skip,
}

impl From<Answer> for Finding {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Good => Self::Good,
            Answer::Bad => Self::Bad,
        }
    }
}

/// One tested commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The commit.
    pub(crate) commit: String,
    /// The finding.
    pub(crate) finding: Finding,
    /// Its runs.
    pub(crate) trials: Trials,
    /// The reason why it cannot be tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// The state of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    schema: u32,
    /// The search.
    pub(crate) search: Search,
    /// The number of steps that were expected.
    pub(crate) steps_expected: u32,
    /// The bad commit, once measured.
    pub(crate) bad: Option<BadCommit>,
    /// The good one, once measured.
    pub(crate) good: Option<Trials>,
    /// The steps so far.
    pub(crate) steps: Vec<Step>,
}

impl State {
    /// A search that begins.
    pub(crate) fn new(search: Search, steps_expected: u32) -> Self {
        Self { schema: SCHEMA, search, steps_expected, bad: None, good: None, steps: Vec::new() }
    }

    /// The error of each answer: all of them together are wrong with the error of the search at most.
    pub(crate) fn error_of_each(&self) -> f64 {
        self.search.error / f64::from(self.steps_expected + 1)
    }

    /// The bound of the error so far: that of each answer that was given, the good commit's included.
    pub(crate) fn error_so_far(&self) -> f64 {
        let decided = self.steps.iter().filter(|step| step.finding != Finding::Skip).count();
        self.error_of_each() * (decided + 1) as f64
    }

    /// The commits with this finding.
    pub(crate) fn commits(&self, finding: Finding) -> Vec<&str> {
        let steps = self.steps.iter().filter(|step| step.finding == finding);
        steps.map(|step| step.commit.as_str()).collect()
    }

    /// The good commits, and the earliest of the bad ones.
    pub(crate) fn ends(&self) -> (Vec<&str>, &str) {
        let mut good = vec![self.search.good.as_str()];
        good.extend(self.commits(Finding::Good));
        // Each bad one is a candidate of those before it.
        let bad = self.commits(Finding::Bad).pop().unwrap_or(&self.search.bad);
        (good, bad)
    }

    /// The failures that count at a commit, once the bad one is measured.
    ///
    /// # Errors
    /// The pattern of `--failure` is none.
    pub(crate) fn kind(&self) -> Result<Kind, PlanError> {
        match (&self.search.failure, &self.bad) {
            (Some(pattern), _) => failure_pattern(pattern),
            (None, Some(bad)) => Ok(Kind::Equal(bad.kind.clone())),
            (None, None) => Ok(Kind::Any),
        }
    }

    /// The rates of good and bad commits, once measured.
    pub(crate) fn rates(&self) -> Option<(f64, Rate)> {
        let (good, bad) = (self.good?.rate(), self.bad.as_ref()?.trials.rate());
        Some((good_rate(good, bad), bad))
    }

    /// `GOOD..BAD`, as a user may type it.
    pub(crate) fn range(&self) -> String {
        format!("{}..{}", short(&self.search.good), short(&self.search.bad))
    }
}

/// The failures that match the pattern of `--failure`.
///
/// # Errors
/// It is not a regular expression.
pub(crate) fn failure_pattern(pattern: &str) -> Result<Kind, PlanError> {
    let mut patterns = patterns("--failure", &[pattern.to_owned()])?;
    Ok(patterns.pop().map_or(Kind::Any, Kind::Matching))
}

/// The directory of a repository's bisection. It is locked as long as this lives.
#[derive(Debug)]
pub(crate) struct Workplace {
    dir: PathBuf,
    _lock: File,
}

impl Workplace {
    /// The place for a repository, in the user's cache. It is outside of the checkout, so that neither its
    /// manifests nor its configuration are found above the worktree.
    ///
    /// # Errors
    /// There is none, or another process works in it.
    pub(crate) fn of(repository: &Repository) -> Result<Self, BisectError> {
        let variable = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty());
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
        let cache = cache.filter(|dir| dir.is_absolute()).ok_or(BisectError::NoPlace)?;
        let hash = xxh3_64(repository.common.as_os_str().as_encoded_bytes());
        let dir = cache.join("dstest").join("bisect").join(format!("{hash:016x}"));
        let place = |action| {
            let path = dir.clone();
            move |source| BisectError::Place { action, path, source }
        };
        fs::create_dir_all(&dir).map_err(place("create"))?;
        let lock = File::create(dir.join("lock")).map_err(place("write in"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(BisectError::Locked(dir)),
            Err(TryLockError::Error(source)) => Err(place("lock")(source)),
        }
    }

    /// The worktree.
    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    fn file(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// The search that was interrupted; `None` if there is none.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub(crate) fn read(&self) -> Result<Option<State>, BisectError> {
        let path = self.file();
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => {
                let action = "read";
                let path = path.clone();
                other.map_err(|source| BisectError::Place { action, path, source })?
            }
        };
        let state = serde_json::from_slice::<State>(&text);
        match state {
            Ok(state) if state.schema == SCHEMA => Ok(Some(state)),
            Ok(state) => {
                let reason = format!("schema {}, not {SCHEMA}", state.schema);
                Err(BisectError::State { path, reason })
            }
            Err(error) => Err(BisectError::State { path, reason: error.to_string() }),
        }
    }

    /// Keeps the state.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, state: &State) -> Result<(), BisectError> {
        let path = self.file();
        let text = serde_json::to_vec_pretty(state).map_err(io::Error::from);
        let written = text.and_then(|text| {
            write_atomically(&path, &text).map_err(|error| {
                // What else it says is of stores.
                if let StoreError::Io { source, .. } = error {
                    source
                } else {
                    io::Error::other(error.to_string())
                }
            })
        });
        written.map_err(|source| BisectError::Place { action: "write", path, source })
    }

    /// Removes the worktree and the state.
    ///
    /// # Errors
    /// Git or the system refuses it.
    pub(crate) fn remove(self, repository: &Repository) -> Result<(), BisectError> {
        repository.remove(&self.tree())?;
        let path: &Path = &self.dir;
        let refused =
            |source| BisectError::Place { action: "remove", path: path.to_owned(), source };
        fs::remove_dir_all(path).map_err(refused)
    }
}

const SCHEMA: u32 = 1;
