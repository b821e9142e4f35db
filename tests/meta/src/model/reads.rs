//! Reads (dissertation §6.4): each sees what was committed anywhere when it was asked for.

use std::collections::BTreeMap;

use raft::{Index, ReadId};

use super::history::ModelInvariant;

/// The reads of all peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    open: BTreeMap<ReadId, OpenRead>,
    /// Number of served reads.
    served: u8,
}

/// A read that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OpenRead {
    server: usize,
    /// Highest committed index when it was requested.
    committed: Index,
}

impl Reads {
    /// A peer is asked for a read.
    pub(super) fn begin(&mut self, server: usize, read: ReadId, committed: Index) {
        self.open.insert(read, OpenRead { server, committed });
    }

    /// Returns whether one was served.
    pub(super) const fn any_served(&self) -> bool {
        self.served > 0
    }

    /// A peer serves a read after its service was given the entries through `given`.
    pub(super) fn complete(
        &mut self,
        server: usize,
        read: ReadId,
        index: Index,
        applied: Index,
    ) -> Result<(), ModelInvariant> {
        let read = self.open.remove(&read).filter(|read| read.server == server);
        self.served += 1;
        match read {
            Some(OpenRead { committed, .. }) if committed <= index && index <= applied => Ok(()),
            Some(_) | None => Err(ModelInvariant::ReadSeesCommitted),
        }
    }

    /// A peer drops a read.
    pub(super) fn drop_read(&mut self, read: ReadId) {
        self.open.remove(&read);
    }

    /// A peer has crashed, and its clients with it.
    pub(super) fn peer_crashed(&mut self, server: usize) {
        self.open.retain(|_, read| read.server != server);
    }
}
