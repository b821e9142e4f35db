//! Keeps the terminal from writing `^C` into the progress lines.
//!
//! The lines fill the width of the terminal; two more characters would wrap and leave a stale line
//! behind when they are redrawn. The former state of the terminal is global, so that every exit can
//! restore it.

use std::io::stderr;
use std::sync::{Mutex, PoisonError};

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The former state of the terminal; `None` while it is unchanged.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// While this lives, control characters typed at the terminal are not shown. The terminal is as
/// before when it is dropped; a terminal that cannot be changed stays as it is.
pub(crate) struct NoEcho(());

impl NoEcho {
    pub(crate) fn new() -> Self {
        let terminal = stderr();
        // A background process that changes the terminal would be stopped.
        let is_ours = tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp());
        if let (true, Ok(before)) = (is_ours, tcgetattr(&terminal)) {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHOCTL);
            *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            let _ = tcsetattr(&terminal, OptionalActions::Now, &quiet);
        }
        Self(())
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal if it was changed.
pub(crate) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = tcsetattr(stderr(), OptionalActions::Now, &before);
    }
}
