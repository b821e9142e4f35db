//! Reads (thesis §6.4): each sees what was committed anywhere when it was asked for.

use std::collections::BTreeMap;

use raft::{Index, Instant, ReadId};

use super::history::Rule;
use super::state::State;

/// The reads of all peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    open: BTreeMap<ReadId, Asked>,
    /// How many were served.
    served: u8,
}

/// A read that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asked {
    server: usize,
    /// What was committed at the time.
    committed: Index,
}

impl Reads {
    /// A peer serves a read after its service was given the entries through `given`.
    pub(super) fn serves(
        &mut self,
        server: usize,
        read: ReadId,
        index: Index,
        given: Index,
    ) -> Result<(), Rule> {
        let asked = self.open.remove(&read).filter(|asked| asked.server == server);
        self.served += 1;
        match asked {
            Some(Asked { committed, .. }) if committed <= index && index <= given => Ok(()),
            Some(_) | None => Err(Rule::ReadSeesCommitted),
        }
    }

    /// A peer gives a read up.
    pub(super) fn drops(&mut self, read: ReadId) {
        self.open.remove(&read);
    }

    /// A peer has crashed, and its clients with it.
    pub(super) fn forget(&mut self, server: usize) {
        self.open.retain(|_, asked| asked.server != server);
    }
}

impl State {
    /// Whether a read was served.
    #[must_use]
    pub fn has_read(&self) -> bool {
        self.reads.served > 0
    }

    pub(super) fn read(&mut self, server: usize) -> Result<(), Rule> {
        let (before, left) = (self.reads.clone(), self.left.reads);
        let read = ReadId::new(u64::from(left));
        self.reads.open.insert(read, Asked { server, committed: self.history.last() });
        self.left.reads -= 1;
        let mut taken = false;
        self.change(server, |peer| taken = peer.node.read(Instant::START, read).is_ok())?;
        if !taken {
            (self.reads, self.left.reads) = (before, left);
        }
        Ok(())
    }
}
