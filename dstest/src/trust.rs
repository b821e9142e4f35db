//! Trust in files of other users: settings and stores decide which programs run, and how.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The user's word on files of other users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Only the user's own files and those of root count.
    OwnFiles,
    /// Files of other users count too (`--trust`).
    AllFiles,
}

impl Trust {
    /// The trust that `--trust` or its absence means.
    #[must_use]
    pub const fn of_option(is_given: bool) -> Self {
        if is_given { Self::AllFiles } else { Self::OwnFiles }
    }

    /// The owner of a file, or of the link to it: another user, if that is a reason not to use it.
    #[must_use]
    pub fn refuses(self, path: &Path) -> Option<u32> {
        let of_link = path.symlink_metadata().ok();
        let files = of_link.into_iter().chain(path.metadata().ok());
        files.map(|file| file.uid()).find(|owner| self.refuses_user(*owner))
    }

    /// `true` if files of the user with this id do not count.
    #[must_use]
    pub fn refuses_user(self, id: u32) -> bool {
        self == Self::OwnFiles && id != 0 && id != rustix::process::geteuid().as_raw()
    }
}
