//! The manifest of an archive: everything about it, and the list of its files.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ArchiveError;
use crate::origin::{Origin, architecture};
use crate::seed::Seed;
use crate::suite::Suite;

/// The manifest's name in an archive.
pub(super) const NAME: &str = "dstest-archive.json";

/// The format that is written, and the latest that is read.
pub(crate) const FORMAT: u32 = 1;

/// Manifests with a hundred thousand tests fit.
pub(super) const BYTES_MAX: u64 = 64 << 20;

/// The manifest of an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The format: [`FORMAT`].
    pub(crate) format: u32,
    /// The origin of the programs.
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// The seed of campaigns that are run in shares without a seed of their own.
    pub(crate) seed: Seed,
    /// The patterns that were typed.
    pub(crate) patterns: Vec<String>,
    /// The options of campaigns that were typed, each a word.
    pub(crate) options: Vec<String>,
    /// The text of `dstest.toml`; absent without one.
    pub(crate) config: Option<String>,
    /// The programs and their tests, with the paths of the machine that built them.
    #[serde(flatten)]
    pub(crate) listing: Suite,
    /// The places of directories and files, from that machine to the archive.
    pub(crate) places: Vec<Place>,
    /// All files, in their order in the archive.
    pub(crate) files: Vec<Entry>,
}

/// A directory or file of the machine that built the archive, and its path in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) from: PathBuf,
    pub(crate) to: String,
}

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its path in the archive.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// The hash of its contents.
    pub(crate) hash: String,
    pub(crate) executable: bool,
}

/// The part of a manifest that every format has.
#[derive(Deserialize)]
struct Version {
    format: u32,
    dstest: String,
}

impl Manifest {
    /// Reads the manifest of the archive at `path`, and refuses one that this dstest or machine
    /// cannot use.
    pub(super) fn parse(text: &[u8], path: &Path) -> Result<Self, ArchiveError> {
        let path = path.to_owned();
        let no_archive = |error: serde_json::Error| ArchiveError::NotAnArchive {
            path: path.clone(),
            reason: format!("{NAME}: {error}"),
        };
        let Version { format, dstest } = serde_json::from_slice(text).map_err(no_archive)?;
        if format > FORMAT {
            return Err(ArchiveError::Newer { path, format, dstest });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(no_archive)?;
        let (theirs, ours) = (&manifest.origin.architecture, architecture());
        if *theirs != ours {
            return Err(ArchiveError::Architecture { path, theirs: theirs.clone(), ours });
        }
        match manifest.fault() {
            Some(reason) => Err(ArchiveError::Damaged { path, reason }),
            None => Ok(manifest),
        }
    }

    /// The first thing in it that leads out of the archive, or nowhere.
    fn fault(&self) -> Option<String> {
        let mut seen = HashSet::new();
        let paths = self.files.iter().map(|file| &file.path);
        for path in paths.clone().chain(self.places.iter().map(|place| &place.to)) {
            if !stays_inside(path) {
                return Some(format!("`{}` does not stay inside", path.escape_debug()));
            }
        }
        if let Some(twice) = paths.into_iter().find(|path| !seen.insert(path.as_str())) {
            return Some(format!("`{}` is in it twice", twice.escape_debug()));
        }
        // They are created. Other paths of the manifest are only read, and `from` may have such parts.
        let has_parent =
            |path: &&PathBuf| path.components().any(|part| part == Component::ParentDir);
        let mut directories = self.listing.binaries.iter().map(|binary| &binary.cwd);
        if let Some(path) = directories.find(has_parent) {
            return Some(format!("`{}` leads elsewhere", path.to_string_lossy().escape_debug()));
        }
        let programs = self.listing.binaries.len();
        let lost = self.listing.tests.iter().find(|test| test.binary >= programs);
        lost.map(|test| format!("no program of the test `{}`", test.name.escape_debug()))
    }

    /// The bytes of all files; `None` if they are more than a number can hold.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.bytes))
    }
}

/// `true` for a path of plain names with single slashes between them.
fn stays_inside(path: &str) -> bool {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let parts = Path::new(path).components();
    let rejoined = parts.clone().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let is_same = rejoined.collect::<Vec<_>>().join("/") == path;
    !path.is_empty() && !path.contains('\0') && is_same && parts.clone().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_stay_inside() {
        let rows = [
            ("root/a b/ä.txt", true),
            ("root/..", false),
            ("../x", false),
            ("/etc/passwd", false),
            ("root//x", false),
            ("root/./x", false),
            ("root/x/", false),
            ("root/\0", false),
            ("", false),
            (".", false),
        ];
        for (path, want) in rows {
            assert_eq!(stays_inside(path), want, "{path:?}");
        }
    }
}
