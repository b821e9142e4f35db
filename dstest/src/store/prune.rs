//! Removal of old campaigns, below the marker of a store and by names of dstest's own pattern.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::FileType;

use super::archives::{ARCHIVES, archive_of, is_unfinished};
use super::live_dir as live;
use super::marker::{is_campaign, is_program};
use super::open_dir::{Entry, OpenDir};
use super::{CampaignDir, CampaignFile, Store, StoreError, io_error, target_of_unused};

/// The limits of a store. The newest campaigns within all limits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Campaigns.
    pub campaigns: usize,
    /// Bytes of all campaigns together, their programs not counted.
    pub bytes: u64,
    /// Time since a campaign began.
    pub age: Duration,
}

/// The mode of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Yes.
    Real,
    /// A dry run: only count.
    DryRun,
}

/// The result of a removal: what was removed, or would be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Campaigns, those that were killed before they began included.
    pub campaigns: Vec<Removed>,
    /// Programs that no campaign left uses.
    pub programs: Vec<Removed>,
    /// The number of campaigns kept.
    pub kept: usize,
    /// The reason for which unused programs stay, if they do.
    pub programs_kept: Option<String>,
    /// Directories that could not be removed, with the reason.
    pub failed: Vec<(PathBuf, String)>,
}

/// A directory that was removed, or would be.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its path.
    pub path: PathBuf,
    /// The bytes of its files.
    pub bytes: u64,
}

impl Pruned {
    /// The bytes of everything removed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.campaigns.iter().chain(&self.programs).map(|removed| removed.bytes).sum()
    }
}

/// A campaign of the store.
struct Known {
    name: OsString,
    age: Duration,
    bytes: u64,
}

impl Store {
    /// Removes all campaigns but the newest that `limits` allow, then the programs none of them
    /// uses. A campaign that is running stays, and so does everything that has no name of a
    /// campaign or program.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] if dstest has not made the store; [`StoreError::Io`].
    pub fn prune(&self, limits: Retention, removal: Removal) -> Result<Pruned, StoreError> {
        let root = self.open_marked()?;
        let runs = subdirectory(&root, "runs")?;
        let bin = subdirectory(&root, "bin")?;
        let archives = subdirectory(&root, ARCHIVES)?;
        let mut pruned = Pruned::default();
        let mut begun = Vec::new();
        let mut unfinished = Vec::new();
        if let Some(runs) = &runs {
            for entry in own(runs, is_campaign)? {
                match known(runs, &entry) {
                    Some(campaign) => begun.push(campaign),
                    None => unfinished.push(entry),
                }
            }
            let (abandoned, beginning): (Vec<_>, Vec<_>) =
                unfinished.into_iter().partition(|entry| entry.age() > ABANDONED_AFTER);
            let (kept, old) = divide(runs, begun, limits);
            for name in old.into_iter().chain(abandoned.into_iter().map(|entry| entry.name)) {
                let removed = remove(runs, &name, removal, &mut pruned.failed);
                pruned.campaigns.extend(removed);
            }
            pruned.kept = kept.len();
            if !beginning.is_empty() {
                pruned.programs_kept = Some("a campaign is about to begin".to_owned());
            }
            if pruned.programs_kept.is_none() {
                let places = bin.iter().chain(&archives);
                prune_programs(places, runs, &kept, removal, &mut pruned)?;
            }
        }
        if removal == Removal::Real {
            unlink_latest(&root);
        }
        Ok(pruned)
    }

    /// Removes a campaign of this store.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] unless it is one of a store that dstest has made.
    pub(crate) fn remove_campaign(&self, campaign: &CampaignDir) -> Result<(), StoreError> {
        let (root, runs, name) = self.open_own(campaign)?;
        runs.remove(name).map_err(io_error("remove", &campaign.path))?;
        unlink_latest(&root);
        Ok(())
    }

