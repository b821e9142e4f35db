//! Memberships as bytes: in messages, and for stores, which keep them in entries and snapshots.
//!
//! ```text
//! voters outgoing:(0:u8 | 1:u8 peers) learners addresses
//! peers: count:u32 peer:u64…
//! addresses: count:u32 (peer:u64 len:u32 bytes)…
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{Reader, Writer};
use super::error::DecodeError;
use crate::membership::Membership;
use crate::types::PeerId;

/// Encodes a membership, as entries and snapshots carry it.
///
/// ```
/// use raft::{Membership, PeerId, codec};
/// let membership = Membership::of_voters([1, 2].map(PeerId::new));
/// let bytes = codec::encode_membership(&membership);
/// assert_eq!(codec::decode_membership(&bytes), Ok(membership));
/// ```
#[must_use]
pub fn encode_membership(membership: &Membership) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(membership_len(membership)));
    writer.membership(membership);
    writer.0
}

/// Decodes a membership.
///
/// # Errors
/// The bytes are not a membership.
pub fn decode_membership(bytes: &[u8]) -> Result<Membership, DecodeError> {
    let mut reader = Reader(bytes);
    let membership = reader.membership()?;
    match reader.0.len() {
        0 => Ok(membership),
        rest => Err(DecodeError::TooLong(rest)),
    }
}

/// The length of [`encode_membership`]'s bytes.
#[must_use]
pub fn membership_len(membership: &Membership) -> usize {
    let peers = |peers: &BTreeSet<PeerId>| COUNT_BYTES + 8 * peers.len();
    let addresses = membership.addresses().values().map(|at| 8 + COUNT_BYTES + at.len());
    peers(membership.voters())
        + 1
        + membership.outgoing().map_or(0, peers)
        + peers(membership.learners())
        + COUNT_BYTES
        + addresses.sum::<usize>()
}

const COUNT_BYTES: usize = 4;

impl Writer {
    pub(crate) fn membership(&mut self, membership: &Membership) {
        self.peers(membership.voters());
        match membership.outgoing() {
            None => self.u8(0),
            Some(outgoing) => {
                self.u8(1);
                self.peers(outgoing);
            }
        }
        self.peers(membership.learners());
        self.count(membership.addresses().len());
        for (peer, address) in membership.addresses() {
            self.u64(peer.number());
            self.bytes(address.as_bytes());
        }
    }

    fn peers(&mut self, peers: &BTreeSet<PeerId>) {
        self.count(peers.len());
        peers.iter().for_each(|peer| self.u64(peer.number()));
    }
}

impl Reader<'_> {
    pub(crate) fn membership(&mut self) -> Result<Membership, DecodeError> {
        let voters = self.peers()?;
        let outgoing = match self.u8()? {
            0 => None,
            1 => Some(self.peers()?),
            found => return Err(DecodeError::Unknown { what: "configuration", found }),
        };
        let learners = self.peers()?;
        let mut addresses = BTreeMap::new();
        for _ in 0..self.count()? {
            let peer = self.peer_after(addresses.keys().next_back())?;
            let address = std::str::from_utf8(self.slice()?);
            addresses.insert(peer, address.map_err(|_| DecodeError::AddressNotText)?.into());
        }
        Ok(Membership::new(voters, outgoing, learners, addresses)?)
    }

    fn peers(&mut self) -> Result<BTreeSet<PeerId>, DecodeError> {
        let mut peers = BTreeSet::new();
        for _ in 0..self.count()? {
            let peer = self.peer_after(peers.last())?;
            peers.insert(peer);
        }
        Ok(peers)
    }

    /// The next peer of a list, which is written in order, so that there is one way to write it.
    fn peer_after(&mut self, last: Option<&PeerId>) -> Result<PeerId, DecodeError> {
        let peer = PeerId::new(self.u64()?);
        match last {
            Some(last) if *last >= peer => Err(DecodeError::OutOfOrder { last: *last, peer }),
            Some(_) | None => Ok(peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_has_one_form() {
        let peer = PeerId::new;
        let membership = Membership::of_voters([1, 2].map(peer))
            .with_learner(peer(3))
            .with_address(peer(1), "a")
            .with_address(peer(2), "b");
        let bytes = encode_membership(&membership);
        assert_eq!(decode_membership(&bytes), Ok(membership));
        // The first voter, and the peer of the first address.
        for place in [COUNT_BYTES, bytes.len() - 26] {
            let mut doubled = bytes.clone();
            doubled[place] = 2;
            let error = DecodeError::OutOfOrder { last: peer(2), peer: peer(2) };
            assert_eq!(decode_membership(&doubled), Err(error));
        }
    }
}
