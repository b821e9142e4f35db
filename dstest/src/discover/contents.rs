//! Hashes of source files.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Reads each file once.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Files changed later than this count as unreadable.
    until: Option<SystemTime>,
    known: RefCell<HashMap<PathBuf, Option<u64>>>,
}

impl Contents {
    /// Files as they were at this time: a build may have read what was there before a later change.
    pub(super) fn until(time: SystemTime) -> Self {
        Self { until: Some(time - CLOCK_TICK), ..Self::default() }
    }

    /// The hash of these files; `None` if one of them cannot be read, or without any.
    pub(super) fn hash(&self, files: &[PathBuf]) -> Option<String> {
        if files.is_empty() {
            return None;
        }
        let mut all = Xxh3::new();
        for file in files {
            all.update(file.as_os_str().as_encoded_bytes());
            all.update(&self.of(file)?.to_le_bytes());
        }
        Some(format!("{:032x}", all.digest128()))
    }

    fn of(&self, file: &Path) -> Option<u64> {
        if let Some(known) = self.known.borrow().get(file) {
            return *known;
        }
        let is_late = || {
            let changed = fs::metadata(file).and_then(|facts| facts.modified()).ok();
            self.until.is_some_and(|until| changed.is_none_or(|changed| changed > until))
        };
        let hash = if is_late() { None } else { fs::read(file).ok().map(|bytes| xxh3_64(&bytes)) };
        self.known.borrow_mut().insert(file.to_owned(), hash);
        hash
    }
}

/// File systems note times of changes only so precisely.
const CLOCK_TICK: Duration = Duration::from_millis(10);