    /// Removes logs of a campaign of this store, with the directories beside them.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] unless the campaign is one of a store that dstest has made.
    pub(crate) fn remove_logs(
        &self,
        campaign: &CampaignDir,
        logs: &[PathBuf],
    ) -> Result<(), StoreError> {
        let (_, runs, name) = self.open_own(campaign)?;
        let dir = runs.dir(name).map_err(io_error("open", &campaign.path))?;
        for log in logs {
            let below = log.strip_prefix(&campaign.path).unwrap_or(log);
            for path in [below.to_owned(), below.with_extension("dir")] {
                match dir.remove(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed.map_err(io_error("remove", &path))?,
                }
            }
        }
        Ok(())
    }

    /// Opens the store and the directory of campaigns, with the name of one of its own.
    fn open_own<'a>(
        &self,
        campaign: &'a CampaignDir,
    ) -> Result<(OpenDir, OpenDir, &'a OsStr), StoreError> {
        let root = self.open_marked()?;
        let name = campaign.path.file_name().unwrap_or_default();
        let is_here = campaign.path.parent() == Some(&self.runs_dir());
        if !is_here || !is_campaign(name) {
            return Err(StoreError::Unsuitable(format!(
                "{} is not a campaign in {}; nothing was removed",
                campaign.path.display(),
                self.root.display()
            )));
        }
        let runs = root.dir("runs").map_err(io_error("open", &self.runs_dir()))?;
        Ok((root, runs, name))
    }
}

fn prune_programs<'a>(
    places: impl Iterator<Item = &'a OpenDir>,
    runs: &OpenDir,
    kept: &[OsString],
    removal: Removal,
    pruned: &mut Pruned,
) -> Result<(), StoreError> {
    let mut used = HashSet::new();
    for name in kept {
        match CampaignFile::read(&runs.path().join(name)) {
            // By the hash in their paths: the store may have been moved.
            Ok(file) => used.extend(file.binaries.iter().flat_map(|binary| {
                let program = binary.path.parent().and_then(Path::file_name);
                let archive = archive_of(&binary.cwd).and_then(Path::file_name);
                program.into_iter().chain(archive).map(ToOwned::to_owned).collect::<Vec<_>>()
            })),
            Err(error) => {
                pruned.programs_kept = Some(error.to_string());
                return Ok(());
            }
        }
    }
    for place in places {
        let (used, unused): (Vec<_>, Vec<_>) =
            own(place, is_program)?.into_iter().partition(|entry| used.contains(&entry.name));
        // Of a dstest that was killed while it unpacked an archive.
        let left = own(place, is_unfinished)?.into_iter();
        let left = left.filter(|entry| entry.age() > ABANDONED_AFTER);
        for entry in unused.into_iter().chain(left) {
            let removed = remove(place, &entry.name, removal, &mut pruned.failed);
            pruned.programs.extend(removed);
        }
        for entry in used {
            prune_copies(place, &entry.name, removal, pruned)?;
        }
    }
    Ok(())
}

/// Removes what a dstest has left that was killed while it copied a program that is there.
fn prune_copies(
    place: &OpenDir,
    name: &OsStr,
    removal: Removal,
    pruned: &mut Pruned,
) -> Result<(), StoreError> {
    let dir = place.dir(name).map_err(io_error("open", &place.path().join(name)))?;
    let entries = dir.entries().map_err(io_error("read", dir.path()))?;
    for entry in entries {
        let target = target_of_unused(&entry.name);
        let is_left = target.is_some_and(|target| dir.entry(target).is_ok())
            && entry.kind() == FileType::RegularFile
            && entry.age() > ABANDONED_AFTER;
        if is_left {
            pruned.programs.extend(remove(&dir, &entry.name, removal, &mut pruned.failed));
        }
    }
    Ok(())
}

/// A directory of the store; `None` if there is none.
fn subdirectory(root: &OpenDir, name: &str) -> Result<Option<OpenDir>, StoreError> {
    match root.dir(name) {
        Ok(dir) => Ok(Some(dir)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("open", &root.path().join(name))(error)),
    }
}

