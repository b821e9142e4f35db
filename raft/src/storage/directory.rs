//! The file system interface of stores, so that a simulated one can lose power at any step.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::storage::{StorageError, WriteProgress, own_file};

/// A directory. Names are file names within it.
pub(super) trait Directory: Clone + Send + Sync + 'static {
    /// A writable file.
    type File: WritableFile;

    /// The names of all files, in any order.
    fn names(&self) -> io::Result<Vec<String>>;
    /// The contents of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Opens a file for reading. It stays readable when it is renamed or deleted.
    fn open_for_reading(&self, name: &str) -> io::Result<Box<dyn ReadableFile>>;
    /// Creates an empty file, replacing an existing one.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;
    /// Opens a file for writing.
    fn open(&mut self, name: &str) -> io::Result<Self::File>;
    /// Renames a file, replacing an existing one.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Deletes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes the names durable.
    fn sync(&mut self) -> io::Result<()>;
    /// The path of a file for messages, or of the directory for an empty name.
    fn path_of(&self, name: &str) -> String;
}

/// A file open for reading.
pub(super) trait ReadableFile: Send {
    /// The file's length.
    fn len(&mut self) -> io::Result<u64>;
    /// Fills the buffer from this offset on.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// A writable file.
pub(super) trait WritableFile: Send + 'static {
    /// Writes at this offset, extending the file if necessary.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Sets the file's length.
    fn set_len(&mut self, length: u64) -> io::Result<()>;
    /// Makes the file's bytes and length durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Converts an I/O error, with a remedy for failures that an operator can mend.
pub(super) fn io_error(what: String) -> impl FnOnce(io::Error) -> StorageError {
    move |source| {
        let is = |kinds: &[io::ErrorKind]| kinds.contains(&source.kind());
        let remedy = if is(&[io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
            " (free space on the file system of data_dir, then start again)"
        } else if is(&[io::ErrorKind::FileTooLarge]) {
            " (raise the limit on file sizes, `ulimit -f`, or lower segment_bytes of DiskOptions)"
        } else if is(&[io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem]) {
            " (data_dir must be a directory that this process may write)"
        } else {
            ""
        };
        StorageError::Io { what: format!("{what}{remedy}"), source }
    }
}

/// Replaces a file atomically: after a crash, its name refers to all of the bytes or to the
/// previous contents. Durable on return.
pub(super) fn replace<F: Directory>(
    directory: &mut F,
    name: &str,
    parts: &[&[u8]],
) -> Result<(), StorageError> {
    let temporary = format!("{name}{TEMPORARY}");
    let write = |directory: &mut F| {
        let mut file = directory.create(&temporary)?;
        let mut offset = 0;
        for part in parts {
            file.write_at(offset, part)?;
            offset += part.len() as u64;
        }
        file.sync()
    };
    write(directory).map_err(io_error(format!("write {}", directory.path_of(&temporary))))?;
    let rename = |directory: &mut F| {
        directory.rename(&temporary, name)?;
        directory.sync()
    };
    rename(directory)
        .map_err(io_error(format!("rename {temporary} to {}", directory.path_of(name))))
}

/// Writes at this offset. Large parts are flushed step by step, each of which is progress: the
/// system would take the bytes at once, and then be silent through one flush of all of them. The
/// last step is left to the caller's flush.
pub(super) fn write_in_steps<W: WritableFile>(
    file: &mut W,
    offset: u64,
    bytes: &[u8],
    progress: &WriteProgress,
) -> io::Result<()> {
    let mut at = offset;
    for (position, step) in bytes.chunks(STEP_BYTES).enumerate() {
        if position > 0 {
            file.sync()?;
            progress.advance();
        }
        file.write_at(at, step)?;
        at += step.len() as u64;
    }
    Ok(())
}

/// Bytes of one step: a disk that takes longer than `disk_timeout` for as many is a stuck one.
const STEP_BYTES: usize = 4 << 20;

/// Deletes a file durably. A missing file is not an error.
pub(super) fn delete<F: Directory>(directory: &mut F, name: &str) -> Result<(), StorageError> {
    let remove = |directory: &mut F| match directory.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => directory.sync(),
    };
    remove(directory).map_err(io_error(format!("delete {}", directory.path_of(name))))
}

/// Deletes the files with such names durably.
pub(super) fn delete_all<F: Directory>(
    directory: &mut F,
    is_deleted: impl Fn(&str) -> bool,
) -> Result<(), StorageError> {
    let names = names(directory)?;
    names.iter().filter(|name| is_deleted(name)).try_for_each(|name| delete(directory, name))
}

/// The names of all files, in any order.
pub(super) fn names<F: Directory>(directory: &F) -> Result<Vec<String>, StorageError> {
    directory.names().map_err(io_error(format!("list {}", directory.path_of(""))))
}

/// The name of the file with this number and ending.
pub(super) fn numbered_name(number: u64, ending: &str) -> String {
    format!("{number:020}{ending}")
}

/// The number of the file with this name. One written in another way (`+1.log`) is not a file of a store.
pub(super) fn number_of(name: &str, ending: &str) -> Option<u64> {
    let number = name.strip_suffix(ending)?.parse().ok()?;
    (numbered_name(number, ending) == name).then_some(number)
}

/// The numbers of all files whose names end like this, in order.
///
/// # Errors
/// They cannot be listed, or one has a number after which a store cannot count.
pub(super) fn numbers<F: Directory>(directory: &F, ending: &str) -> Result<Vec<u64>, StorageError> {
    let names = names(directory)?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name, ending)).collect();
    numbers.sort_unstable();
    match numbers.last() {
        Some(last) if *last > NUMBER_MAX => Err(StorageError::Damaged(format!(
            "{} has a number that no store reaches, so the store has not made it",
            directory.path_of(&numbered_name(*last, ending))
        ))),
        Some(_) | None => Ok(numbers),
    }
}

