//! Reading files of settings and of layers, of bounded size.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::error::ConfigError;

/// The contents of a path at which settings may be.
pub(super) enum Found {
    Nothing,
    /// A file of another user, or a link of theirs.
    Foreign,
    Text(String),
}

/// Reads a file that is only looked for, if there is one.
///
/// # Errors
/// If it cannot be read or is not a plain file of bounded size.
pub(super) fn find(path: &Path) -> Result<Found, ConfigError> {
    // Before it is opened, which another user may have forbidden.
    let read = || match path.symlink_metadata() {
        Err(error) if is_absent(&error) => Ok(Found::Nothing),
        Ok(entry) if is_foreign(entry.uid()) => Ok(Found::Foreign),
        Ok(_) | Err(_) => match open(path) {
            Err(error) if is_absent(&error) => Ok(Found::Nothing),
            Ok(file) if is_foreign(file.metadata()?.uid()) => Ok(Found::Foreign),
            file => plain_text(&file?).map(Found::Text),
        },
    };
    read().map_err(|error| unreadable(path, error))
}

/// Reads a file that settings or an option name.
///
/// # Errors
/// If it cannot be read or is not a plain file of bounded size.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    open(path).and_then(|file| plain_text(&file)).map_err(|error| unreadable(path, error))
}

/// Reads the settings that the user names, which may come through a pipe.
///
/// # Errors
/// If they cannot be read or are too large.
pub(super) fn read_or_await(path: &Path) -> Result<String, ConfigError> {
    File::open(path).and_then(|file| text(&file)).map_err(|error| unreadable(path, error))
}

/// Opens a file; a pipe would wait for a writer.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

fn plain_text(file: &File) -> io::Result<String> {
    if file.metadata()?.is_file() { text(file) } else { Err(wrong()) }
}

fn text(file: &File) -> io::Result<String> {
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX { Err(wrong()) } else { Ok(text) }
}

fn wrong() -> io::Error {
    io::Error::other(format!("not a file of at most {BYTES_MAX} bytes"))
}

fn unreadable(path: &Path, error: io::Error) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), error }
}

/// Tells whether a file of this user is neither the user's own nor the system's.
fn is_foreign(owner: u32) -> bool {
    owner != 0 && owner != rustix::process::geteuid().as_raw()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// More than any file of settings or layers has.
const BYTES_MAX: u64 = 1 << 20;
