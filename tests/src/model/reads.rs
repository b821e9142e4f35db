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
    place: usize,
    /// What was committed at the time.
    committed: Index,
}

impl Reads {
    /// A peer serves a read after its service was given the entries through `given`.
    pub(super) fn serves(
        &mut self,
        place: usize,
        read: ReadId,
        index: Index,
        given: Index,
    ) -> Result<(), Rule> {
        let asked = self.open.remove(&read).filter(|asked| asked.place == place);
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
    pub(super) fn forget(&mut self, place: usize) {
        self.open.retain(|_, asked| asked.place != place);
    }
}

impl State {
    /// Whether a read was served.
    #[must_use]
    pub fn has_read(&self) -> bool {
        self.reads.served > 0
    }

    pub(super) fn read(&mut self, place: usize) -> Result<(), Rule> {
        let (before, left) = (self.reads.clone(), self.left.reads);
        let read = ReadId::new(u64::from(left));
        self.reads.open.insert(read, Asked { place, committed: self.history.last() });
        self.left.reads -= 1;
        let mut taken = false;
        self.change(place, |peer| taken = peer.node.read(Instant::START, read).is_ok())?;
        if !taken {
            (self.reads, self.left.reads) = (before, left);
        }
        Ok(())
    }
}
