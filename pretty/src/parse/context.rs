//! The context in which a line is read: the same for all readers of records.

use super::calendar::Calendar;
use super::keys::{Keys, PeerField};
use crate::level::OwnLevels;
use crate::time::Tick;

/// The settings that decide about the fields of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadContext<'p> {
    pub(super) calendar: &'p Calendar,
    /// The unit of whole numbers, given by the user.
    pub(super) tick: Option<Tick>,
    /// The unit the log's own header names.
    pub(super) header_unit: Option<Tick>,
    pub(super) keys: &'p Keys,
    pub(super) levels: &'p OwnLevels,
    /// The fields that may name the peer.
    pub(super) peer: PeerField<'p>,
}

impl<'p> ReadContext<'p> {
    /// The same with other fields for the peer.
    pub(super) const fn with_peer(self, peer: PeerField<'p>) -> Self {
        Self { peer, ..self }
    }
}
