//! Ctrl-C while reading a pipe.
//!
//! The terminal sends it to the whole pipeline. The program before this one may still have
//! something to write when it stops, so the pipe is drained to its end; only repeated interrupts
//! end this program first.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::SIGINT;

/// Counts interrupts instead of ending the program.
#[derive(Debug)]
pub(crate) struct Interrupts {
    /// One byte arrives here per interrupt.
    arrived: UnixStream,
    count: usize,
}

/// The first thing that happened while waiting for input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// There is something to read, or the end.
    Input,
    /// Nothing came in time.
    Pause,
    /// Ctrl-C was pressed again and again.
    RepeatedInterrupt,
}

impl Interrupts {
    /// Interrupts after which this program ends, too.
    pub(crate) const MAX: usize = 4;

    /// From now on interrupts are counted.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn count() -> io::Result<Self> {
        let (arrived, sender) = UnixStream::pair()?;
        arrived.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGINT, sender)?;
        Ok(Self { arrived, count: 0 })
    }

    /// Waits until `input` has something to read, for `limit` at most; for ever without one.
    ///
    /// # Errors
    /// If the system refuses to wait.
    pub(crate) fn wait(
        &mut self,
        input: impl std::os::fd::AsFd,
        limit: Option<Timespec>,
    ) -> io::Result<Wait> {
        loop {
            let mut polled =
                [PollFd::new(&input, PollFlags::IN), PollFd::new(&self.arrived, PollFlags::IN)];
            match poll(&mut polled, limit.as_ref()) {
                Ok(0) => return Ok(Wait::Pause),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let interrupted = !polled[1].revents().is_empty();
            let ready = !polled[0].revents().is_empty();
            if interrupted && self.take() >= Self::MAX {
                return Ok(Wait::RepeatedInterrupt);
            }
            if ready {
                return Ok(Wait::Input);
            }
        }
    }

    /// Counts what has arrived; returns how many there were so far.
    pub(crate) fn take(&mut self) -> usize {
        use io::Read as _;
        let mut bytes = [0; 16];
        // Nothing to read is not an error here: the count stays.
        self.count += self.arrived.read(&mut bytes).unwrap_or(0);
        self.count
    }
}
