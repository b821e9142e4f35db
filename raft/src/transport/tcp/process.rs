//! Processes at the ends of a connection, as handshakes name them since version 3.
//!
//! ```text
//! process:  start:u64 form:u8 cluster:u64 store:u64 configuration committed
//! conflict: form:u8 start:u64 store:u64 ip[16] port:u16
//! configuration, committed: term:u64 index:u64
//! form of a process: 1 with `cluster`, plus 2 with `store`, plus 4 for a member, 8 for a removed one
//! form of a conflict: 0 none, 1 one, 3 one with `store`
//! ```
//!
//! Absent parts are zero.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::backoff::random;
use crate::cluster_view::{OwnPlace, StatedIdentity};
use crate::codec::{Reader, Writer};
use crate::identity::{ClusterId, Incarnation};
use crate::types::number;

number! {
    /// The start of a process. Of two processes, the one with the lower number was started first, as
    /// far as their clocks agree; equal numbers are one process.
    ProcessStart
}

/// Bits of a start for chance, below those of the time.
const CHANCE_BITS: u32 = 12;

impl ProcessStart {
    /// A start now.
    #[expect(clippy::disallowed_methods, reason = "an order of processes on several machines")]
    pub(super) fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros());
        let micros = u64::try_from(micros).unwrap_or_default();
        Self::new(micros << CHANCE_BITS | random() >> (u64::BITS - CHANCE_BITS))
    }
}

/// A process at one end of a connection, as it states itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its start.
    pub start: ProcessStart,
    /// Its peer's identity.
    pub identity: StatedIdentity,
}

/// The process that keeps its place against another one with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its start.
    pub start: ProcessStart,
    /// Its store.
    pub store: Option<Incarnation>,
    /// The address of its connection.
    pub address: SocketAddr,
}

const CLUSTER: u8 = 1;
const STORE: u8 = 2;
const MEMBER: u8 = 4;
const REMOVED: u8 = 8;

impl Process {
    /// The length of its bytes.
    pub(super) const BYTES: usize = 57;

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let Self { start, identity } = self;
        let StatedIdentity { cluster, store, place, configuration, committed } = *identity;
        let place = match place {
            OwnPlace::Joining => 0,
            OwnPlace::Member => MEMBER,
            OwnPlace::Removed => REMOVED,
        };
        let form =
            place | (u8::from(cluster.is_some()) * CLUSTER) | (u8::from(store.is_some()) * STORE);
        let mut writer = Writer(std::mem::take(bytes));
        writer.u64(start.number());
        writer.u8(form);
        writer.u64(cluster.map_or(0, ClusterId::number));
        writer.u64(store.map_or(0, Incarnation::number));
        writer.entry_id(configuration);
        writer.entry_id(committed);
        *bytes = writer.0;
    }

    /// Decodes it; `None` for bytes that it does not encode to.
    pub(super) fn decode(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let start = ProcessStart::new(reader.u64().ok()?);
        let form = reader.u8().ok()?;
        let place = match form & !(CLUSTER | STORE) {
            0 => OwnPlace::Joining,
            MEMBER => OwnPlace::Member,
            REMOVED => OwnPlace::Removed,
            _ => return None,
        };
        let cluster = part(form & CLUSTER, reader.u64().ok()?)?.map(ClusterId::new);
        let store = part(form & STORE, reader.u64().ok()?)?.map(Incarnation::new);
        let (configuration, committed) = (reader.entry_id().ok()?, reader.entry_id().ok()?);
        let identity = StatedIdentity { cluster, store, place, configuration, committed };
        Some(Self { start, identity })
    }
}

/// A number that is there or zero.
const fn part(bit: u8, number: u64) -> Option<Option<u64>> {
    match (bit, number) {
        (0, 0) => Some(None),
        (0, _) => None,
        (_, number) => Some(Some(number)),
    }
}

impl Conflict {
    /// The length of its bytes.
    pub(super) const BYTES: usize = 35;

    pub(super) fn encode(conflict: Option<&Self>, bytes: &mut Vec<u8>) {
        let Some(Self { start, store, address }) = conflict else {
            return bytes.extend_from_slice(&[0; Self::BYTES]);
        };
        bytes.push(1 | (u8::from(store.is_some()) * STORE));
        bytes.extend_from_slice(&start.number().to_le_bytes());
        bytes.extend_from_slice(&store.map_or(0, Incarnation::number).to_le_bytes());
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        bytes.extend_from_slice(&ip.octets());
        bytes.extend_from_slice(&address.port().to_le_bytes());
    }

    /// Decodes one, or its absence; `None` for bytes that neither encodes to.
    pub(super) fn decode(bytes: &[u8; Self::BYTES]) -> Option<Option<Self>> {
        let (form, rest) = bytes.split_first()?;
        let store_bit = match *form {
            0 if rest.iter().all(|byte| *byte == 0) => return Some(None),
            1 => 0,
            3 => STORE,
            _ => return None,
        };
        let mut reader = Reader(rest);
        let start = ProcessStart::new(reader.u64().ok()?);
        let store = part(store_bit, reader.u64().ok()?)?.map(Incarnation::new);
        let (ip, port) = reader.0.split_first_chunk::<16>()?;
        let ip = IpAddr::V6(Ipv6Addr::from(*ip)).to_canonical();
        let port = u16::from_le_bytes(port.try_into().ok()?);
        Some(Some(Self { start, store, address: SocketAddr::new(ip, port) }))
    }
}
