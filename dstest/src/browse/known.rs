//! Failures that the user has marked as known: kept in the store, for all its campaigns.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::record::signature::group_key;
use crate::store::open_dir::{DESCRIPTION_BYTES_MAX, read_json};
use crate::store::{CampaignDir, StoreError, write_atomically};

/// The known failures of a store.
#[derive(Debug)]
pub(crate) struct KnownFailures {
    path: PathBuf,
    /// Test and normalised signature.
    all: BTreeSet<(String, String)>,
}

impl KnownFailures {
    /// The known failures of the store that holds a campaign; none if the file cannot be read.
    pub(crate) fn of_store(dir: &CampaignDir) -> Self {
        let path = dir.own_store().root().join(FILE_NAME);
        let stored: BTreeSet<(String, String)> =
            read_json(&path, DESCRIPTION_BYTES_MAX).unwrap_or_default();
        // Earlier versions replaced less by `#`.
        let all = stored.into_iter().map(|(test, key)| (test, group_key(&key))).collect();
        Self { all, path }
    }

    /// `true` if this failure is known. A test has its key, and the short name under which versions
    /// before this one stored it.
    pub(crate) fn contains(&self, test: [&str; 2], signature: &str) -> bool {
        test.into_iter().any(|name| self.all.contains(&(name.to_owned(), group_key(signature))))
    }

    /// Marks a failure as known or unmarks it; `true` if it is known now.
    ///
    /// # Errors
    /// [`StoreError::Io`]; nothing has changed then.
    pub(crate) fn toggle(&mut self, test: [&str; 2], signature: &str) -> Result<bool, StoreError> {
        let mut all = self.all.clone();
        let is_new = !self.contains(test, signature);
        for name in test {
            all.remove(&(name.to_owned(), group_key(signature)));
        }
        all.extend(is_new.then(|| (test[0].to_owned(), group_key(signature))));
        let text = serde_json::to_vec_pretty(&all).unwrap_or_default();
        write_atomically(&self.path, &text)?;
        self.all = all;
        Ok(is_new)
    }
}

const FILE_NAME: &str = "known.json";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_failure_stays_known_whatever_its_numbers() {
        let store = tempfile::tempdir().unwrap();
        let path = store.path().join("runs/x-abcd");
        fs::create_dir_all(&path).unwrap();
        let dir = CampaignDir { path, short_id: "abcd".to_owned() };
        let mut known = KnownFailures::of_store(&dir);
        assert!(!known.contains(["p$a", "a"], "two leaders in term 4"));
        assert!(known.toggle(["p$a", "a"], "two leaders in term 4").unwrap());
        let mut known = KnownFailures::of_store(&dir);
        assert!(known.contains(["p$a", "a"], "two leaders in term 17"));
        assert!(!known.contains(["p$b", "b"], "two leaders in term 4"));
        assert!(!known.toggle(["p$a", "a"], "two leaders in term 5").unwrap());
        assert!(!KnownFailures::of_store(&dir).contains(["p$a", "a"], "two leaders in term 4"));
    }
}
