//! Removes what is old.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use super::{CampaignFile, Store, StoreError, io_error};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Campaigns.
    pub runs: usize,
    /// Programs that no campaign left uses.
    pub programs: usize,
}

impl Store {
    /// Removes all campaigns but the `keep` newest, then the programs none of them uses.
    ///
    /// # Errors
    /// [`StoreError::Io`] at the first folder that cannot be removed.
    pub fn prune(&self, keep: usize) -> Result<Pruned, StoreError> {
        let mut runs = self.all_runs();
        let kept = runs.split_off(runs.len().saturating_sub(keep));
        for run in &runs {
            fs::remove_dir_all(&run.path).map_err(io_error("remove", &run.path))?;
        }
        let files = kept.iter().filter_map(|run| CampaignFile::read(&run.path).ok());
        let used: HashSet<PathBuf> = files
            .flat_map(|file| file.binaries)
            .filter_map(|binary| binary.path.parent().map(ToOwned::to_owned))
            .collect();
        let mut programs = 0;
        for entry in fs::read_dir(self.root.join("bin")).into_iter().flatten().flatten() {
            let folder = entry.path();
            if !used.contains(&folder) {
                fs::remove_dir_all(&folder).map_err(io_error("remove", &folder))?;
                programs += 1;
            }
        }
        Ok(Pruned { runs: runs.len(), programs })
    }
}
