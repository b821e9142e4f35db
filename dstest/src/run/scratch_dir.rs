//! A worker's scratch directory: one log file and one private directory for all its runs in turn.
//!
//! A run that passes leaves them empty for the next one; files to be kept are moved to their own
//! place. Creating and removing files for each run would cost more than starting its process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::store::LiveDir;

/// The log file and directory of a worker.
#[derive(Debug)]
pub(super) struct ScratchDir {
    slot: usize,
    log: PathBuf,
    dir: PathBuf,
    /// For temporary files; among the system's, since a path in the store may be too long for a
    /// socket.
    temporary: PathBuf,
    /// Open as long as the file may be used again; every run appends to it.
    file: Option<File>,
}

impl ScratchDir {
    /// The scratch directory of a worker; nothing is created before the first run.
    pub(super) fn new(live: &LiveDir, slot: usize) -> Self {
        let log = live_log(live.path(), slot);
        let temporary = live.temporary().join(slot.to_string());
        Self { slot, dir: log.with_extension("dir"), log, temporary, file: None }
    }

    /// The number of the worker, from 0.
    pub(super) const fn slot(&self) -> usize {
        self.slot
    }

    /// The log of the present run.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// The private directory of the present run.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory for temporary files of the present run.
    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// A text in which the paths of the present run, which differ from run to run, are replaced by the
    /// variables that name them.
    pub(super) fn without_own_paths(&self, text: &str) -> String {
        let own = [(&self.dir, "$DSTEST_RUN_DIR"), (&self.temporary, "$TMPDIR")];
        own.into_iter().fold(text.to_owned(), |text, (path, name)| {
            text.replace(&*path.to_string_lossy(), name)
        })
    }

    /// Makes sure that log and directories exist and are empty.
    pub(super) fn prepare(&mut self) -> io::Result<&File> {
        empty(&self.temporary);
        create(&self.dir, &fs::DirBuilder::new())?;
        create(&self.temporary, fs::DirBuilder::new().mode(0o700))?;
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().append(true).create(true).open(&self.log)?,
        };
        file.set_len(0)?;
        Ok(self.file.insert(file))
    }

    /// Removes the files of a run.
    pub(super) fn wipe(&self) {
        // The next run truncates its log.
        empty(&self.dir);
    }

    /// Abandons the log file, which may still be written to.
    pub(super) fn abandon_log(&mut self) {
        self.file = None;
        // A writer that is left keeps its file, and the next run gets another one.
        let _ = fs::remove_file(&self.log);
    }

    /// Moves the log to `place`, and its directory next to it unless that is empty.
    pub(super) fn keep(&mut self, place: &Path) -> io::Result<()> {
        self.file = None;
        if let Some(dir) = place.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::rename(&self.log, place)?;
        // An empty directory is removed; removing another one fails, and it is kept.
        if fs::remove_dir(&self.dir).is_err() {
            let _ = fs::rename(&self.dir, place.with_extension("dir"));
        }
        Ok(())
    }

    /// `true` if the disk is full, which may be the reason of a failure.
    pub(super) fn is_full(&self) -> bool {
        let probe = self.log.with_extension("probe");
        let written = fs::write(&probe, vec![0; PROBE_BYTES]);
        let _ = fs::remove_file(&probe);
        written.is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        })
    }

    /// Cuts the log to `limit` bytes if it is longer, with a note at its end.
    pub(super) fn cut(&self, limit: u64) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        if file.metadata()?.len() > limit {
            file.set_len(limit)?;
            writeln!(file, "\ndstest: cut here after {limit} bytes (--max-output)")?;
        }
        Ok(())
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        self.file = None;
        let _ = fs::remove_file(&self.log);
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

/// Creates the directory, unless it is there.
fn create(dir: &Path, how: &fs::DirBuilder) -> io::Result<()> {
    match how.create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the directory unless it is empty. The next run tries again after an error.
fn empty(dir: &Path) {
    let is_empty = fs::read_dir(dir).map_or(true, |mut left| left.next().is_none());
    if !is_empty {
        let _ = fs::remove_dir_all(dir);
    }
}

/// The file with the output of a worker's present run.
pub(super) fn live_log(live: &Path, slot: usize) -> PathBuf {
    live.join(format!("{slot}.log"))
}

/// The free space that a run's output needs: the buffers of most programs.
const PROBE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scratch_directory_is_empty_for_each_run_and_kept_files_are_moved() {
        let root = tempfile::tempdir().unwrap();
        let live = LiveDir::open(root.path()).unwrap();
        let mut scratch = ScratchDir::new(&live, 3);
        scratch.prepare().unwrap().write_all(b"first").unwrap();
        fs::write(scratch.dir().join("file"), "x").unwrap();
        fs::write(scratch.temporary().join("file"), "x").unwrap();
        scratch.wipe();
        scratch.prepare().unwrap().write_all(b"second").unwrap();
        assert_eq!(fs::read_dir(scratch.temporary()).unwrap().count(), 0);
        assert_eq!(fs::read_dir(scratch.dir()).unwrap().count(), 0);
        fs::write(scratch.dir().join("file"), "y").unwrap();
        let place = root.path().join("logs/test/2.log");
        scratch.keep(&place).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"second");
        assert_eq!(fs::read(place.with_extension("dir").join("file")).unwrap(), b"y");
        scratch.prepare().unwrap().write_all(b"third").unwrap();
        assert_eq!(fs::read(scratch.log()).unwrap(), b"third");
        let temporary = scratch.temporary().to_owned();
        drop(scratch);
        assert!(!temporary.exists());
        drop(live);
        assert!(!root.path().join("live").exists());
    }

    #[test]
    fn a_log_is_cut_only_where_it_is_too_long() {
        let root = tempfile::tempdir().unwrap();
        let live = LiveDir::open(root.path()).unwrap();
        let mut scratch = ScratchDir::new(&live, 0);
        scratch.prepare().unwrap().write_all(b"0123456789").unwrap();
        scratch.cut(10).unwrap();
        assert_eq!(fs::read(scratch.log()).unwrap(), b"0123456789");
        scratch.cut(4).unwrap();
        let text = fs::read_to_string(scratch.log()).unwrap();
        assert!(text.starts_with("0123\ndstest: cut here after 4 bytes"), "{text}");
    }
}
