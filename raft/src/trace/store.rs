//! Events of stores: the formation of a cluster, and members that lost their data.

use std::collections::BTreeSet;

use crate::identity::Incarnation;
use crate::progress::LossKind;
use crate::types::PeerId;

/// An event of a peer's own store, or of a member's as its leader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreEvent<'a> {
    /// Other initial members of a new cluster have not recorded this peer's store yet, after many
    /// requests.
    Unregistered {
        /// The members.
        missing: &'a BTreeSet<PeerId>,
    },
    /// All other initial members have recorded this peer's store: it votes from now on.
    Confirmed,
    /// An initial member knows this peer by another store, or began without it: the peer may have
    /// lost its data, and does not vote.
    Refused {
        /// The member.
        by: PeerId,
        /// The store it knows.
        known: Option<Incarnation>,
    },
    /// A leader found that a member lost its data, or is two processes.
    Lost {
        /// The member.
        of: PeerId,
        /// The store that counts for it.
        expected: Option<Incarnation>,
        /// The sign.
        kind: LossKind,
    },
}

impl StoreEvent<'_> {
    /// The event's name, the same in every log and in every version.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unregistered { .. } => "store_unregistered",
            Self::Confirmed => "store_confirmed",
            Self::Refused { .. } => "store_refused",
            Self::Lost { .. } => "store_lost",
        }
    }
}
