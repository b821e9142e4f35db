//! The stored campaign that a user means.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{CampaignDir, Store, StoreError};

impl Store {
    /// The campaign with this directory, id, or unique beginning of either; by default the newest.
    ///
    /// # Errors
    /// [`StoreError::NoCampaign`] or [`StoreError::Ambiguous`].
    pub fn find_campaign(&self, wanted: Option<&str>) -> Result<CampaignDir, StoreError> {
        let Some(wanted) = wanted else { return self.newest() };
        let path = Path::new(wanted);
        if path.join("campaign.json").is_file() {
            return Ok(campaign_dir(absolute(path)));
        }
        if path.join("runs").is_dir() {
            return Self::at(absolute(path)).newest();
        }
        let meant = |run: &CampaignDir| {
            let name = run.path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(wanted) || run.short_id.starts_with(wanted)
        };
        let mut found: Vec<CampaignDir> = self.campaigns().into_iter().filter(meant).collect();
        match found.len() {
            0 => Err(self.no_campaign(format!("`{wanted}`"))),
            1 => Ok(found.remove(0)),
            _ => {
                let candidates =
                    found.iter().rev().take(CANDIDATES).map(|run| run.short_id.clone()).collect();
                Err(StoreError::Ambiguous { wanted: wanted.to_owned(), candidates })
            }
        }
    }

    /// Every stored campaign, the oldest first; none behind a link.
    #[must_use]
    pub fn campaigns(&self) -> Vec<CampaignDir> {
        let runs = self.runs_dir();
        let entries = if runs.is_symlink() { None } else { fs::read_dir(runs).ok() };
        let Some(entries) = entries else { return Vec::new() };
        let is_dir = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        let dirs = entries.filter_map(Result::ok).filter(is_dir).map(|entry| entry.path());
        let mut runs: Vec<CampaignDir> =
            dirs.filter(|path| path.join("campaign.json").is_file()).map(campaign_dir).collect();
        runs.sort_by_cached_key(age_key);
        runs
    }

    fn newest(&self) -> Result<CampaignDir, StoreError> {
        self.campaigns().pop().ok_or_else(|| self.no_campaign("yet".to_owned()))
    }

    fn no_campaign(&self, wanted: String) -> StoreError {
        StoreError::NoCampaign { wanted, store: self.root.clone() }
    }
}

/// Sorts by the second in the name, and within a second by the time of `campaign.json`.
fn age_key(run: &CampaignDir) -> (String, Option<SystemTime>) {
    let name = run.path.file_name().unwrap_or_default().to_string_lossy();
    let second = name.split('-').next().unwrap_or_default().to_owned();
    let described = run.path.join("campaign.json").metadata().and_then(|file| file.modified());
    (second, described.ok())
}

fn campaign_dir(path: PathBuf) -> CampaignDir {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let short_id = name.split_once('-').map_or_else(|| name.to_string(), |(_, id)| id.to_owned());
    CampaignDir { path, short_id }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The number of candidates that a message names.
const CANDIDATES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn store(runs: &[&str]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        for run in runs {
            let path = dir.path().join("runs").join(run);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("campaign.json"), "{}").unwrap();
        }
        let store = Store::at(dir.path().to_owned());
        (dir, store)
    }

    #[test]
    fn a_campaign_is_found_by_any_unique_beginning() {
        let (_dir, store) = store(&["20261123T100000Z-abcd", "20261123T110000Z-abxy"]);
        let find = |wanted: Option<&str>| store.find_campaign(wanted).map(|run| run.short_id);
        assert_eq!(find(None).unwrap(), "abxy");
        assert_eq!(find(Some("abc")).unwrap(), "abcd");
        assert_eq!(find(Some("20261123T10")).unwrap(), "abcd");
        assert!(matches!(find(Some("ab")), Err(StoreError::Ambiguous { .. })));
        assert!(matches!(find(Some("zz")), Err(StoreError::NoCampaign { .. })));
        let path = store.root().join("runs/20261123T100000Z-abcd");
        assert_eq!(find(path.to_str()).unwrap(), "abcd");
        assert_eq!(find(store.root().to_str()).unwrap(), "abxy");
    }
}
