//! Opened directories: everything below them is looked at, read and removed relative to them, and
//! no symbolic link is followed.
//!
//! A store may lie in a checkout that has come from a stranger. A link in it must not lead a removal,
//! or a copy, to another place.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    self, AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, mkdirat, openat, statat, unlinkat,
};
use serde::de::DeserializeOwned;

/// An opened directory.
#[derive(Debug)]
pub(crate) struct OpenDir {
    fd: OwnedFd,
    path: PathBuf,
    /// The directories above it, from the one that was opened by its path.
    depth: usize,
}

/// An entry of a directory; of a link, the link itself.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    stat: Stat,
}

impl Entry {
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// The time since it was written; zero if that is in the future.
    pub(crate) fn age(&self) -> Duration {
        let seconds = u64::try_from(self.stat.st_mtime).unwrap_or(0);
        let nanos = u32::try_from(self.stat.st_mtime_nsec).unwrap_or(0);
        let written = UNIX_EPOCH + Duration::new(seconds, nanos);
        SystemTime::now().duration_since(written).unwrap_or_default()
    }
}

impl OpenDir {
    /// Opens a directory that is not a link itself. The path to it is the caller's.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        open_at(CWD, path.as_os_str(), path.to_owned())
    }

    /// The directory in it with this name.
    pub(crate) fn dir(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = one_name(name.as_ref())?;
        if self.depth == DEPTH_MAX {
            let reason =
                format!("has directories nested more than {DEPTH_MAX} deep; rm -r removes it");
            return Err(io::Error::other(reason));
        }
        let dir = open_at(&self.fd, name, self.path.join(name))?;
        Ok(Self { depth: self.depth + 1, ..dir })
    }

    /// Its path, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The id of the user that owns it.
    pub(crate) fn owner(&self) -> io::Result<u32> {
        Ok(fs::fstat(&self.fd)?.st_uid)
    }

    /// The entry with this name.
    pub(crate) fn entry(&self, name: impl AsRef<OsStr>) -> io::Result<Entry> {
        let name = one_name(name.as_ref())?;
        let stat = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Entry { name: name.to_owned(), stat })
    }

    /// All entries, in the order of their names.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        // An entry that is gone meanwhile is none.
        Ok(names.into_iter().filter_map(|name| self.entry(name).ok()).collect())
    }

    /// Opens the regular file at a path below it, of which no part is a link.
    pub(crate) fn file(&self, path: &Path) -> io::Result<File> {
        self.below(path, |dir, name| {
            let opened = openat(&dir.fd, name, FILE_FLAGS, Mode::empty());
            let fd = opened.map_err(|error| explained(error.into(), &dir.fd, name))?;
            regular(File::from(fd))
        })
    }

    /// The directory at a path below it, of which no part is a link.
    pub(crate) fn dir_below(&self, path: &Path) -> io::Result<Self> {
        self.below(path, |parent, name| parent.dir(name))
    }

    /// Does something with the last part of a path below it, in the directory that holds it.
    fn below<T>(
        &self,
        path: &Path,
        act: impl FnOnce(&Self, &OsStr) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut parts = path.components();
        match (parts.next(), parts.as_path()) {
            (Some(Component::Normal(name)), rest) if rest.as_os_str().is_empty() => act(self, name),
            (Some(Component::Normal(name)), rest) => self.dir(name)?.below(rest, act),
            (Some(_) | None, _) => Err(not_below(path)),
        }
    }

    /// Creates a file that must not be there, not even as a link.
    pub(crate) fn create_file(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
        File::from(openat(&self.fd, name, flags, mode)?).write_all(contents)
    }

    /// Opens a directory in it, which is created if it is missing.
    pub(crate) fn create_dir(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = one_name(name.as_ref())?;
        match mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
            Err(error) if io::Error::from(error).kind() != io::ErrorKind::AlreadyExists => {
                Err(error.into())
            }
            Ok(()) | Err(_) => self.dir(name),
        }
    }

    /// Removes what is at a path below it: a file, a link, or a directory with everything in it.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.below(path.as_ref(), |parent, name| {
            if parent.entry(name)?.kind() != FileType::Directory {
                return Ok(unlinkat(&parent.fd, name, AtFlags::empty())?);
            }
            let dir = parent.dir(name)?;
            if fs::fstat(&dir.fd)?.st_dev != fs::fstat(&parent.fd)?.st_dev {
                return Err(io::Error::other("is another file system, mounted here"));
            }
            for inner in dir.entries()? {
                dir.remove(inner.name)?;
            }
            Ok(unlinkat(&parent.fd, name, AtFlags::REMOVEDIR)?)
        })
    }

    /// The bytes of the files in an entry; a file with several names counts once.
    pub(crate) fn size(&self, name: impl AsRef<OsStr>) -> u64 {
        self.size_of_new(name.as_ref(), &mut HashSet::new())
    }

    fn size_of_new(&self, name: &OsStr, seen: &mut HashSet<(u64, u64)>) -> u64 {
        let Ok(entry) = self.entry(name) else { return 0 };
        if entry.kind() == FileType::Directory {
            let Ok(dir) = self.dir(name) else { return 0 };
            let entries = dir.entries().unwrap_or_default();
            return entries.iter().map(|entry| dir.size_of_new(&entry.name, seen)).sum();
        }
        let stat = &entry.stat;
        let is_new = stat.st_nlink == 1 || seen.insert((stat.st_dev, stat.st_ino));
        if is_new { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 }
    }
}

