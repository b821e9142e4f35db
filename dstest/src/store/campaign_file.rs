//! `campaign.json`: the description of a campaign, enough to run any of it again.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::open_dir::open_file;
use super::{StoreError, io_error, write_atomically};
use crate::origin::{Commit, Origin};
use crate::record::RunRecord;
use crate::relocation::Relocation;
use crate::seed::{Seed, SeedWidth};
use crate::shard::Shard;
use crate::suite::{Binary, Test};

/// The contents of `campaign.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignFile {
    /// Schema version: [`CampaignFile::SCHEMA`].
    pub schema: u32,
    /// Version of dstest that wrote it.
    pub dstest: String,
    /// Start (RFC 3339, UTC).
    pub started: String,
    /// The campaign's seed.
    pub seed: Seed,
    /// The width of the seeds that are derived from it.
    #[serde(default)]
    pub seed_bits: SeedWidth,
    /// The first seed, if each run has the seed after that of the run before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub following: Option<Seed>,
    /// The origin of programs from an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The commit that was checked out; absent outside of repositories, and in campaigns of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The options of the build: profile, features, arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<String>,
    /// The store that it was written into; absent in campaigns of older versions. Paths below it follow a
    /// store that is moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<PathBuf>,
    /// The invocation of dstest.
    pub invocation: Invocation,
    /// The patterns that selected the tests, as typed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// Iterations of each test; absent if there was no such limit.
    pub iterations: Option<u32>,
    /// Runs in all, where that does not follow from the iterations: in a merged campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
    /// No run of a test was started after so many failures of its own; absent without such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fail_per_test: Option<u32>,
    /// The share of the iterations, as `I/M`; absent for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// `true` if the logs of passed runs are kept too.
    #[serde(default)]
    pub archive: bool,
    /// Processes at once.
    pub workers: u32,
    /// Processors of the machine; absent in campaigns of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// `VERBOSE` as set for each run.
    pub verbose: Option<u8>,
    /// The limits of a run.
    pub limits: Limits,
    /// Variables set for every run.
    pub env: Vec<(String, String)>,
    /// The further variable that carried the seed.
    pub seed_env: Option<String>,
    /// Further arguments of test programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_args: Vec<String>,
    /// The command that ran each run (`--wrap`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrap: Vec<String>,
    /// The command that runs the programs, from cargo's configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runner: Vec<String>,
    /// Exceptions for some tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// The number of runs at once of each group of tests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, u32>,
    /// The shell command before the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// The shell command after the last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<String>,
    /// The tested programs, at the paths from which they were run.
    pub binaries: Vec<Binary>,
    /// The files of a command that may be edited, as they were when the campaign began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The tests.
    pub tests: Vec<Test>,
    /// Another user, of whose campaigns this is a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_from_user: Option<u32>,
}

/// A file of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its path.
    pub path: PathBuf,
    /// The hash of its contents.
    pub contents: String,
}

/// An exception for some tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The tests.
    pub pattern: String,
    /// Their group.
    pub group: Option<String>,
    /// Workers that each of their runs takes.
    pub threads: Option<u32>,
    /// Further attempts of a run that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Variables set for their runs.
    pub env: Vec<(String, String)>,
}

/// The limits of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Timeout in milliseconds.
    pub timeout_ms: u64,
    /// Time between SIGTERM and SIGKILL in milliseconds.
    pub grace_ms: u64,
    /// Bytes a run may print.
    pub max_output: u64,
    /// Patterns of tests with another timeout, in milliseconds; the first match counts.
    pub exceptions: Vec<(String, u64)>,
    /// Output that means failure.
    pub fail_regex: Option<String>,
    /// Output that means that a run was skipped; absent in campaigns of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_regex: Option<String>,
}

/// The invocation of dstest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// The command line.
    pub args: Vec<String>,
    /// The directory it was called in.
    pub cwd: PathBuf,
}

impl CampaignFile {
    /// The schema version written and read.
    pub const SCHEMA: u32 = 1;

