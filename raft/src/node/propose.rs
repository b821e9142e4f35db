//! Commands come in: whether this peer takes one, and what it says if not.

use super::Node;
use crate::entry::{Bytes, Entry, Payload};
use crate::role::{LeadershipTransfer, Role};
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
    /// This peer hands leadership over and takes nothing meanwhile (dissertation §3.10).
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
        /// The bytes of the entries that are not committed, as they are encoded.
        uncommitted: u64,
        /// The bytes of the command's entry.
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
        self.advance_clock(now);
        self.check_proposal(&command)?;
        let id = self.append_own(Payload::Command(command));
        self.assert_consistent();
        Ok(id)
    }

    /// A command that is larger than the limit passes when nothing else waits, or it never would. So
    /// does the first one of the leader's term: what it inherited commits with that one (paper
    /// §5.4.2), and not before.
    fn check_proposal(&self, command: &Bytes) -> Result<(), ProposeError> {
        let Role::Leader(leader) = &self.role else {
            return Err(ProposeError::NotLeader { leader: self.leader() });
        };
        if let Some(LeadershipTransfer { to, .. }) = leader.transfer {
            return Err(ProposeError::TransferInProgress { to });
        }
        let (uncommitted, limit) =
            (leader.uncommitted_bytes, self.config.settings().uncommitted_bytes_max);
        let command = (Entry::OVERHEAD_BYTES + command.len()) as u64;
        let is_first = uncommitted == 0 || !self.has_entry_of_term();
        if !is_first && uncommitted.saturating_add(command) > limit {
            return Err(ProposeError::UncommittedFull { uncommitted, command, limit });
        }
        Ok(())
    }
}
