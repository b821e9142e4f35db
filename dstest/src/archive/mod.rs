//! Archives: the built tests of a project in one file, which run where neither its sources nor a
//! compiler are.
//!
//! ```text
//! tests.tar.zst                   a tar file of regular files alone, in one frame of zstd
//!   dstest-archive.json           the manifest: format, programs and their tests, plan, all files
//!   bin/<hash>/<program>          the test programs
//!   root/…                        working files, by their paths below the project's directory
//!   outside/0/… target/0/… lib/0/… out/0/…
//!                                 the same of packages elsewhere; programs that tests start; shared
//!                                 libraries; files of build scripts
//! ```
//!
//! The paths of the machine that built it are replaced by those of the unpacked files: in working
//! directories, arguments and variables (`CARGO_MANIFEST_DIR`, `CARGO_BIN_EXE_*`). What a compiler
//! has written into a program (`env!`) stays as it is.
//!
//! Nothing is written outside the directory that an archive is unpacked into, whatever is in it: each
//! file must be the next one of the manifest, regular, of its size and its hash.

mod contents;
mod manifest;
mod pack;
mod unpack;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::store::StoreError;

pub(crate) use self::contents::{Contents, Wanted};
pub(crate) use self::manifest::{FORMAT, Manifest};
pub(crate) use self::pack::write;
pub(crate) use self::unpack::Archive;

/// Reasons why an archive cannot be written or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The failed action.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another kind of file.
    #[error("{} is not an archive of dstest: {reason}", path.display())]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A later format.
    #[error(
        "{} has format {format}, written by dstest {dstest}; this is dstest {own}, which reads formats up to {known}",
        path.display(), own = env!("CARGO_PKG_VERSION"), known = manifest::FORMAT
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The version of dstest that wrote it.
        dstest: String,
    },
    /// Programs of another architecture.
    #[error("{} has programs for {theirs}, and this machine is {ours}; build it there", path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// The architecture of its programs.
        theirs: String,
        /// The architecture of this machine.
        ours: String,
    },
    /// It does not hold what its manifest says, or not only that.
    #[error("{} is damaged or not to be trusted: {reason}; nothing of it is used", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Its files do not fit.
    #[error(
        "{} has {needed} of files, and {} has {free} free (-o or --extract-to chooses another place)",
        path.display(), place.display()
    )]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// The place for its files.
        place: PathBuf,
        /// Their size.
        needed: String,
        /// The size of what is free.
        free: String,
    },
    /// The store for its files cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that was changed while it was put into an archive.
    #[error("{} was changed while the archive was written; try again", .0.display())]
    Changed(PathBuf),
    /// A path that cannot be kept.
    #[error("{} cannot be archived: its path is not UTF-8", .0.display())]
    Path(PathBuf),
    /// A pattern of files that is not one.
    #[error("--include `{pattern}`: {reason}")]
    Pattern {
        /// As typed.
        pattern: String,
        /// The reason.
        reason: String,
    },
    /// A pattern without a file.
    #[error("--include `{pattern}` matches no file below {}", root.display())]
    NoFile {
        /// As typed.
        pattern: String,
        /// The directory.
        root: PathBuf,
    },
}

/// For `map_err`: an action on a file failed.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::Io { action, path, source }
}
