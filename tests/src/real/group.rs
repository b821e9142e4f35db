//! A group of real peers, whatever its service is.

use std::cell::RefCell;
use std::rc::Rc;

use super::peer_view::RealPeerView;
use crate::cluster::Testbed;
use crate::failure::Failure;

/// The peers of a run, as its summary and its report see them.
pub trait RealPeers: Testbed {
    /// The state of each peer.
    fn views(&self) -> Vec<RealPeerView>;

    /// Number of applied commands.
    fn commands(&self) -> u64;

    /// Failure of a peer that ended without being crashed.
    fn unexpected_exit(&self) -> Option<Failure>;
}

/// A group that a scenario and the run share.
pub type RealGroup = Rc<RefCell<dyn RealPeers>>;
