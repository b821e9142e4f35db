//! Proposals of commands, and the reasons to reject them.

use super::Node;
use crate::entry::{Bytes, Entry, Payload};
use crate::role::{LeadershipTransfer, Role};
use crate::types::{EntryId, Instant, PeerId};

/// A rejected command; it had no effect: it is safe to propose it again, here or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// This peer is not the leader.
    #[error("not the leader")]
    NotLeader {
        /// The leader, if known.
        leader: Option<PeerId>,
    },
    /// A leadership transfer is in progress (dissertation §3.10).
    #[error("a transfer to peer {to} is in progress")]
    TransferInProgress {
        /// The next leader.
        to: PeerId,
    },
    /// Too many bytes wait for a majority.
    #[error(
        "{uncommitted} uncommitted bytes and {command} more exceed `uncommitted_bytes_max` ({limit})"
    )]
    UncommittedFull {
        /// The encoded bytes of uncommitted entries.
        uncommitted: u64,
        /// The bytes of the command's entry.
        command: u64,
        /// The limit, [`Config::uncommitted_bytes_max`](crate::Config::uncommitted_bytes_max).
        limit: u64,
    },
}

impl Node {
    /// Appends a command if this peer is the leader, and returns the entry's id if it commits. It
    /// may still be lost to another leader: then a different entry is applied at that index.
    ///
    /// # Errors
    /// The reason the command is rejected; no effect.
    pub fn propose(&mut self, now: Instant, command: Bytes) -> Result<EntryId, ProposeError> {
        self.advance_clock(now);
        self.check_proposal(&command)?;
        let id = self.append_own(Payload::Command(command));
        self.assert_consistent();
        Ok(id)
    }

    /// Checks a proposal. A command larger than the limit is accepted when nothing else waits, or
    /// it never would be. So is the first one of the leader's term: entries it inherited commit
    /// with that one (paper §5.4.2), and not before.
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
