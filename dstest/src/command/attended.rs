//! What is there while runs are under way: their folder, and the guard over them.

use std::path::Path;

use crate::error::Error;
use crate::guard::Guard;
use crate::live::LiveFolder;

/// The folder of what is under way, and the guard that clears it if dstest is killed.
///
/// The guard is dismissed first: what it is to look at is still there as long as it looks.
#[derive(Debug)]
pub(super) struct Attended {
    _guard: Guard,
    pub(super) live: LiveFolder,
}

impl Attended {
    /// For the runs of a campaign itself; only one dstest may run it at a time.
    pub(super) fn campaign(folder: &Path) -> Result<Self, Error> {
        Ok(Self::over(LiveFolder::open(folder)?))
    }

    /// For runs that are done again, beside others.
    pub(super) fn again(folder: &Path) -> Result<Self, Error> {
        Ok(Self::over(LiveFolder::open_any(folder)?))
    }

    fn over(live: LiveFolder) -> Self {
        Self { _guard: Guard::post(live.path()), live }
    }
}
