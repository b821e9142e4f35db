//! The marker of a store: a file that says that dstest has made the directory.
//!
//! Removals happen only below a marker, and of names in dstest's own pattern. A store is made in a
//! new or empty directory, or beside files of the user if none of them has a name of the store's
//! own. A store of a version without markers is recognised by its campaigns, and marked when the
//! next one is stored in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::open_dir::{Entry, OpenDir};
use super::{CampaignDir, CampaignFile, DIR_NAME, Store, StoreError, io_error, write_atomically};

/// The ways in which a directory is a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has a marker.
    Marked,
    /// It has campaigns of a version without markers.
    Unmarked,
    /// It has nothing in it.
    Empty,
    /// It has files of another program or person.
    Foreign,
}

impl Store {
    /// The store in a directory that the user has named: a link at its end is followed once, here.
    ///
    /// # Errors
    /// When the current directory cannot be used.
    pub(crate) fn named(dir: &Path) -> io::Result<Self> {
        let dir = std::path::absolute(dir)?;
        Ok(Self::at(if dir.is_symlink() { dir.canonicalize().unwrap_or(dir) } else { dir }))
    }

    /// The store that commands mean without a name: the nearest one at or above a directory.
    ///
    /// # Errors
    /// Those of [`Self::beside`].
    pub(crate) fn nearest(dir: &Path) -> Result<Self, StoreError> {
        Self::beside(nearest_root(dir))
    }

    /// The store next to a manifest, or found above the working directory, which the user has not
    /// named.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] for a link, and for the directory of another user.
    pub(crate) fn beside(dir: &Path) -> Result<Self, StoreError> {
        let root = dir.join(DIR_NAME);
        let Ok(entry) = root.symlink_metadata() else { return Ok(Self::at(root)) };
        let path = root.display();
        if entry.is_symlink() {
            return Err(StoreError::Unsuitable(format!(
                "{path} is a symbolic link and not a store; -o DIR names a store"
            )));
        }
        let owner =
            OpenDir::open(&root).and_then(|dir| dir.owner()).map_err(io_error("read", &root))?;
        if owner == user() {
            return Ok(Self::at(root));
        }
        Err(StoreError::Unsuitable(format!(
            "the store {path} belongs to another user (id {owner}); -o {path} names it as meant"
        )))
    }

    /// Creates the store, or marks a directory as one.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] where the directory has other files under the store's names.
    pub(super) fn claim(&self) -> Result<OpenDir, StoreError> {
        fs::create_dir_all(&self.root).map_err(io_error("create", &self.root))?;
        let dir = self.open()?;
        let standing = standing(&dir).map_err(io_error("read", &self.root))?;
        match standing {
            Standing::Marked => return Ok(dir),
            Standing::Unmarked | Standing::Empty => {}
            Standing::Foreign => self.refuse_taken_names(&dir)?,
        }
        // Files of the user beside it are to be seen by git.
        if standing == Standing::Empty {
            let ignore = self.root.join(IGNORE);
            create(&dir, IGNORE, "*\n").map_err(io_error("write", &ignore))?;
        }
        // Last and whole, since it may be killed at any instant.
        write_atomically(&self.root.join(FILE_NAME), TEXT.as_bytes())?;
        Ok(dir)
    }

    /// The store, for removals and other changes of what is in it.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] if dstest has not made it.
    pub(crate) fn open_marked(&self) -> Result<OpenDir, StoreError> {
        let dir = self.open()?;
        let path = self.root.display();
        let reason = match standing(&dir).map_err(io_error("read", &self.root))? {
            Standing::Marked => return Ok(dir),
            Standing::Unmarked => "is a store of an older dstest, without a marker: the next \
                campaign that is stored in it marks it"
                .to_owned(),
            Standing::Empty | Standing::Foreign => {
                format!("is not a store that dstest has made (it has no file `{FILE_NAME}`)")
            }
        };
        Err(StoreError::Unsuitable(format!("{path} {reason}; nothing was changed")))
    }

    fn open(&self) -> Result<OpenDir, StoreError> {
        OpenDir::open(&self.root).map_err(io_error("open", &self.root))
    }

    fn refuse_taken_names(&self, dir: &OpenDir) -> Result<(), StoreError> {
        let Some(taken) = OWN_NAMES.into_iter().find(|name| dir.entry(name).is_ok()) else {
            return Ok(());
        };
        // Another process that has made it meanwhile has written its marker first.
        if is_marked(dir) {
            return Ok(());
        }
        Err(StoreError::Unsuitable(format!(
            "{} is not a store and has `{taken}`, which dstest has not made; -o DIR chooses \
             another directory",
            self.root.display()
        )))
    }
}

/// The nearest directory at or above this one with a store in it; itself if there is none.
pub(crate) fn nearest_root(dir: &Path) -> &Path {
    dir.ancestors().find(|above| above.join(DIR_NAME).is_dir()).unwrap_or(dir)
}

/// `true` for the name of a campaign's directory (`20261123T100000Z-4f2a`).
pub(super) fn is_campaign(name: &OsStr) -> bool {
    let Some((time, id)) = name.to_str().and_then(|name| name.split_once('-')) else {
        return false;
    };
    let is_time = |(at, byte): (usize, u8)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let is_id = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    time.len() == 16
        && time.bytes().enumerate().all(is_time)
        && id.len() == 4
        && id.bytes().all(is_id)
}

/// `true` for the name of a program's directory, which is a hash.
pub(super) fn is_program(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.len() == 32 && bytes.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
}