/// The directories with names of dstest's own pattern.
fn own(dir: &OpenDir, is_own: fn(&OsStr) -> bool) -> Result<Vec<Entry>, StoreError> {
    let entries = dir.entries().map_err(io_error("read", dir.path()))?.into_iter();
    let is_own = |entry: &Entry| entry.kind() == FileType::Directory && is_own(&entry.name);
    Ok(entries.filter(is_own).collect())
}

/// The campaign in a directory; `None` if it has not begun.
fn known(runs: &OpenDir, entry: &Entry) -> Option<Known> {
    let described = runs.dir(&entry.name).ok()?.entry("campaign.json").ok()?;
    (described.kind() == FileType::RegularFile).then(|| Known {
        name: entry.name.clone(),
        age: described.age(),
        bytes: runs.size(&entry.name),
    })
}

/// The campaigns to keep and those to remove.
fn divide(
    runs: &OpenDir,
    mut campaigns: Vec<Known>,
    limits: Retention,
) -> (Vec<OsString>, Vec<OsString>) {
    // The second in the name; within a second the youngest description first.
    let second = |known: &Known| known.name.as_encoded_bytes()[..16].to_owned();
    campaigns.sort_by(|a, b| second(b).cmp(&second(a)).then(a.age.cmp(&b.age)));
    let mut bytes = 0_u64;
    let mut count = 0;
    let (kept, old): (Vec<_>, Vec<_>) = campaigns.into_iter().partition(|known| {
        count += 1;
        bytes = bytes.saturating_add(known.bytes);
        let fits = count <= limits.campaigns && bytes <= limits.bytes && known.age <= limits.age;
        fits || live::is_busy(&runs.path().join(&known.name))
    });
    let names = |all: Vec<Known>| all.into_iter().map(|known| known.name).collect();
    (names(kept), names(old))
}

/// Removes a directory; `None`, with the reason among the failures, if that is not possible.
fn remove(
    parent: &OpenDir,
    name: &OsString,
    removal: Removal,
    failed: &mut Vec<(PathBuf, String)>,
) -> Option<Removed> {
    let removed = Removed { path: parent.path().join(name), bytes: parent.size(name) };
    let done = match removal {
        Removal::Real => parent.remove(name),
        Removal::DryRun => Ok(()),
    };
    match done {
        Ok(()) => Some(removed),
        Err(error) => {
            failed.push((removed.path, error.to_string()));
            None
        }
    }
}

/// Removes the link to the newest campaign, if that is gone.
fn unlink_latest(root: &OpenDir) {
    let path = root.path().join("latest");
    let is_link = root.entry("latest").is_ok_and(|entry| entry.kind() == FileType::Symlink);
    if is_link && !path.exists() {
        // It is only a convenience.
        let _ = root.remove("latest");
    }
}