    /// Writes it into a campaign's directory.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn write(&self, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE_NAME);
        let text = serde_json::to_vec_pretty(self).map_err(|error| StoreError::Malformed {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_atomically(&path, &text)
    }

    /// Reads it from a campaign's directory.
    ///
    /// # Errors
    /// [`StoreError`] if it is missing, or of another schema.
    pub fn read(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        let mut text = Vec::new();
        let read = open_file(&path).and_then(|mut file| file.read_to_end(&mut text));
        read.map_err(io_error("read", &path))?;
        let malformed = |reason: String| StoreError::Malformed { path: path.clone(), reason };
        let mut file: Self = serde_json::from_slice(&text).map_err(|e| malformed(e.to_string()))?;
        if file.schema != Self::SCHEMA {
            return Err(malformed(format!("schema {}, not {}", file.schema, Self::SCHEMA)));
        }
        for test in &mut file.tests {
            let binary = file.binaries.get(test.binary);
            let binary = binary.ok_or_else(|| malformed(format!("no program of {}", test.name)))?;
            if test.key.is_empty() {
                test.key = test.key_in(binary);
            }
        }
        file.follow_store(dir);
        Ok(file)
    }

    /// Replaces the paths below the store that it was written into, if it is in another place now.
    fn follow_store(&mut self, dir: &Path) {
        let runs = dir.parent().filter(|runs| runs.ends_with("runs"));
        let (Some(old), Some(new)) = (&self.store, runs.and_then(Path::parent)) else { return };
        if old != new && new.is_absolute() {
            let pair = (old.clone(), new.to_owned());
            self.store = Some(pair.1.clone());
            self.relocate(&Relocation::new([pair]));
        }
    }

    /// Replaces paths of programs, their surroundings and their arguments.
    pub(super) fn relocate(&mut self, moved: &Relocation) {
        self.binaries.iter_mut().for_each(|binary| moved.apply(binary));
        self.tests.iter_mut().for_each(|test| moved.apply_to_args(test));
        self.inputs.iter_mut().for_each(|input| input.path = moved.path(&input.path));
        self.runner.iter_mut().for_each(|word| *word = moved.word(word));
    }

    /// The number of runs that were planned; `None` if there was none.
    #[must_use]
    pub fn planned(&self) -> Option<u64> {
        self.planned.or_else(|| Some(self.planned_of_each()? * self.tests.len() as u64))
    }

    /// The number of runs of each test that were planned; `None` if there was none.
    #[must_use]
    pub fn planned_of_each(&self) -> Option<u64> {
        let shard = self.shard.as_deref().and_then(Shard::parse).unwrap_or(Shard::WHOLE);
        Some(u64::from(shard.size(self.iterations?)))
    }

    /// The commit of its programs, as far as it is known.
    #[must_use]
    pub fn commit_of_programs(&self) -> Option<&Commit> {
        let archived = self.origin.as_ref().map(|origin| origin.commit.as_ref());
        archived.unwrap_or(self.commit.as_ref())
    }

    /// The index of each test by the name under which records have it: its key or, in campaigns of
    /// older versions, its short name.
    #[must_use]
    pub fn indexes(&self) -> HashMap<String, usize> {
        let tests = || self.tests.iter().enumerate();
        let names = tests().map(|(index, test)| (test.name.clone(), index));
        names.chain(tests().map(|(index, test)| (test.key.clone(), index))).collect()
    }

    /// The short name of a record's test.
    #[must_use]
    pub fn name_of<'a>(&'a self, record: &'a RunRecord) -> &'a str {
        let test = self.tests.iter().find(|test| test.key == record.test);
        test.map_or(&record.test, |test| &test.name)
    }
}

const FILE_NAME: &str = "campaign.json";

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// The description of a campaign of these tests, as stored.
    pub(crate) fn campaign_file(tests: &[&str]) -> CampaignFile {
        let test = |name: &&str| {
            json!({"name": name, "key": name, "id": name, "binary": 0, "args": [], "harness": "libtest",
                   "mark": "normal"})
        };
        let tests: Vec<_> = tests.iter().map(test).collect();
        let stored = json!({
            "schema": 1, "dstest": "0.1.0", "started": "2026-11-23T10:00:00Z", "seed": 7,
            "invocation": {"args": ["dstest", "2", "-n", "20"], "cwd": "/"},
            "iterations": 20, "workers": 2, "cores": 2, "verbose": null,
            "limits": {"timeout_ms": 60_000, "grace_ms": 1000, "max_output": 1000,
                       "exceptions": [], "fail_regex": null},
            "env": [], "seed_env": null,
            "binaries": [{"name": "lab2", "path": "lab2", "cwd": "/", "env": []}],
            "tests": tests,
        });
        serde_json::from_value(stored).unwrap()
    }
}
