//! Events of a history: all that lines change of it.

use crate::meaning::state::StateKey;
use crate::view::log::ids::PeerId;

/// An event of the history at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryEvent {
    pub(crate) line: u32,
    pub(crate) change: HistoryChange,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryChange {
    /// A new run: no value before it holds.
    NewRun,
    /// A new test in the values of a test runner: its terms are new ones.
    NewTest,
    /// A line of a test runner.
    Test,
    /// A failure, panic or race.
    Error,
    Restart(PeerId),
    Set(PeerId, StateKey, Box<[u8]>),
    Increment(PeerId, StateKey),
    /// The peer is `down` or `cut`, or no longer.
    Status(PeerId, Option<Box<[u8]>>),
}

impl HistoryEvent {
    /// The same event, with its line counted from the start of a store.
    pub(crate) fn after(self, first: u32) -> Self {
        Self { line: first.saturating_add(self.line), ..self }
    }

    /// Numbers the peers as a store does.
    pub(crate) fn rename(&mut self, peers: &[u16]) {
        match &mut self.change {
            HistoryChange::NewRun
            | HistoryChange::NewTest
            | HistoryChange::Test
            | HistoryChange::Error => {}
            HistoryChange::Restart(peer)
            | HistoryChange::Set(peer, ..)
            | HistoryChange::Increment(peer, _)
            | HistoryChange::Status(peer, _) => {
                *peer = PeerId(peers[usize::from(peer.0)]);
            }
        }
    }
}