/// More than a store can count to; numbers after it need no check.
const NUMBER_MAX: u64 = 1 << 62;

/// Suffix of unfinished files.
pub(super) const TEMPORARY: &str = ".tmp";

/// A directory of the operating system.
#[derive(Clone)]
pub(super) struct OsDirectory {
    path: PathBuf,
}

impl OsDirectory {
    /// The directory at `path`, created if missing.
    pub(super) fn create(path: &Path) -> Result<Self, StorageError> {
        let new: Vec<&Path> = path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
        let make = || {
            own_file::create_directory(path)?;
            // A new directory is durable when its parent is.
            new.iter().filter_map(|directory| directory.parent()).try_for_each(sync_directory)
        };
        make().map_err(io_error(format!("create the directory {}", path.display())))?;
        Ok(Self { path: path.to_owned() })
    }

    /// The directory at `path`, which is there.
    pub(super) fn existing(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Directory for OsDirectory {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        let name =
            |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        fs::read_dir(&self.path)?.map(name).collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut file = own_file::open(&self.at(name), File::options().read(true))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn open_for_reading(&self, name: &str) -> io::Result<Box<dyn ReadableFile>> {
        Ok(Box::new(own_file::open(&self.at(name), File::options().read(true))?))
    }

    fn create(&mut self, name: &str) -> io::Result<File> {
        own_file::replace(&self.at(name))
    }

    fn open(&mut self, name: &str) -> io::Result<File> {
        own_file::open(&self.at(name), File::options().write(true))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.at(name))
    }

    fn sync(&mut self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn path_of(&self, name: &str) -> String {
        let path = if name.is_empty() { self.path.clone() } else { self.at(name) };
        path.display().to_string()
    }
}

#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(here)?.sync_all()
}

/// Other systems have no such call, or do it implicitly.
#[cfg(not(unix))]
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

impl ReadableFile for File {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.read_exact(buffer)
    }
}

impl WritableFile for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        Self::set_len(self, length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
