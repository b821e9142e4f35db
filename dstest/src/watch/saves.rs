//! The saves since the present campaign began, without the files that its tests write.
//!
//! A test may write files of the project. Once is as good as a save; but a file that is written
//! again with the same contents while tests run does not count, nor one that is written each time,
//! so that the campaigns come to an end.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::store::program_hash;

/// The saves since the present campaign began.
#[derive(Debug)]
pub(crate) struct Saves {
    dir: PathBuf,
    files: BTreeSet<PathBuf>,
    /// Contents of the files saved so far, by their hashes.
    contents: HashMap<PathBuf, Option<String>>,
    /// The end of the time in which tests may have written; `None` while they run.
    quiet_from: Option<Instant>,
    /// `true` if tests may have written one of the files.
    is_suspect: bool,
    /// Campaigns in a row after which the same files were suspect.
    repeated: u32,
    before: BTreeSet<PathBuf>,
    /// Files that tests seem to write anew each time.
    written_by_tests: BTreeSet<PathBuf>,
}

impl Saves {
    /// No save yet, in the project of this directory; its first campaign runs.
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            files: BTreeSet::new(),
            contents: HashMap::new(),
            quiet_from: None,
            is_suspect: false,
            repeated: 0,
            before: BTreeSet::new(),
            written_by_tests: BTreeSet::new(),
        }
    }

    /// Adds changed files; `true` if one of them counts.
    pub(crate) fn add(&mut self, paths: Vec<PathBuf>) -> bool {
        let is_quiet = self.quiet_from.is_some_and(|from| from <= Instant::now());
        let mut counts = false;
        for path in paths {
            let now = program_hash(&self.dir.join(&path));
            let before = self.contents.insert(path.clone(), now.clone());
            let is_by_tests = before == Some(now) || self.written_by_tests.contains(&path);
            if is_quiet || !is_by_tests {
                counts = true;
                self.is_suspect |= !is_quiet;
                self.files.insert(path);
            }
        }
        counts
    }

    /// The campaign has ended; its last writes may still be reported.
    pub(crate) fn campaign_ended(&mut self) {
        self.quiet_from = Some(Instant::now() + LATE);
    }

    /// Takes the saves, as a campaign with them begins.
    pub(crate) fn take(&mut self) -> BTreeSet<PathBuf> {
        self.quiet_from = None;
        let files = std::mem::take(&mut self.files);
        let is_again = self.is_suspect && files == self.before;
        self.repeated = if is_again { self.repeated + 1 } else { 0 };
        self.is_suspect = false;
        self.before.clone_from(&files);
        files
    }

    /// Files that tests seem to write anew each time, once; from now on a change of them counts
    /// only while no test runs.
    pub(crate) fn take_suspects(&mut self) -> Vec<PathBuf> {
        if self.repeated < REPEATED {
            return Vec::new();
        }
        self.repeated = 0;
        self.written_by_tests.extend(self.before.iter().cloned());
        self.before.iter().cloned().collect()
    }
}

/// Longer than a report of a change takes.
const LATE: Duration = Duration::from_secs(2);

/// Users save the same files less often while a campaign runs.
const REPEATED: u32 = 3;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_tests_write_again_is_not_a_save() {
        let dir = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(dir.path().join("out"), text).unwrap();
        let out = || vec![PathBuf::from("out")];
        let mut saves = Saves::new(dir.path());
        write("a");
        assert!(saves.add(out()), "it may be a save");
        assert_eq!(saves.take().len(), 1);
        write("a");
        assert!(!saves.add(out()), "the same contents, while tests run");
        saves.quiet_from = Some(Instant::now() + Duration::from_secs(3600));
        assert!(!saves.add(out()), "reported late");
        write("b");
        assert!(saves.add(out()));
        saves.quiet_from = Some(Instant::now());
        assert!(saves.add(out()), "the user wants to see it again");
    }

    #[test]
    fn files_that_differ_each_time_count_only_between_campaigns() {
        let dir = tempfile::tempdir().unwrap();
        let mut saves = Saves::new(dir.path());
        let write = |text: &str| fs::write(dir.path().join("out"), text).unwrap();
        let out = || vec![PathBuf::from("out")];
        for number in 0..=REPEATED {
            assert_eq!(saves.take_suspects(), Vec::<PathBuf>::new(), "{number}");
            write(&number.to_string());
            assert!(saves.add(out()));
            saves.take();
        }
        assert_eq!(saves.take_suspects(), out());
        assert_eq!(saves.take_suspects(), Vec::<PathBuf>::new(), "named once");
        write("more");
        assert!(!saves.add(out()));
        saves.quiet_from = Some(Instant::now());
        write("by hand");
        assert!(saves.add(out()));
    }
}
