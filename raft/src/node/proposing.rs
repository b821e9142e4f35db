//! Commands come in: whether this peer takes one, and what it says if not.

use super::Node;
use crate::entry::{Bytes, Payload};
use crate::role::Role;
use crate::types::{EntryId, Instant, PeerId};

/// A command was not taken. Nothing happened: it is safe to propose it again, here or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// This peer does not lead.
    #[error("this peer does not lead")]
    NotLeader {
        /// Who leads, as far as this peer knows.
        leader: Option<PeerId>,
    },
    /// This peer hands leadership over and takes nothing meanwhile (thesis §3.10).
    #[error("leadership is on its way to peer {to}")]
    TransferInProgress {
        /// The peer that is to lead.
        to: PeerId,
    },
    /// Too much waits for a majority already.
    #[error(
        "{uncommitted} bytes are not committed yet, and {command} more would exceed `uncommitted_bytes_max` ({limit})"
    )]
    UncommittedFull {
        /// The bytes of the commands that are not committed.
        uncommitted: u64,
        /// The bytes of the command.
        command: u64,
        /// What [`Config::uncommitted_bytes_max`](crate::Config::uncommitted_bytes_max) allows.
        limit: u64,
    },
}

impl Node {
    /// Appends a command if this peer leads, and returns the place it will have if it commits. It
    /// may still be lost to another leader: then a different entry is applied at that index.
    ///
    /// # Errors
    /// Why this peer does not take it now; nothing happened.
    pub fn propose(&mut self, now: Instant, command: Bytes) -> Result<EntryId, ProposeError> {
        self.now = self.now.max(now);
        if !matches!(self.role, Role::Leader(_)) {
            return Err(ProposeError::NotLeader { leader: self.leader() });
        }
        let id = self.append_own(Payload::Command(command));
        self.assert_consistent();
        Ok(id)
    }
}
