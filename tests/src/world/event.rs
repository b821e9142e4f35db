//! Events of the simulated world.

use raft::{Entry, EntryRead};

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
    /// A peer's read of entries ends.
    EntriesRead(Box<EndedRead>),
    /// The time of a peer's late poll has come.
    Poll { server: usize },
    /// A paused peer may resume.
    Resume { server: usize },
    /// A task of the test resumes.
    Wake(TaskId),
}

/// A read of entries.
#[derive(Debug)]
pub(super) struct EndedRead {
    pub(super) server: usize,
    pub(super) incarnation: u32,
    pub(super) read: EntryRead,
    /// The entries on the disk at the start of the read; none if they are read at its end.
    pub(super) entries: Option<Vec<Entry>>,
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
