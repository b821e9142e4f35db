//! Modes of the terminal: no `^C` in the progress lines, and single keys.
//!
//! The progress lines fill the width of the terminal; two more characters would wrap and leave a
//! stale line behind when they are redrawn. The former state of the terminal is global, so that
//! every exit can restore it.

use std::io::{stderr, stdin};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};

/// A changed terminal and its former state; `None` while it is unchanged.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// While this lives, control characters typed at the terminal are not shown. The terminal is as
/// before when it is dropped; a terminal that cannot be changed stays as it is.
pub(crate) struct NoEcho(());

impl NoEcho {
    pub(crate) fn new() -> Self {
        let terminal = stderr();
        // A background process that changes the terminal would be stopped.
        if tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()) {
            remove(terminal, LocalModes::ECHOCTL);
        }
        Self(())
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        restore();
    }
}

/// Lets the terminal pass on each key at once, unseen, until [`restore`]; forgets what was typed
/// before. `false` if it cannot.
pub(crate) fn take_single_keys() -> bool {
    let terminal = stdin();
    // A terminal that controls no process has no background.
    let is_background = tcgetpgrp(&terminal).is_ok_and(|group| group != getpgrp());
    let _ = tcflush(&terminal, QueueSelector::IFlush);
    !is_background && remove(terminal, LocalModes::ICANON | LocalModes::ECHO)
}

/// Switches modes off; `false` if the terminal cannot be changed.
fn remove(terminal: impl AsFd, modes: LocalModes) -> bool {
    let (Ok(before), Ok(handle)) = (tcgetattr(&terminal), terminal.as_fd().try_clone_to_owned())
    else {
        return false;
    };
    let mut changed = before.clone();
    changed.local_modes.remove(modes);
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((handle, before));
    tcsetattr(&terminal, OptionalActions::Now, &changed).is_ok()
}

/// Restores the terminal; `false` if it was not changed.
pub(crate) fn restore() -> bool {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((terminal, before)) = before else { return false };
    tcsetattr(terminal, OptionalActions::Now, &before).is_ok()
}
