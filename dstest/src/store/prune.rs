//! Removal of old campaigns.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::live_dir as live;
use super::{CampaignDir, CampaignFile, Store, StoreError, io_error};

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

/// The result of a removal.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Campaigns.
    pub campaigns: usize,
    /// Programs that no campaign left uses.
    pub programs: usize,
    /// Bytes of everything removed.
    pub bytes: u64,
    /// Campaigns kept.
    pub kept: usize,
}

impl Store {
    /// Removes all campaigns but the newest that `limits` allow, then the programs none of them
    /// uses. A campaign that is running stays.
    ///
    /// # Errors
    /// [`StoreError::Io`] at the first directory that cannot be removed.
    pub fn prune(&self, limits: Retention, removal: Removal) -> Result<Pruned, StoreError> {
        let (kept, old) = self.divide(limits);
        let mut pruned = Pruned { kept: kept.len(), ..Pruned::default() };
        for dir in old.iter().map(|run| &run.path) {
            pruned.campaigns += 1;
            pruned.bytes += remove(dir, removal)?;
        }
        let files = kept.iter().filter_map(|run| CampaignFile::read(&run.path).ok());
        let used: HashSet<PathBuf> = files
            .flat_map(|file| file.binaries)
            .filter_map(|binary| binary.path.parent().map(ToOwned::to_owned))
            .collect();
        for dir in dirs(&self.root.join("bin")).filter(|dir| !used.contains(dir)) {
            pruned.programs += 1;
            pruned.bytes += remove(&dir, removal)?;
        }
        for dir in dirs(&self.runs_dir()).filter(|dir| is_abandoned(dir)) {
            pruned.bytes += remove(&dir, removal)?;
        }
        Ok(pruned)
    }

    /// The campaigns to keep and those to remove.
    fn divide(&self, limits: Retention) -> (Vec<CampaignDir>, Vec<CampaignDir>) {
        let mut bytes = 0_u64;
        let mut count = 0;
        let newest_first = self.campaigns().into_iter().rev();
        newest_first.partition(|run| {
            count += 1;
            bytes = bytes.saturating_add(size(&run.path));
            let fits = count <= limits.campaigns && bytes <= limits.bytes;
            (fits && age(&run.path.join("campaign.json")) <= limits.age) || live::is_busy(&run.path)
        })
    }
}

/// `true` for a campaign that was killed before `campaign.json` was written.
fn is_abandoned(dir: &Path) -> bool {
    !dir.join("campaign.json").exists() && age(dir) > ABANDONED_AFTER
}

fn remove(dir: &Path, removal: Removal) -> Result<u64, StoreError> {
    let bytes = size(dir);
    match removal {
        Removal::Real => fs::remove_dir_all(dir).map_err(io_error("remove", dir))?,
        Removal::DryRun => {}
    }
    Ok(bytes)
}

fn dirs(parent: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir())
}

/// The bytes of all files below the directory.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(file) if file.is_dir() => size(&entry.path()),
        Ok(file) => file.len(),
        Err(_) => 0,
    };
    entries.map(of_entry).sum()
}

/// The time since a file was written; zero if unknown.
fn age(path: &Path) -> Duration {
    let written = path.metadata().and_then(|file| file.modified());
    written.ok().and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default()
}

/// A campaign is described some milliseconds after its directory was made, a merged one some
/// minutes.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;
    use crate::text::utc::Utc;

    const ALL: Retention = Retention { campaigns: 100, bytes: u64::MAX, age: Duration::MAX };

    /// A store with three campaigns of 1000 bytes each, an hour older each.
    fn store(dir: &Path) -> (Store, Vec<PathBuf>) {
        let store = Store::at(dir.to_owned());
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
            assert_eq!((dry_run.kept, dry_run.bytes), (want, 1000 * (3 - want as u64)));
        }
    }

    #[test]
    fn a_campaign_that_never_began_is_pruned_after_an_hour() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        let run = store.create_campaign(Utc::now()).unwrap();
        store.prune(ALL, Removal::Real).unwrap();
        assert!(run.path.exists(), "it may be about to begin");
        let old = SystemTime::now() - 2 * ABANDONED_AFTER;
        let times = FileTimes::new().set_modified(old);
        fs::File::open(&run.path).unwrap().set_times(times).unwrap();
        store.prune(ALL, Removal::Real).unwrap();
        assert!(!run.path.exists());
    }
}
