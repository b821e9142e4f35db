//! The resources of running runs: their directory, and the watchdog.

use std::path::Path;

use crate::error::Error;
use crate::process::watchdog::Watchdog;
use crate::store::LiveDir;

/// The directory of running runs, and the watchdog that clears it if dstest is killed.
///
/// The watchdog is dropped first, while the directory that it watches still exists.
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

    /// For replays, of which several may run at once.
    pub(super) fn replay(dir: &Path) -> Result<Self, Error> {
        Ok(Self::over(LiveDir::open_another(dir)?))
    }

    fn over(live: LiveDir) -> Self {
        Self { _watchdog: Watchdog::start(live.path()), live }
    }
}