/// Refuses a campaign's directory with links where dstest writes or reads: a run must not change other
/// places, and a report must not show them.
///
/// # Errors
/// [`StoreError::Unsuitable`] with the first link.
pub(crate) fn refuse_links(campaign: &Path) -> Result<(), StoreError> {
    let mut dirs = vec![campaign.to_owned()];
    for name in
        ["logs", "replays", "replays/logs", "verify", "verify/logs", "shrunk", "shrunk/logs"]
    {
        dirs.push(campaign.join(name));
    }
    for path in dirs {
        let dir = match OpenDir::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(io_error("open", &path))?,
        };
        let entries = dir.entries().map_err(io_error("read", &path))?;
        if let Some(link) = entries.iter().find(|entry| entry.kind() == FileType::Symlink) {
            let link: PathBuf = path.join(&link.name);
            return Err(StoreError::Unsuitable(format!(
                "{} is a symbolic link, and dstest follows none in a store; nothing was changed",
                link.display()
            )));
        }
    }
    Ok(())
}

impl CampaignDir {
    /// Its description, if nothing in it leads elsewhere.
    ///
    /// # Errors
    /// Those of [`refuse_links`] and [`CampaignFile::read`].
    pub(crate) fn description(&self) -> Result<CampaignFile, StoreError> {
        refuse_links(&self.path)?;
        CampaignFile::read(&self.path)
    }
}

/// The id of the user.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn standing(dir: &OpenDir) -> io::Result<Standing> {
    if is_marked(dir) {
        return Ok(Standing::Marked);
    }
    // Of a store that was killed while it was made.
    let is_begun =
        |name: &OsStr| name == IGNORE || name.as_encoded_bytes().starts_with(FILE_NAME.as_bytes());
    if dir.entries()?.iter().all(|entry| is_begun(&entry.name)) {
        return Ok(Standing::Empty);
    }
    let is_own = dir.owner()? == user() && has_campaigns(dir);
    Ok(if is_own { Standing::Unmarked } else { Standing::Foreign })
}

fn is_marked(dir: &OpenDir) -> bool {
    let mut text = String::new();
    let read = dir.file(Path::new(FILE_NAME));
    let read = read.and_then(|file| file.take(TEXT_BYTES_MAX).read_to_string(&mut text));
    read.is_ok() && text.lines().next() == TEXT.lines().next()
}

/// `true` if a campaign's directory holds a description of dstest's own.
fn has_campaigns(dir: &OpenDir) -> bool {
    let Ok(runs) = dir.dir("runs") else { return false };
    let is_described = |entry: Entry| {
        let file = runs.dir(&entry.name)?.file(Path::new("campaign.json"))?;
        let value: serde_json::Value = serde_json::from_reader(file)?;
        Ok::<bool, io::Error>(value["schema"].is_u64() && value["dstest"].is_string())
    };
    let entries = runs.entries().unwrap_or_default().into_iter();
    entries
        .filter(|entry| is_campaign(&entry.name))
        .any(|entry| is_described(entry).unwrap_or(false))
}

/// Creates a file; one that another dstest has made meanwhile is as good.
fn create(dir: &OpenDir, name: &str, text: &str) -> io::Result<()> {
    match dir.create_file(name, text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            dir.file(Path::new(name)).map(drop)
        }
        other => other,
    }
}

/// Not hidden, so that it is among the files that are packed and moved with the store.
pub(super) const FILE_NAME: &str = "dstest-store";

const IGNORE: &str = ".gitignore";

/// The first line is the format; a later version may have another one.
const TEXT: &str = "dstest store 1
Made by dstest. `dstest prune` removes old campaigns (runs/) and unused programs (bin/) here.
";

/// No marker is longer.
const TEXT_BYTES_MAX: u64 = 4096;

/// Names in a store.
const OWN_NAMES: [&str; 6] = ["runs", "bin", "archives", "latest", "targets.json", "known.json"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_dstests_own_pattern_are_its_own() {
        let rows = [
            ("20261123T100000Z-4f2a", true),
            ("20261123T100000Z-4f2", false),
            ("20261123T100000Z-4f2a-old", false),
            ("2026-11-23", false),
            ("exp1", false),
            ("", false),
        ];
        for (name, want) in rows {
            assert_eq!(is_campaign(OsStr::new(name)), want, "{name}");
        }
        assert!(is_program(OsStr::new("0123456789abcdef0123456789abcdef")));
        for name in ["mytool", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef"] {
            assert!(!is_program(OsStr::new(name)), "{name}");
        }
    }

    /// Class: a directory that is looked at in steps while another process changes it. The tasks of a
    /// campaign unpack its archive into one store at the same moment.
    #[test]
    fn a_store_that_many_begin_at_once_is_taken_by_all() {
        let id = "0123456789abcdef0123456789abcdef";
        for _ in 0..30 {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().join("store");
            let start = std::sync::Barrier::new(8);
            let begin = || {
                start.wait();
                let fill =
                    |dir: &Path| fs::write(dir.join("file"), "x").map_err(io_error("write", dir));
                Store::at(root.clone()).archive_dir(id, fill)
            };
            std::thread::scope(|scope| {
                let all = [(); 8].map(|()| scope.spawn(begin));
                for one in all {
                    let unpacked = one.join().unwrap().unwrap();
                    assert_eq!(fs::read_to_string(unpacked.join("file")).unwrap(), "x");
                }
            });
        }
    }
}
