//! The live directory: logs and private directories of running runs.
//!
//! Invariants:
//! - it is locked as long as its dstest lives, however that ends, so two never share one;
//! - the directory in it that the runs see has never been there before: a process whose private
//!   directory is in it was started by this very dstest;
//! - it names the directory for temporary files that goes with it, so that another dstest can
//!   remove both after a kill.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Reasons why the directory cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LiveError {
    /// Another dstest is running this campaign.
    #[error("{} is in use: another dstest is running this campaign", .0.display())]
    Busy(PathBuf),
    /// The system refuses it.
    #[error("cannot create {}: {source} (-o DIR chooses another store)", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// A campaign's live directory; removed with its owner.
#[derive(Debug)]
pub struct LiveDir {
    root: PathBuf,
    path: PathBuf,
    temporary: PathBuf,
    _lock: File,
}

impl LiveDir {
    /// Opens the live directory of a campaign.
    ///
    /// # Errors
    /// [`LiveError::Busy`] if another dstest has it.
    pub fn open(campaign: &Path) -> Result<Self, LiveError> {
        Self::open_at(campaign.join(NAME))
    }

    /// Opens a live directory of its own: several replays of one campaign may run at once.
    ///
    /// # Errors
    /// [`LiveError::Io`].
    pub fn open_another(campaign: &Path) -> Result<Self, LiveError> {
        let mut number = 1;
        loop {
            let name = if number == 1 { NAME.to_owned() } else { format!("{NAME}-{number}") };
            match Self::open_at(campaign.join(name)) {
                Err(LiveError::Busy(_)) => number += 1,
                other => return other,
            }
        }
    }

    /// The directory of the runs' files.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory for temporary files of its runs.
    #[must_use]
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    fn open_at(root: PathBuf) -> Result<Self, LiveError> {
        let lock = lock(&root)?;
        clear(&root);
        let unique = RandomState::new().build_hasher().finish();
        let path = root.join(format!("{unique:016x}"));
        let temporary = temporary_dir(unique);
        name_temporary(&lock, &temporary).map_err(io_error(&root))?;
        fs::create_dir(&path).map_err(io_error(&path))?;
        let private = fs::DirBuilder::new().mode(0o700).create(&temporary);
        private.map_err(io_error(&temporary))?;
        Ok(Self { root, path, temporary, _lock: lock })
    }
}

/// Creates the directory and takes its lock.
fn lock(root: &Path) -> Result<File, LiveError> {
    loop {
        fs::create_dir_all(root).map_err(io_error(root))?;
        let lock = match open_lock(root, OpenOptions::new().create(true)) {
            // Another dstest has removed the directory in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(io_error(root))?,
        };
        if is_taken(&lock) {
            return Err(LiveError::Busy(root.to_owned()));
        }
        if is_still_there(&lock, root) {
            return Ok(lock);
        }
    }
}

/// Removes the files of a killed dstest from a directory whose lock is held.
fn clear(root: &Path) {
    remove_temporary(root);
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name() != LOCK {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> LiveError {
    let path = path.to_owned();
    move |source| LiveError::Io { path, source }
}

impl Drop for LiveDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temporary);
        // It stays where a run's files could not be removed.
        let _ = fs::remove_dir(&self.path);
        let _ = fs::remove_file(self.root.join(LOCK));
        let _ = fs::remove_dir(&self.root);
    }
}

/// `true` if a dstest is running this campaign.
#[must_use]
pub(crate) fn is_busy(campaign: &Path) -> bool {
    let lock = open_lock(&campaign.join(NAME), &mut OpenOptions::new());
    lock.is_ok_and(|lock| is_taken(&lock))
}

/// Removes the live directories of a killed dstest from a campaign's directory.
pub(crate) fn sweep(campaign: &Path) {
    [campaign, &campaign.join("replays"), &campaign.join("verify")].into_iter().for_each(sweep_in);
}

/// Removes abandoned live directories directly in this directory.
pub(crate) fn sweep_in(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(NAME.as_bytes()) {
            sweep_one(&entry.path());
        }
    }
}

fn sweep_one(path: &Path) {
    let Ok(lock) = open_lock(path, &mut OpenOptions::new()) else {
        // Without a lock it is about to be used, or empty.
        let _ = fs::remove_dir(path);
        return;
    };
    if !is_taken(&lock) && is_still_there(&lock, path) {
        remove_temporary(path);
        let _ = fs::remove_dir_all(path);
    }
}

