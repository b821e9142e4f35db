//! Errors of a node's start from its store.

use std::collections::BTreeSet;

use crate::entry::BrokenSlice;
use crate::membership::Membership;
use crate::types::{EntryId, PeerId, Term};

/// Contents that no order of writes can leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptStore {
    /// The entries have a gap or falling terms.
    #[error("the stored log is broken: {0}")]
    BrokenLog(#[from] BrokenSlice),
    /// An entry is newer than the stored term.
    #[error("the stored term {current_term} is behind the stored entry {last}")]
    TermBehindLog {
        /// The stored term.
        current_term: Term,
        /// The last stored entry.
        last: EntryId,
    },
    /// The entries neither contain the snapshot's last one nor follow it.
    #[error(
        "the stored log, after {start} through {last}, does not contain the last entry of the stored \
         snapshot, {snapshot}"
    )]
    WithoutSnapshot {
        /// The entry before the log.
        start: EntryId,
        /// The last stored entry.
        last: EntryId,
        /// The snapshot's last entry.
        snapshot: EntryId,
    },
}

/// Peers of a start that are not those of the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`peers` lists {}, but the store of peer {own} belongs to a cluster of {}{}: start it with those; \
     members of a running cluster are changed by `change_membership` on its leader",
    Peers(given),
    Members(stored),
    members.as_ref().map_or(String::new(), |now| format!(" (members now: {now})"))
)]
pub struct OtherPeers {
    /// The store's peer.
    pub own: PeerId,
    /// The peers of this start.
    pub given: Box<[PeerId]>,
    /// The initial members in the store, or one of them; none if it only shows that there were others.
    pub stored: Box<[PeerId]>,
    /// The members now, if an entry or a snapshot has them.
    pub members: Option<String>,
}

impl OtherPeers {
    pub(crate) fn of(
        own: PeerId,
        given: BTreeSet<PeerId>,
        stored: BTreeSet<PeerId>,
        members: Option<&Membership>,
    ) -> Self {
        let list = |peers: BTreeSet<PeerId>| peers.into_iter().collect();
        let members = members.map(Membership::to_string);
        Self { own, given: list(given), stored: list(stored), members }
    }
}

/// Members as a list in a sentence.
struct Members<'a>(&'a [PeerId]);

impl std::fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { f.write_str("other peers, too") } else { Peers(self.0).fmt(f) }
    }
}

/// Peers as a list in a sentence.
struct Peers<'a>(&'a [PeerId]);

impl std::fmt::Display for Peers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return f.write_str("none") };
        first.fmt(f)?;
        rest.iter().try_for_each(|peer| write!(f, " {peer}"))
    }
}

/// A store from which a node cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Its contents are broken.
    #[error(transparent)]
    Corrupt(#[from] CorruptStore),
    /// It belongs to a cluster of other peers.
    #[error(transparent)]
    OtherPeers(#[from] OtherPeers),
}
