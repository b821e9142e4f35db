//! The state of the peers at the selected line.

use super::LogView;
use super::history::KnownValue;
use super::names::PeerId;
use super::told::KEYS;

/// The value of each key, where the peer has said one.
pub(super) type State = [Option<KnownValue>; KEYS.len()];

impl LogView {
    /// What each peer has last said of itself at the selected line, filtered out or not.
    pub(super) fn state(&self) -> Vec<(PeerId, State)> {
        let line = self.cursor();
        let state = |peer| line.map(|line| self.store.history.state(peer, line));
        let order = self.store.peer_order().into_iter();
        order.map(|peer| (peer, state(peer).unwrap_or_default())).collect()
    }
}
