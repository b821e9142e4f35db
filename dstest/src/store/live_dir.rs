//! The live directory: logs and private directories of running runs.
//!
//! Invariants:
//! - it is locked as long as its dstest lives, however that ends, so two never share one;
//! - the directory in it that the runs see has never been there before: a process whose private
//!   directory is in it was started by this very dstest;
//! - it names the directory for temporary files that goes with it, so that another dstest can
//!   remove both after a kill.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use thiserror::Error;

use super::marker::user;
use super::open_dir::{OpenDir, open_file, open_to_write, refuse_hard_links};
use super::unique_number;

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
        let start = Instant::now();
        loop {
            match Self::open_at(campaign, NAME) {
                // The watchdog of a killed dstest may be about to clear it.
                Err(LiveError::Busy(_)) if start.elapsed() < CLEARED_WITHIN => {
                    thread::sleep(RETRY_INTERVAL);
                }
                other => return other,
            }
        }
    }

    /// Opens a live directory of its own: several replays of one campaign may run at once.
    ///
    /// # Errors
    /// [`LiveError::Io`].
    pub fn open_another(campaign: &Path) -> Result<Self, LiveError> {
        let mut number = 1;
        loop {
            let name = if number == 1 { NAME.to_owned() } else { format!("{NAME}-{number}") };
            match Self::open_at(campaign, &name) {
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

    fn open_at(parent: &Path, name: &str) -> Result<Self, LiveError> {
        let root = parent.join(name);
        let (lock, dir) = lock(parent, name)?;
        clear(&dir);
        let unique = unique_number();
        let path = root.join(format!("{unique:016x}"));
        let temporary = temporary_dir(unique);
        name_temporary(&lock, &temporary).map_err(io_error(&root))?;
        fs::create_dir(&path).map_err(io_error(&path))?;
        let private = fs::DirBuilder::new().mode(0o700).create(&temporary);
        private.map_err(io_error(&temporary))?;
        Ok(Self { root, path, temporary, _lock: lock })
    }
}

/// Creates the directory and takes its lock. No link is followed: everything in it is removed.
fn lock(parent: &Path, name: &str) -> Result<(File, OpenDir), LiveError> {
    let root = parent.join(name);
    loop {
        fs::create_dir_all(parent).map_err(io_error(parent))?;
        let parent = OpenDir::open(parent).map_err(io_error(parent))?;
        let dir = parent.create_dir(name).map_err(io_error(&root))?;
        let lock = match open_lock(&root, OpenOptions::new().create(true)) {
            // Another dstest has removed the directory in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(io_error(&root))?,
        };
        if is_taken(&lock) {
            return Err(LiveError::Busy(root));
        }
        if is_still_there(&lock, &root) {
            return Ok((lock, dir));
        }
    }
}

/// Removes the files of a killed dstest from a directory whose lock is held.
fn clear(dir: &OpenDir) {
    remove_temporary(dir.path());
    for entry in dir.entries().unwrap_or_default() {
        if entry.name != LOCK {
            let _ = dir.remove(entry.name);
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
    let Ok(dir) = OpenDir::open(dir) else { return };
    for entry in dir.entries().unwrap_or_default() {
        if is_live(&entry.name) && entry.kind() == FileType::Directory {
            sweep_one(&dir, &entry.name);
        }
    }
}

/// `true` for the name of a live directory: `live`, `live-2`.
fn is_live(name: &OsStr) -> bool {
    let number = |rest: &str| rest.strip_prefix('-')?.parse::<u32>().ok();
    let rest = name.to_str().and_then(|name| name.strip_prefix(NAME));
    rest.is_some_and(|rest| rest.is_empty() || number(rest).is_some())
}

fn sweep_one(parent: &OpenDir, name: &OsStr) {
    let path = parent.path().join(name);
    let Ok(lock) = open_lock(&path, &mut OpenOptions::new()) else {
        // Without a lock it is about to be used, or empty.
        let _ = fs::remove_dir(&path);
        return;
    };
    if !is_taken(&lock) && is_still_there(&lock, &path) {
        remove_temporary(&path);
        let _ = parent.remove(name);
    }
}

fn open_lock(dir: &Path, how: &mut OpenOptions) -> io::Result<File> {
    open_to_write(how.write(true).truncate(false), &dir.join(LOCK))
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

fn name_temporary(lock: &File, temporary: &Path) -> io::Result<()> {
    let mut lock = refuse_hard_links(lock.try_clone()?)?;
    lock.set_len(0)?;
    lock.write_all(temporary.as_os_str().as_encoded_bytes())
}

/// Removes the directory for temporary files that a lock names. A lock may be anybody's text, so
/// that only the user's own directory with a name of dstest's pattern goes.
fn remove_temporary(dir: &Path) {
    let mut named = String::new();
    let read = open_file(&dir.join(LOCK));
    let read = read.and_then(|file| file.take(PATH_BYTES_MAX).read_to_string(&mut named));
    let temporary = Path::new(&named);
    let (Ok(_), Some(parent), Some(name)) = (read, temporary.parent(), temporary.file_name())
    else {
        return;
    };
    let unique = name.as_encoded_bytes().strip_prefix(TEMPORARY.as_bytes()).unwrap_or_default();
    let is_own = unique.len() == 16 && unique.iter().all(u8::is_ascii_hexdigit);
    let is_users = |parent: &OpenDir| parent.dir(name)?.owner().map(|owner| owner == user());
    if let (true, true, Ok(parent)) = (temporary.is_absolute(), is_own, OpenDir::open(parent))
        && is_users(&parent).unwrap_or(false)
    {
        let _ = parent.remove(name);
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

/// Clearing takes milliseconds, on a busy machine more.
const CLEARED_WITHIN: Duration = Duration::from_secs(1);

const RETRY_INTERVAL: Duration = Duration::from_millis(20);

const LOCK: &str = "lock";

const TEMPORARY: &str = "dstest-";

/// No path is longer.
const PATH_BYTES_MAX: u64 = 4096;

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
