//! The state of the peers at the selected line.

use crate::meaning::state::STATE_KEYS;
use crate::view::history::values::KnownValue;
use crate::view::log::ids::PeerId;
use crate::view::log_view::LogView;

/// The value of each key, if the peer has one.
pub(crate) type State = [Option<KnownValue>; STATE_KEYS.len()];

impl LogView {
    /// The state of each peer at the selected line, filtered out or not.
    pub(crate) fn state(&self) -> Vec<(PeerId, State)> {
        let line = self.cursor();
        let state = |peer| line.map(|line| self.store.history.state(peer, line));
        let order = self.store.peer_order().into_iter();
        order.map(|peer| (peer, state(peer).unwrap_or_default())).collect()
    }
}
