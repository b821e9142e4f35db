//! What is there while runs are under way: their directory, and the watchdog over them.

use std::path::Path;

use crate::error::Error;
use crate::process::watchdog::Watchdog;
use crate::store::LiveDir;

/// The directory of what is under way, and the watchdog that clears it if dstest is killed.
///
/// The watchdog is dismissed first: what it is to look at is still there as long as it looks.
#[derive(Debug)]
pub(super) struct LiveSession {
    _watchdog: Watchdog,
    pub(super) live: LiveDir,
}

impl LiveSession {
    /// For the runs of a campaign itself; only one dstest may run it at a time.
    pub(super) fn campaign(dir: &Path) -> Result<Self, Error> {
        Ok(Self::over(LiveDir::open(dir)?))
    }

    /// For runs that are done again, beside others.
    pub(super) fn replay(dir: &Path) -> Result<Self, Error> {
        Ok(Self::over(LiveDir::open_another(dir)?))
    }

    fn over(live: LiveDir) -> Self {
        Self { _watchdog: Watchdog::start(live.path()), live }
    }
}