/// Opens a regular file for reading, unless it is a link, a pipe or a device. The path to it is the
/// caller's.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let fd = openat(CWD, path, FILE_FLAGS, Mode::empty())
        .map_err(|error| explained(error.into(), CWD, path.as_os_str()))?;
    regular(File::from(fd))
}

/// The contents of a regular file, of at most `max` bytes; see [`open_file`].
pub(crate) fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let (file, mut bytes) = (open_file(path)?, Vec::new());
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// The end of a regular file, of at most `max` bytes; see [`open_file`].
pub(crate) fn read_end(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let (mut file, mut bytes) = (open_file(path)?, Vec::new());
    file.seek(SeekFrom::Start(file.metadata()?.len().saturating_sub(max)))?;
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The contents as text, with a sign in place of what is none; see [`read_file`].
pub(crate) fn read_text(path: &Path, max: u64) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read_file(path, max)?).into_owned())
}

/// The value in a file of JSON; `None` if it cannot be read, or is another. See [`read_file`].
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, max: u64) -> Option<T> {
    serde_json::from_slice(&read_file(path, max).ok()?).ok()
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("is not a file")) }
}

/// Opens a file for reading and more, unless it is a link. The path to it is the caller's.
pub(crate) fn open_to_write(how: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    how.read(true).custom_flags(flags).open(path)
}

/// Refuses a file to write to that has other names, one of which may be outside of the store, or that is
/// not a regular one.
pub(crate) fn refuse_hard_links(file: File) -> io::Result<File> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("is not a file"));
    }
    if metadata.nlink() > 1 {
        return Err(io::Error::other(
            "it has several names (hard links), and dstest changes no file outside of a store; \
             a copy of it in its place has one",
        ));
    }
    Ok(file)
}

fn open_at(parent: impl std::os::fd::AsFd, name: &OsStr, path: PathBuf) -> io::Result<OpenDir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(parent.as_fd(), name, flags, Mode::empty());
    let fd = opened.map_err(|error| explained(error.into(), parent.as_fd(), name))?;
    Ok(OpenDir { fd, path, depth: 0 })
}

/// The error, or that a link is not followed.
fn explained(error: io::Error, parent: impl std::os::fd::AsFd, name: &OsStr) -> io::Error {
    let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    let is_link = stat.is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Symlink);
    if is_link {
        io::Error::other("it is a symbolic link, and dstest follows none in a store")
    } else {
        error
    }
}

/// The name, if it is a single one: a path could lead out of the directory.
fn one_name(name: &OsStr) -> io::Result<&OsStr> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(not_below(Path::new(name))),
    }
}

fn not_below(path: &Path) -> io::Error {
    io::Error::other(format!("`{}` does not stay in the directory", path.display()))
}

/// Deeper ones have no path that programs can use. Everything that goes down into directories has
/// this bound on open files and on its stack.
const DEPTH_MAX: usize = 500;

/// Limit on the files that describe a campaign or a store.
pub(crate) const DESCRIPTION_BYTES_MAX: u64 = 256 << 20;

/// Limit on the case that a test writes, and on its log where that is shown in its place.
pub(crate) const CASE_BYTES_MAX: u64 = 16 << 20;

/// A pipe would block without a writer.
const FILE_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_removed_and_counted_as_links_and_never_followed() {
        let root = tempfile::tempdir().unwrap();
        let (mine, other) = (root.path().join("mine"), root.path().join("other"));
        fs::create_dir_all(mine.join("deep/er")).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "kept").unwrap();
        symlink(&other, mine.join("deep/link")).unwrap();
        fs::write(mine.join("deep/er/file"), "12345").unwrap();
        fs::hard_link(mine.join("deep/er/file"), mine.join("deep/same")).unwrap();
        let dir = OpenDir::open(&mine).unwrap();
        let link = other.as_os_str().len() as u64;
        assert_eq!(dir.size("deep"), 5 + link, "one file with two names, and the link");
        assert!(dir.dir("deep").unwrap().dir("link").is_err());
        assert!(dir.file(Path::new("deep/link/kept")).is_err());
        assert!(dir.file(Path::new("deep/er/file")).is_ok());
        dir.remove("deep").unwrap();
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 0);
        assert_eq!(fs::read(other.join("kept")).unwrap(), b"kept");
    }

    #[test]
    fn what_is_nested_without_end_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let dir = OpenDir::open(root.path()).unwrap();
        let mut deepest = dir.create_dir("deep").unwrap();
        let error = loop {
            match deepest.create_dir("d") {
                Ok(inner) => deepest = inner,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("nested more than 500 deep"), "{error}");
        assert_eq!(dir.remove("deep").unwrap_err().to_string(), error.to_string());
        assert_eq!(dir.size("deep"), 0);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(root.path().join("kept"), "").unwrap();
        let dir = OpenDir::open(&inner).unwrap();
        let absolute = root.path().join("kept");
        for name in ["..", ".", "../kept", "", absolute.to_str().unwrap()] {
            assert!(dir.dir(name).is_err() && dir.remove(name).is_err(), "{name}");
            assert!(dir.file(Path::new(name)).is_err(), "{name}");
        }
        assert!(root.path().join("kept").exists());
    }
}
