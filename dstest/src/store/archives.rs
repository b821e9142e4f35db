//! Unpacked archives of a store: the programs and files of `--archive`, shared by its campaigns.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::marker::is_program;
use super::open_dir::OpenDir;
use super::{Store, StoreError, io_error, target_of_unused, unused_beside};

/// The directory of unpacked archives in a store.
pub(super) const ARCHIVES: &str = "archives";

impl Store {
    /// The directory of the unpacked archive with this hash. Unless it is there, `fill` writes it, into
    /// a directory of its own that takes its place when it is whole: several processes may do so at
    /// once, on several machines.
    ///
    /// # Errors
    /// Those of `fill`, after which nothing is left, or of the store.
    pub(crate) fn archive_dir<E: From<StoreError>>(
        &self,
        id: &str,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let dir = self.root.join(ARCHIVES).join(id);
        if dir.is_dir() {
            return Ok(dir);
        }
        let archives = self.claim()?.create_dir(ARCHIVES);
        let archives = archives.map_err(io_error("create", &self.root.join(ARCHIVES)))?;
        let fresh = unused_beside(&archives.path().join(id));
        fs::create_dir(&fresh).map_err(io_error("create", &fresh))?;
        let placed = fill(&fresh).and_then(|()| match fs::rename(&fresh, &dir) {
            // Another process was quicker.
            Err(_) if dir.is_dir() => Ok(()),
            renamed => Ok(renamed.map_err(io_error("create", &dir))?),
        });
        let _ = fs::remove_dir_all(&fresh);
        placed.map(|()| dir)
    }

    /// A copy of an unpacked archive of another store.
    pub(super) fn take_archive(&self, dir: &Path) -> Result<PathBuf, StoreError> {
        let id = dir.file_name().unwrap_or_default().to_string_lossy();
        self.archive_dir(&id, |fresh| {
            let copied = OpenDir::open(dir).and_then(|dir| copy_files(&dir, fresh));
            copied.map_err(io_error("copy", dir))
        })
    }
}

/// Copies files and directories with their permissions; there is nothing else in an unpacked archive.
fn copy_files(from: &OpenDir, to: &Path) -> io::Result<()> {
    for entry in from.entries()? {
        let target = to.join(&entry.name);
        if entry.kind() == FileType::Directory {
            fs::create_dir(&target)?;
            copy_files(&from.dir(&entry.name)?, &target)?;
        } else if entry.kind() == FileType::RegularFile {
            let mut source = from.file(Path::new(&entry.name))?;
            let mut copy = fs::File::create_new(&target)?;
            io::copy(&mut source, &mut copy)?;
            copy.set_permissions(source.metadata()?.permissions())?;
        }
    }
    Ok(())
}

/// The directory of the unpacked archive that a path is in (`…/archives/<hash>/…`).
pub(crate) fn archive_of(path: &Path) -> Option<&Path> {
    path.ancestors().find(|dir| {
        let parent = dir.parent().and_then(Path::file_name);
        parent.is_some_and(|name| name == ARCHIVES) && dir.file_name().is_some_and(is_program)
    })
}

/// `true` for the name of a directory into which an archive is being unpacked.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    target_of_unused(name).is_some_and(is_program)
}
