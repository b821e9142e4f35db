//! Events of the simulated world.

use crate::sim::executor::TaskId;

/// An event of the world.
#[derive(Debug)]
pub(super) enum Event {
    /// A message arrives.
    Deliver { link: Link, bytes: Vec<u8>, arrival: Arrival, life: u32 },
    /// A peer's timer may have run out.
    Timer { server: usize },
    /// A flush of a peer's disk ends.
    Flushed { server: usize, incarnation: u32, failed: Option<FlushNumber> },
    /// The time of a peer's late poll has come.
    Poll { server: usize },
    /// A paused peer may resume.
    Resume { server: usize },
    /// A task of the test resumes.
    Wake(TaskId),
}

/// A directed link, small: most events of a run are messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    from: u16,
    to: u16,
}

impl Link {
    pub(super) const fn new(from: usize, to: usize) -> Self {
        Self { from: from as u16, to: to as u16 }
    }

    pub(super) fn ends(self) -> (usize, usize) {
        (usize::from(self.from), usize::from(self.to))
    }
}

/// First or second arrival of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    First,
    Second,
}

/// A flush by its number on its disk.
pub(super) type FlushNumber = u64;
