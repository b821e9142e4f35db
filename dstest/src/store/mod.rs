//! The store: everything kept of every campaign, written as it happens.
//!
//! ```text
//! .dstest/                     ignores itself from git
//!   dstest-store               the marker: dstest has made this directory, and may prune it
//!   bin/<hash>/<program>       one copy of each tested program, shared by all campaigns
//!   archives/<hash>/            programs and files of an unpacked archive, shared in the same way
//!   runs/<time>-<id>/
//!     campaign.json            what was run, and how
//!     events.jsonl             one line for each finished run, each appended in one write
//!     logs/<test>/<iter>.log   what failed (all with --keep-logs)
//!     replays/                 the same of each replay: events.jsonl, logs/
//!     summary.json             the results, derived from the events
//!   targets.json               tests of each cargo target, to build fewer of them; a cache
//!   latest -> runs/<time>-<id>
//! ```
//!
//! Invariant: `events.jsonl` is only ever appended to, and a reader passes over a torn last line;
//! killing dstest at any instant loses at most the runs that had not ended.

mod archives;
mod binaries;
pub(crate) mod campaign_file;
mod events;
mod find;
mod follow;
pub(crate) mod live_dir;
pub(crate) mod marker;
mod merge;
mod merged_tests;
pub(crate) mod open_dir;
mod owner;
mod paths;
mod prune;
mod shards;

use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use binaries::program_hash;
pub use campaign_file::{CampaignFile, Input, Invocation, Limits, Rule};
pub use events::{EventLog, read_events};
pub use follow::EventFollower;
pub use live_dir::{LiveDir, LiveError};
pub use merge::Merged;
pub use merged_tests::Builds;
pub(crate) use merged_tests::is_kept;
pub(crate) use paths::{REPLAYS, fresh_log_path};
pub use paths::{case_path, kept_log, log_path};
pub use prune::{Pruned, Removal, Removed, Retention};

use crate::text::utc::Utc;

/// The name of the store's directory, next to a manifest.
pub const DIR_NAME: &str = ".dstest";

/// Reasons why the store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or directory cannot be written or read.
    #[error("cannot {action} {}: {source} (-o DIR chooses another store)", path.display())]
    Io {
        /// The failed action.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A stored file is not what this version writes.
    #[error("{} is not readable by this version of dstest: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An unknown campaign.
    #[error("no stored campaign {wanted} in {}", store.display())]
    NoCampaign {
        /// The campaign as typed.
        wanted: String,
        /// The store.
        store: PathBuf,
    },
    /// A program of the campaign is missing.
    #[error("binary {} is missing; cannot replay", .0.display())]
    ProgramGone(PathBuf),
    /// A stored campaign or run that does not suit the command.
    #[error("{0}")]
    Unsuitable(String),
    /// An ambiguous campaign.
    #[error("ambiguous campaign `{wanted}` ({}); type more of the id", candidates.join(", "))]
    Ambiguous {
        /// As typed.
        wanted: String,
        /// Some candidates.
        candidates: Vec<String>,
    },
}

/// A store's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// The directory of one campaign's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignDir {
    /// Absolute path.
    pub path: PathBuf,
    /// The part of its name after the time, unique in practice.
    pub short_id: String,
}

impl CampaignDir {
    /// The store that the campaign is in; `None` of a directory that was moved out of one.
    #[must_use]
    pub fn store(&self) -> Option<Store> {
        let runs = self.path.parent().filter(|parent| parent.file_name() == Some("runs".as_ref()));
        Some(Store::at(runs?.parent()?.to_owned()))
    }

    /// The size of its records in bytes; 0 if there are none.
    pub(crate) fn records_size(&self) -> u64 {
        fs::metadata(self.path.join(events::FILE_NAME)).map_or(0, |found| found.len())
    }

    /// The directory that must be a store before anything of the campaign is changed.
    pub(crate) fn own_store(&self) -> Store {
        self.store().unwrap_or_else(|| Store::at(self.path.clone()))
    }
}

impl Store {
    /// The store in this directory, whether or not it exists.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The store's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates a directory for a new campaign (and the store, at its first), and points `latest` to
    /// it.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store cannot be written.
    pub fn create_campaign(&self, now: Utc) -> Result<CampaignDir, StoreError> {
        let root = self.claim()?;
        let runs = self.runs_dir();
        root.create_dir("runs").map_err(io_error("open", &runs))?;
        self.sweep();
        loop {
            let short_id = fresh_id();
            let name = format!("{}-{short_id}", now.compact());
            let path = runs.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    self.point_latest(&name);
                    return Ok(CampaignDir { path, short_id });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(io_error("create", &path)(source)),
            }
        }
    }

    /// Removes the live directories of a killed dstest. Every campaign checks those before it, so
    /// that only the newest can have any.
    fn sweep(&self) {
        let campaigns = self.campaigns();
        let own =
            campaigns.iter().filter(|run| run.path.file_name().is_some_and(marker::is_campaign));
        own.rev().take(SWEPT_CAMPAIGNS).for_each(|run| live_dir::sweep(&run.path));
    }

    fn runs_dir(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Replaces the link in one step, so that a reader always finds one.
    fn point_latest(&self, name: &str) {
        let fresh = self.root.join(format!("latest-{name}"));
        let linked = std::os::unix::fs::symlink(Path::new("runs").join(name), &fresh);
        // Without the link the newest run is still found by its name.
        let _ = linked.and_then(|()| fs::rename(&fresh, self.root.join("latest")));
    }
}

/// More campaigns than ever run in one store at a time.
const SWEPT_CAMPAIGNS: usize = 8;

/// Writes a whole file so that a reader sees the old contents or the new, never a part.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    let fresh = unused_beside(path);
    let written = fs::File::create_new(&fresh)
        .and_then(|mut file| file.write_all(contents))
        .and_then(|()| fs::rename(&fresh, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&fresh);
        io_error("write", path)(error)
    })
}

/// For `map_err`: an action on a file failed.
pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { action, path, source }
}

/// A name beside a file, for what takes its place when it is whole. No other process has it, though those
/// of several machines, with equal numbers, share the directory.
pub(crate) fn unused_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.tmp", unique_number()));
    path.with_file_name(name)
}

/// The name that a name beside it was made for by [`unused_beside`]; `None` of any other name.
fn target_of_unused(name: &OsStr) -> Option<&OsStr> {
    let name = name.as_bytes().strip_suffix(b".tmp")?;
    let (target, unique) = name.split_at_checked(name.len().checked_sub(UNIQUE_DIGITS + 1)?)?;
    let is_unique = unique[0] == b'.' && unique[1..].iter().all(u8::is_ascii_hexdigit);
    (is_unique && !target.is_empty()).then(|| OsStr::from_bytes(target))
}

/// Hexadecimal digits of a random number.
const UNIQUE_DIGITS: usize = 16;

/// A number that no other process draws.
pub(crate) fn unique_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// An id of four characters that are easy to read and to type.
fn fresh_id() -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bits = unique_number();
    (0..4).map(|at| char::from(LETTERS[(bits >> (5 * at)) as usize % LETTERS.len()])).collect()
}