fn open_lock(dir: &Path, how: &mut OpenOptions) -> io::Result<File> {
    how.read(true).write(true).truncate(false).open(dir.join(LOCK))
}

/// Takes the lock; `true` if another process holds it. A file system without locks counts as free.
fn is_taken(lock: &File) -> bool {
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

fn is_still_there(lock: &File, dir: &Path) -> bool {
    let id = |file: fs::Metadata| (file.dev(), file.ino());
    match (lock.metadata(), dir.join(LOCK).metadata()) {
        (Ok(ours), Ok(there)) => id(ours) == id(there),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

fn name_temporary(mut lock: &File, temporary: &Path) -> io::Result<()> {
    lock.set_len(0)?;
    lock.write_all(temporary.as_os_str().as_encoded_bytes())
}

/// Removes the directory that a lock names, if it has dstest's prefix.
fn remove_temporary(dir: &Path) {
    let named = fs::read_to_string(dir.join(LOCK)).unwrap_or_default();
    let temporary = Path::new(&named);
    let name = temporary.file_name().unwrap_or_default();
    if temporary.is_absolute() && name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
        let _ = fs::remove_dir_all(temporary);
    }
}

/// A directory among the system's temporary files, with a random name. It is not in the store,
/// since a path there may be too long for a socket.
fn temporary_dir(unique: u64) -> PathBuf {
    let parent = std::env::temp_dir();
    let parent = std::path::absolute(&parent).unwrap_or(parent);
    parent.join(format!("{TEMPORARY}{unique:016x}"))
}

const NAME: &str = "live";

const LOCK: &str = "lock";

const TEMPORARY: &str = "dstest-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_never_share_one() {
        let campaign = tempfile::tempdir().unwrap();
        let first = LiveDir::open(campaign.path()).unwrap();
        assert!(is_busy(campaign.path()));
        assert!(matches!(LiveDir::open(campaign.path()), Err(LiveError::Busy(_))));
        let second = LiveDir::open_another(campaign.path()).unwrap();
        assert_ne!((first.path(), first.temporary()), (second.path(), second.temporary()));
        sweep(campaign.path());
        assert!(first.temporary().is_dir() && second.path().is_dir(), "they are in use");
        drop((first, second));
        assert!(!is_busy(campaign.path()));
        assert_eq!(fs::read_dir(campaign.path()).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn files_of_a_killed_dstest_are_removed() {
        let campaign = tempfile::tempdir().unwrap();
        let left = |dir: PathBuf| {
            fs::create_dir_all(&dir).unwrap();
            let live = LiveDir::open(&dir).unwrap();
            fs::write(live.path().join("0.log"), "x").unwrap();
            fs::write(live.temporary().join("file"), "x").unwrap();
            let (path, temporary) = (dir.join(NAME), live.temporary().to_owned());
            // As a kill does it: the lock goes, everything else stays.
            let named = fs::read(path.join(LOCK)).unwrap();
            drop(live);
            fs::create_dir_all(path.join("0123456789abcdef/0.dir")).unwrap();
            fs::create_dir_all(&temporary).unwrap();
            fs::write(path.join(LOCK), named).unwrap();
            (path, temporary)
        };
        let (a, b) = (campaign.path().to_owned(), campaign.path().join("replays"));
        let all = [left(a), left(b)];
        sweep(campaign.path());
        for (path, temporary) in all {
            assert!(!path.exists() && !temporary.exists());
        }
    }

    #[test]
    fn a_campaign_after_a_kill_starts_with_an_empty_directory() {
        let campaign = tempfile::tempdir().unwrap();
        let old = campaign.path().join("live/0123456789abcdef");
        fs::create_dir_all(&old).unwrap();
        fs::write(campaign.path().join("live/lock"), "").unwrap();
        let live = LiveDir::open(campaign.path()).unwrap();
        assert!(!old.exists() && live.path().is_dir() && live.path() != old);
    }

    #[test]
    fn only_directories_of_dstest_are_removed() {
        let (campaign, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let live = campaign.path().join(NAME);
        fs::create_dir(&live).unwrap();
        fs::write(live.join(LOCK), other.path().as_os_str().as_encoded_bytes()).unwrap();
        sweep(campaign.path());
        assert!(!live.exists() && other.path().exists());
    }
}
