//! Keeps the terminal from writing `^C` into the progress lines.
//!
//! The lines fill the width of the terminal; two more characters would wrap and leave a stale line
//! behind when they are redrawn.

use std::io::{Stderr, stderr};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// While this lives, control characters typed at the terminal are not shown. The terminal is as
/// before when it is dropped; a terminal that cannot be changed stays as it is.
pub(super) struct NoEcho {
    terminal: Stderr,
    before: Option<Termios>,
}

impl NoEcho {
    pub(super) fn new() -> Self {
        let terminal = stderr();
        let before = tcgetattr(&terminal).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHOCTL);
            let _ = tcsetattr(&terminal, OptionalActions::Now, &quiet);
        }
        Self { terminal, before }
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, before);
        }
    }
}
