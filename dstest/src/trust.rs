//! Trust in files of other users: settings and stores decide which programs run, and how.

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

    /// `true` if a file of the user with this id does not count.
    #[must_use]
    pub fn refuses(self, owner: u32) -> bool {
        let is_own = owner == 0 || owner == rustix::process::geteuid().as_raw();
        self == Self::OwnFiles && !is_own
    }
}
