//! Campaigns on many machines: a directory with everything that the tasks of an engine need, and with
//! what they leave.
//!
//! ```text
//! DIR/
//!   submission.json   engine, tasks, seed, names of jobs
//!   dstest            this program
//!   tests.tar.zst     the archive
//!   task.sh           one task: begins its share, or goes on with it
//!   merge.sh          merges what the tasks have done
//!   kubernetes.yaml   the manifest (Kubernetes), with a Dockerfile
//!   programs/         the unpacked archive, for all tasks
//!   tasks/<I>/        the store of a task, from 1
//!   merged/           the store of the whole; result.json, .xml, .md and .html beside it
//!   logs/             what the tasks and the merge have printed (Slurm)
//! ```
//!
//! dstest schedules no machines: it writes what an engine wants, each task knows its share by its
//! number, and the rest follows from the stores.

pub(crate) mod kubernetes;
pub(crate) mod scripts;
pub(crate) mod slurm;
mod yaml;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::seed::Seed;
use crate::store::open_dir::{DESCRIPTION_BYTES_MAX, read_file};
use crate::store::{StoreError, io_error, write_atomically};

/// The name of a submission's description in its directory.
pub(crate) const FILE_NAME: &str = "submission.json";

/// A campaign that was handed to an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Submission {
    /// Schema version: [`Submission::SCHEMA`].
    pub(crate) schema: u32,
    pub(crate) engine: Engine,
    /// The number of tasks, each with a share of the iterations.
    pub(crate) tasks: u32,
    pub(crate) seed: Seed,
    /// The time it was written (RFC 3339, UTC).
    pub(crate) created: String,
    /// The engine's names of the tasks and of the merge; empty before they are known.
    #[serde(default)]
    pub(crate) jobs: Vec<String>,
}

/// The engine that runs the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    Slurm,
    Kubernetes,
}

impl Submission {
    pub(crate) const SCHEMA: u32 = 1;

    /// Writes it into its directory.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE_NAME);
        let text = serde_json::to_vec_pretty(self).map_err(|error| malformed(&path, &error))?;
        write_atomically(&path, &text)
    }

    /// Reads that of a directory; `None` if it has none.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Ok(None);
        }
        let text = read_file(&path, DESCRIPTION_BYTES_MAX).map_err(io_error("read", &path))?;
        let found: Self = serde_json::from_slice(&text).map_err(|e| malformed(&path, &e))?;
        if found.schema != Self::SCHEMA {
            let reason = format!("schema {}, not {}", found.schema, Self::SCHEMA);
            return Err(malformed(&path, &reason));
        }
        Ok(Some(found))
    }

    /// The stores of its tasks in this directory, from the first.
    pub(crate) fn stores(&self, dir: &Path) -> impl Iterator<Item = PathBuf> {
        let tasks = dir.join("tasks");
        (1..=self.tasks).map(move |task| tasks.join(task.to_string()))
    }
}

/// Reasons why a campaign cannot be submitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The directory has files.
    #[error("{} is not empty; -o chooses another directory for the campaign", .0.display())]
    NotEmpty(PathBuf),
    /// The engine's program is not there.
    #[error("cannot start `{program}`: {source} (is it installed here?); {ready}")]
    NoEngine {
        /// The program.
        program: String,
        /// The system's error.
        source: io::Error,
        /// The part that is there all the same.
        ready: String,
    },
    /// The engine refuses the job.
    #[error("`{program}` has not taken the job; its message is above; {ready}")]
    Refused {
        /// The program.
        program: String,
        /// The part that is there all the same.
        ready: String,
    },
}

fn malformed(path: &Path, reason: &impl ToString) -> StoreError {
    StoreError::Malformed { path: path.to_owned(), reason: reason.to_string() }
}
