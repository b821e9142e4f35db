//! Pauses of an input: everything that has come is shown before it is waited for.

use std::fs::File;
use std::io::{self, IsTerminal as _};

use rustix::event::Timespec;

use crate::cli::error::RunError;
use crate::cli::input::signal::{Interrupts, Wait};
use crate::cli::output::sink::Sink;

/// The way to notice that an input pauses.
pub(crate) enum Pauses {
    /// A plain file never does.
    Never,
    /// A pipe that is not open yet.
    Unknown,
    /// A person types: every line is an end for now, and Ctrl-C means us.
    Typed,
    /// A pipe, the program before which gets Ctrl-C as well.
    Pipe(File, Interrupts),
}

impl Pauses {
    pub(crate) fn of(input: &File) -> io::Result<Self> {
        if input.metadata()?.is_file() {
            return Ok(Self::Never);
        }
        if input.is_terminal() {
            return Ok(Self::Typed);
        }
        Ok(Self::Pipe(input.try_clone()?, Interrupts::count()?))
    }

    /// Waits for input; what is there already is shown meanwhile.
    pub(crate) fn until_input(&mut self, sink: &mut impl Sink) -> Result<Wait, RunError> {
        match self {
            Self::Never => Ok(Wait::Input),
            Self::Unknown | Self::Typed => sink.pause().map(|()| Wait::Input),
            Self::Pipe(input, interrupts) => {
                let timeout = if sink.holds_lines() { FIRST_LINES } else { NONE };
                match interrupts.wait(&*input, Some(timeout)).map_err(RunError::Wait)? {
                    Wait::Pause => sink.pause()?,
                    over @ (Wait::Input | Wait::RepeatedInterrupt) => return Ok(over),
                }
                interrupts.wait(&*input, None).map_err(RunError::Wait)
            }
        }
    }
}

/// The time the first lines wait for others, for a layout that fits all of them.
const FIRST_LINES: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };
const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
