//! Reads (thesis §6.4): each sees what was committed anywhere when it was asked for.

use std::collections::BTreeMap;

use raft::{Index, Instant, ReadId};

use super::history::ModelInvariant;
use super::state::State;

/// The reads of all peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    open: BTreeMap<ReadId, OpenRead>,
    /// How many were served.
    served: u8,
}

/// A read that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OpenRead {
    server: usize,
    /// What was committed at the time.
    committed: Index,
}

impl Reads {
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

    /// A peer gives a read up.
    pub(super) fn drop_read(&mut self, read: ReadId) {
        self.open.remove(&read);
    }

    /// A peer has crashed, and its clients with it.
    pub(super) fn peer_crashed(&mut self, server: usize) {
        self.open.retain(|_, read| read.server != server);
    }
}

impl State {
    /// Whether a read was served.
    #[must_use]
    pub fn has_read(&self) -> bool {
        self.reads.served > 0
    }

    pub(super) fn request_read(&mut self, server: usize) -> Result<(), ModelInvariant> {
        let (before, left) = (self.reads.clone(), self.left.reads);
        let read = ReadId::new(u64::from(left));
        self.reads.open.insert(read, OpenRead { server, committed: self.history.last() });
        self.left.reads -= 1;
        let mut taken = false;
        self.change(server, |peer| taken = peer.node.read(Instant::START, read).is_ok())?;
        if !taken {
            (self.reads, self.left.reads) = (before, left);
        }
        Ok(())
    }
}
