//! Single keys of the user while `dstest watch` waits.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::read;
use std::io::{IsTerminal, stdin};

use crate::text::echo;

/// A key with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// Enter or `r`.
    Again,
    /// `q`.
    Quit,
}

/// The keys typed while this lives.
pub(crate) struct Keys(());

impl Keys {
    /// Takes single keys from the terminal; `None` without one, or in the background.
    pub(crate) fn take() -> Option<Self> {
        (stdin().is_terminal() && echo::take_single_keys()).then_some(Self(()))
    }

    /// The next key typed, without waiting.
    pub(crate) fn next(&self) -> Option<Key> {
        let stdin = stdin();
        let mut files = [PollFd::new(&stdin, PollFlags::IN)];
        let ready = poll(&mut files, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).ok()?;
        let mut byte = [0];
        if ready == 0 || read(&stdin, &mut byte).ok()? == 0 {
            return None;
        }
        match byte[0] {
            b'\r' | b'\n' | b'r' => Some(Key::Again),
            b'q' => Some(Key::Quit),
            _ => None,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        echo::restore();
    }
}
