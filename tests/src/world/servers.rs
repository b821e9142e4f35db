//! Servers, the numbers of peers from 0 on, as the core's identities.

use raft::{Membership, PeerId};

use crate::case::PeerSet;

/// The identity of a server.
pub(crate) const fn peer_id(server: usize) -> PeerId {
    PeerId::new(server as u64)
}

/// The server number of a peer; `None` for an unknown peer.
pub(crate) fn server_of(peer: PeerId, size: usize) -> Option<usize> {
    server_from(0, peer, size)
}

/// The same where the first peer has this number.
pub(crate) fn server_from(first_peer: usize, peer: PeerId, size: usize) -> Option<usize> {
    let server = usize::try_from(peer.number()).ok()?.checked_sub(first_peer)?;
    Some(server).filter(|server| *server < size)
}

/// The membership of these servers.
#[must_use]
pub fn members(voters: PeerSet, learners: PeerSet) -> Membership {
    let all = Membership::of_voters(voters.iter().map(peer_id));
    learners.iter().map(peer_id).fold(all, Membership::with_learner)
}

/// The number of the first peer that is no server: senders of forged messages.
pub(crate) const FIRST_STRANGER: u64 = 1000;
