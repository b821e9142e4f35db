//! Reads that peers have accepted and not ended yet.

use std::collections::BTreeMap;
use std::fmt;

use raft::{Index, Instant, ReadId};

use crate::invariants::read_deadline::AcceptedRead;
use crate::kv::Request;

/// The reads that peers have accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenReads {
    pub(super) next: u64,
    pub(super) open: BTreeMap<ReadId, OpenRead>,
}

/// A read that a peer has accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenRead {
    pub(super) server: usize,
    pub(super) reader: Reader,
    /// The highest index that was committed anywhere.
    pub(super) committed: Index,
    pub(super) asked_at: Instant,
    /// Its end at the latest, on the peer's clock.
    pub(super) deadline: Instant,
}

/// The one that asked for a read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader {
    /// A client of the recorded service.
    Client(Request),
    /// The peer's own hosted service.
    Service,
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(request) => request.fmt(f),
            Self::Service => f.write_str("the service"),
        }
    }
}

impl OpenReads {
    /// A peer's read that came in first, and so has the first deadline.
    pub(super) fn oldest(&self, server: usize) -> Option<AcceptedRead> {
        let (read, open) = self.open.iter().find(|(_, open)| open.server == server)?;
        Some(AcceptedRead { read: *read, deadline: open.deadline })
    }

    /// A peer crashes.
    pub(super) fn peer_crashed(&mut self, server: usize) {
        self.open.retain(|_, read| read.server != server);
    }
}
