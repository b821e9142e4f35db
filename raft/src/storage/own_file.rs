//! The opening of a store's own files: private, regular, and never through a link.
//!
//! A data directory holds all that the cluster knows, and a link in it must not make the store read or
//! overwrite another file.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a directory and its missing parents, for the user alone.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Creates an empty file for the user alone, in place of an existing one.
pub(super) fn replace(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    private(File::options().write(true).create_new(true)).open(path)
}

/// Opens a file for reading and writing, and creates it if it is missing.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    match private(File::options().read(true).write(true).create_new(true)).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            open(path, File::options().read(true).write(true))
        }
        created => created,
    }
}

/// Opens an existing file, which must not be a link, a pipe or another special file.
pub(super) fn open(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let stated = fs::symlink_metadata(path)?;
    if !stated.is_file() {
        let what = if stated.is_symlink() { "a link" } else { "not a regular file" };
        return Err(io::Error::other(format!("it is {what}, which a store does not open")));
    }
    let file = options.open(path)?;
    if !is_same(&stated, &file.metadata()?) {
        return Err(io::Error::other("it was replaced while it was opened"));
    }
    Ok(file)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}
