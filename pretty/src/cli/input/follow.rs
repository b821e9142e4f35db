//! Files that grow, are truncated, or are replaced under their name; files that are not there yet.
//!
//! Looks at each file a few times a second instead of asking the system for events: those miss
//! changes on network and container file systems, and a log read by a person needs no more.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// The time between two looks at a file.
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(100);

/// A file that is followed: reading waits at its end, and ends where it was truncated or replaced.
pub(crate) struct GrowingFile {
    /// The name, unless the file has none for us, as on standard input.
    path: Option<PathBuf>,
    file: File,
    caught_up: CaughtUp,
}

/// Tells whether the end of a file, as it was at first, has been reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct CaughtUp(Arc<AtomicBool>);

impl CaughtUp {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl GrowingFile {
    pub(crate) fn new(path: Option<PathBuf>, file: File, caught_up: CaughtUp) -> Self {
        Self { path, file, caught_up }
    }

    /// Tells whether another file, or another content, has the name now.
    fn is_over(&mut self) -> io::Result<bool> {
        let read = self.file.stream_position()?;
        let own = self.file.metadata()?;
        let is_replaced = |path| replacement(path, (own.dev(), own.ino())).is_some();
        Ok(own.len() < read || self.path.as_deref().is_some_and(is_replaced))
    }
}

impl Read for GrowingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.file.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.is_over()? {
                return Ok(count);
            }
            self.caught_up.set();
            sleep(POLL_EVERY);
        }
    }
}

/// Opens a file as soon as it is there.
///
/// # Errors
/// If it is there and cannot be opened.
pub(crate) fn open_when_there(path: &Path) -> io::Result<File> {
    loop {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => sleep(POLL_EVERY),
            opened => return opened,
        }
    }
}

/// The file that has the name now, if it is another one. While there is none, as in the middle of
/// a rotation, the old one stays.
pub(crate) fn replacement(path: &Path, old: (u64, u64)) -> Option<File> {
    let file = File::open(path).ok()?;
    let new = file.metadata().ok()?;
    ((new.dev(), new.ino()) != old).then_some(file)
}
