//! Memberships as bytes: in messages, and for stores, which keep them in entries and snapshots.
//!
//! ```text
//! voters form:u8 outgoing learners addresses records
//! form: 1 with `outgoing`, plus 2 with `records`; a part that is absent takes no bytes
//! outgoing, learners, peers: count:u32 peer:u64…
//! addresses: count:u32 (peer:u64 len:u32 bytes)…
//! records: (0:u8 | 1:u8 cluster:u64) count:u32 (peer:u64 store:u64)… returning:peers
//! ```
//!
//! Versions before the one that records stores read memberships without records alone.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{Reader, Writer};
use super::error::DecodeError;
use crate::identity::{ClusterId, Incarnation};
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
        + if has_records(membership) {
            let cluster = 1 + membership.cluster().map_or(0, |_| 8);
            cluster + COUNT_BYTES + 16 * membership.stores().len() + peers(membership.returning())
        } else {
            0
        }
}

fn has_records(membership: &Membership) -> bool {
    !membership.stores().is_empty()
        || !membership.returning().is_empty()
        || membership.cluster().is_some()
}

/// Bits of the form.
const OUTGOING: u8 = 1;
const RECORDS: u8 = 2;

const COUNT_BYTES: usize = 4;

impl Writer {
    pub(crate) fn membership(&mut self, membership: &Membership) {
        self.peers(membership.voters());
        let records = has_records(membership);
        let form = u8::from(membership.is_joint()) * OUTGOING + u8::from(records) * RECORDS;
        self.u8(form);
        if let Some(outgoing) = membership.outgoing() {
            self.peers(outgoing);
        }
        self.peers(membership.learners());
        self.count(membership.addresses().len());
        for (peer, address) in membership.addresses() {
            self.u64(peer.number());
            self.bytes(address.as_bytes());
        }
        if records {
            self.records(membership);
        }
    }

    fn records(&mut self, membership: &Membership) {
        self.u8(u8::from(membership.cluster().is_some()));
        if let Some(cluster) = membership.cluster() {
            self.u64(cluster.number());
        }
        self.count(membership.stores().len());
        for (peer, store) in membership.stores() {
            self.u64(peer.number());
            self.u64(store.number());
        }
        self.peers(membership.returning());
    }

    fn peers(&mut self, peers: &BTreeSet<PeerId>) {
        self.count(peers.len());
        peers.iter().for_each(|peer| self.u64(peer.number()));
    }
}

impl Reader<'_> {
    pub(crate) fn membership(&mut self) -> Result<Membership, DecodeError> {
        let voters = self.peers()?;
        let form = self.u8()?;
        if form > OUTGOING | RECORDS {
            return Err(DecodeError::Unknown { what: "configuration", found: form });
        }
        let outgoing = if form & OUTGOING == 0 { None } else { Some(self.peers()?) };
        let learners = self.peers()?;
        let mut addresses = BTreeMap::new();
        for _ in 0..self.count()? {
            let peer = self.peer_after(addresses.keys().next_back())?;
            let address = std::str::from_utf8(self.slice()?);
            addresses.insert(peer, address.map_err(|_| DecodeError::AddressNotText)?.into());
        }
        let membership = Membership::new(voters, outgoing, learners, addresses)?;
        if form & RECORDS == 0 { Ok(membership) } else { self.records(membership) }
    }

    fn records(&mut self, membership: Membership) -> Result<Membership, DecodeError> {
        let cluster = match self.u8()? {
            0 => None,
            1 => Some(ClusterId::new(self.u64()?)),
            found => return Err(DecodeError::Unknown { what: "cluster", found }),
        };
        let mut stores = BTreeMap::new();
        for _ in 0..self.count()? {
            let peer = self.peer_after(stores.keys().next_back())?;
            stores.insert(peer, Incarnation::new(self.u64()?));
        }
        let membership = membership.with_records(cluster, stores, self.peers()?)?;
        if has_records(&membership) {
            Ok(membership)
        } else {
            Err(DecodeError::Unknown { what: "configuration", found: RECORDS })
        }
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
    use crate::membership::BrokenMembership;

    #[test]
    fn addresses_without_a_member_are_refused() {
        let mut writer = Writer(Vec::new());
        writer.peers(&BTreeSet::new());
        writer.u8(0);
        writer.peers(&BTreeSet::new());
        writer.count(1);
        writer.u64(7);
        writer.bytes(b"host:1");
        let decoded = decode_membership(&writer.0);
        assert_eq!(decoded, Err(DecodeError::BrokenMembership(BrokenMembership::NoVoters)));
    }

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

    #[test]
    fn records_take_bytes_only_where_there_are_some() {
        let peer = PeerId::new;
        let plain = Membership::of_voters([1, 2].map(peer)).with_learner(peer(3));
        let target = plain.clone().with_store(peer(1), Incarnation::new(11));
        let target = target.with_lost_store(peer(2), Incarnation::new(22));
        let joint = plain.enter_joint(target.with_cluster(Some(ClusterId::new(9))));
        let bytes = encode_membership(&joint);
        assert_eq!(bytes.len(), membership_len(&joint));
        assert_eq!(decode_membership(&bytes), Ok(joint));
        assert_eq!(encode_membership(&plain).len(), 4 + 2 * 8 + 1 + 4 + 8 + 4, "as before");
    }
}
