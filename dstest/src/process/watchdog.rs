//! The watchdog: a second, sleeping process that ends the runs of a dstest that was killed.
//!
//! A process cannot catch its own SIGKILL. The watchdog holds the other end of a pipe: a byte on it
//! is a normal end, an end without a byte is a kill. It costs nothing while it sleeps, and where it
//! cannot be started, dstest works without.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::survivors;
use crate::store::live_dir as live;

/// The hidden command that makes a process a watchdog.
pub(crate) const COMMAND: &str = "__watchdog";

/// A running watchdog; ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog(Option<Child>);

impl Watchdog {
    /// Starts a watchdog for the runs of a live directory.
    pub(crate) fn start(live: &Path) -> Self {
        let Ok(program) = std::env::current_exe() else { return Self(None) };
        // In a group of its own it does not get the terminal's Ctrl-C, and without the private
        // directory of an outer dstest it does not count as one of its runs.
        let watchdog = Command::new(program)
            .arg(COMMAND)
            .arg(live)
            .current_dir("/")
            .env_remove(survivors::RUN_DIR)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Self(watchdog.ok())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let Some(mut watchdog) = self.0.take() else { return };
        // A watchdog that has ended needs no message.
        let _ = watchdog.stdin.take().map(|mut pipe| pipe.write_all(FINISHED));
        let _ = watchdog.wait();
    }
}

/// The work of the watchdog process.
pub(crate) fn watch(dir: &Path) {
    let mut message = Vec::new();
    let read = std::io::stdin().read_to_end(&mut message);
    if read.is_ok() && message.is_empty() {
        survivors::end_everywhere(dir);
        let campaign = dir.parent().and_then(Path::parent);
        campaign.iter().for_each(|campaign| live::sweep_in(campaign));
    }
}

const FINISHED: &[u8] = b".";