/// A campaign is described some milliseconds after its directory was made, a merged one some
/// minutes.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use std::fs::{self, FileTimes};
    use std::time::SystemTime;

    use super::*;
    use crate::store::campaign_file::tests::campaign_file;
    use crate::text::utc::Utc;

    const ALL: Retention = Retention { campaigns: 100, bytes: u64::MAX, age: Duration::MAX };

    /// A store with three campaigns of 1000 bytes each, an hour older each.
    fn store(dir: &Path) -> (Store, Vec<PathBuf>) {
        let store = Store::at(dir.to_owned());
        store.claim().unwrap();
        let hour = Duration::from_secs(3600);
        let paths = (0..3).map(|age| {
            let path = dir.join(format!("runs/2026010{}T000000Z-aaa{age}", 9 - age));
            fs::create_dir_all(&path).unwrap();
            let file = fs::File::create(path.join("campaign.json")).unwrap();
            file.set_len(1000).unwrap();
            let written = SystemTime::now() - hour * age - hour / 2;
            file.set_times(FileTimes::new().set_modified(written)).unwrap();
            path
        });
        (store, paths.collect())
    }

    #[test]
    fn each_limit_removes_the_oldest() {
        let rows = [
            (ALL, 3),
            (Retention { campaigns: 2, ..ALL }, 2),
            (Retention { bytes: 1999, ..ALL }, 1),
            (Retention { age: Duration::from_secs(2 * 3600), ..ALL }, 2),
            (Retention { campaigns: 0, ..ALL }, 0),
        ];
        for (limits, want) in rows {
            let dir = tempfile::tempdir().unwrap();
            let (store, paths) = store(dir.path());
            let dry_run = store.prune(limits, Removal::DryRun).unwrap();
            assert!(paths.iter().all(|path| path.exists()), "nothing is gone yet");
            assert_eq!(store.prune(limits, Removal::Real).unwrap(), dry_run);
            let left: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
            assert_eq!(left, [want > 0, want > 1, want > 2], "{limits:?}");
            assert_eq!((dry_run.kept, dry_run.bytes()), (want, 1000 * (3 - want as u64)));
            assert_eq!(dry_run.campaigns.len(), 3 - want);
        }
    }

    #[test]
    fn of_campaigns_of_one_second_the_youngest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        store.claim().unwrap();
        let written = SystemTime::now() - Duration::from_secs(60);
        let described = |id: &str, nanos| {
            let path = dir.path().join(format!("runs/20260101T000000Z-{id}"));
            fs::create_dir_all(&path).unwrap();
            let file = fs::File::create(path.join("campaign.json")).unwrap();
            let times = FileTimes::new().set_modified(written + Duration::from_nanos(nanos));
            file.set_times(times).unwrap();
            path
        };
        let (old, young) = (described("zzzz", 0), described("aaaa", 1_000_000));
        store.prune(Retention { campaigns: 1, ..ALL }, Removal::Real).unwrap();
        assert!(young.exists() && !old.exists());
    }

    #[test]
    fn what_a_killed_copy_left_beside_a_used_program_is_pruned_after_an_hour() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().join("store"));
        let program = dir.path().join("prog");
        fs::write(&program, "one").unwrap();
        let kept = store.keep_binary(&program).unwrap();
        let run = store.create_campaign(Utc::now()).unwrap();
        let mut file = campaign_file(&["a"]);
        file.binaries[0].path.clone_from(&kept);
        file.write(&run.path).unwrap();
        let unique = "0123456789abcdef";
        let old = SystemTime::now() - 2 * ABANDONED_AFTER;
        let beside = |name: &str, written: SystemTime| {
            let path = kept.with_file_name(name);
            let file = fs::File::create_new(&path).unwrap();
            file.set_times(FileTimes::new().set_modified(written)).unwrap();
            path
        };
        let left = beside(&format!("prog.{unique}.tmp"), old);
        let others = [
            beside("prog.fedcba9876543210.tmp", SystemTime::now()),
            beside(&format!("another.{unique}.tmp"), old),
            beside("prog.tmp", old),
            beside("prog.my-own-notes-16.tmp", old),
            beside(&format!(".{unique}.tmp"), old),
            kept.clone(),
        ];
        let dry_run = store.prune(ALL, Removal::DryRun).unwrap();
        assert!(left.exists());
        assert_eq!(store.prune(ALL, Removal::Real).unwrap(), dry_run);
        let removed: Vec<_> = dry_run.programs.iter().map(|removed| &removed.path).collect();
        assert_eq!(removed, [&left]);
        assert!(!left.exists());
        assert!(others.iter().all(|path| path.exists()), "{others:?}");
    }

    #[test]
    fn a_campaign_that_never_began_is_pruned_after_an_hour() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        let run = store.create_campaign(Utc::now()).unwrap();
        let early = store.prune(ALL, Removal::Real).unwrap();
        assert!(run.path.exists() && early.programs_kept.is_some(), "it may be about to begin");
        let old = SystemTime::now() - 2 * ABANDONED_AFTER;
        let times = FileTimes::new().set_modified(old);
        fs::File::open(&run.path).unwrap().set_times(times).unwrap();
        let late = store.prune(ALL, Removal::Real).unwrap();
        assert!(!run.path.exists());
        assert_eq!(late.campaigns.len(), 1, "it is counted too");
    }
}
