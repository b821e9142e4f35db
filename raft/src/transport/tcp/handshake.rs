//! The handshake of a connection: both peers check cluster, ids and version.
//!
//! ```text
//! connecting peer                                     listening peer
//!   magic[8] version:u8 from:u64 to:u64
//!   cluster_len:u8 cluster                    ──►
//!                                             ◄──     magic[8] version:u8 verdict:u8
//!                                                     nonce:u64 frame_bytes_max:u32
//!   nonce:u64, then frames                    ──►
//! ```
//!
//! Numbers are little-endian. Both sides check the magic byte by byte as it arrives, so that
//! another protocol is detected at once. The nonce is the listener's and new for every connection,
//! so that a recorded connection cannot be replayed.

use super::error::ConnectionError;
use super::wire::{CLUSTER_BYTES_MAX, MAGIC, VERSION, VERSION_MIN, Verdict};
use crate::types::PeerId;

/// The possible first bytes of TLS: an alert or a handshake.
const TLS: [u8; 2] = [0x15, 0x16];

/// The first message of a connecting peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The version it speaks on this connection, from [`VERSION_MIN`] to [`VERSION`].
    pub version: u8,
    /// Its id.
    pub from: PeerId,
    /// The peer it expects to reach.
    pub to: PeerId,
    /// The name of its cluster, at most [`CLUSTER_BYTES_MAX`] bytes long.
    pub cluster: String,
}

impl Hello {
    /// Encodes it.
    ///
    /// # Panics
    /// The cluster's name is too long.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = self.cluster.len();
        assert!(len <= CLUSTER_BYTES_MAX, "a cluster's name of {len} bytes is too long");
        let mut bytes = Vec::with_capacity(MAGIC.len() + 18 + len);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(self.version);
        bytes.extend_from_slice(&self.from.number().to_le_bytes());
        bytes.extend_from_slice(&self.to.number().to_le_bytes());
        bytes.push(u8::try_from(len).unwrap_or(u8::MAX));
        bytes.extend_from_slice(self.cluster.as_bytes());
        bytes
    }

    /// Decodes it from the received bytes, with its length; `None` while it is incomplete.
    ///
    /// # Errors
    /// The bytes are not the beginning of one.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ConnectionError> {
        let Some((version, mut rest)) = after_magic(bytes)? else { return Ok(None) };
        if !(VERSION_MIN..=VERSION).contains(&version) {
            return Err(ConnectionError::VersionMismatch { found: version });
        }
        let Some(fixed) = rest.split_off(..17) else { return Ok(None) };
        let (Some(from), Some(to)) = (number(fixed), number(&fixed[8..])) else { return Ok(None) };
        let Some((len, rest)) = fixed[16..].first().zip(Some(rest)) else { return Ok(None) };
        let Some(cluster) = rest.get(..usize::from(*len)) else { return Ok(None) };
        let cluster = String::from_utf8_lossy(cluster).into_owned();
        let taken = MAGIC.len() + 1 + fixed.len() + usize::from(*len);
        let (from, to) = (PeerId::new(from), PeerId::new(to));
        Ok(Some((Self { version, from, to, cluster }, taken)))
    }
}

/// The answer of the listening peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The version of the hello, or the newest one spoken if that is lower.
    pub version: u8,
    /// Acceptance, or the reason of a rejection.
    pub verdict: Verdict,
    /// Number for the connecting peer to repeat.
    pub nonce: u64,
    /// Its limit on frames, in bytes.
    pub frame_bytes_max: u32,
}

impl Answer {
    /// The length of an answer, in bytes.
    pub const BYTES: usize = MAGIC.len() + 14;

    /// Encodes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[self.version, self.verdict as u8]);
        bytes.extend_from_slice(&self.nonce.to_le_bytes());
        bytes.extend_from_slice(&self.frame_bytes_max.to_le_bytes());
        bytes
    }

    /// Decodes the answer to a hello of this version from the received bytes; `None` while it is
    /// incomplete.
    ///
    /// # Errors
    /// The bytes are not the beginning of one, or it is a rejection. A lower version than the
    /// hello's is a [`ConnectionError::VersionMismatch`]: the other side speaks no newer one.
    pub fn decode(bytes: &[u8], version: u8) -> Result<Option<Self>, ConnectionError> {
        let Some((found, rest)) = after_magic(bytes)? else { return Ok(None) };
        if found != version {
            return Err(ConnectionError::VersionMismatch { found });
        }
        let Some((verdict, rest)) = rest.split_first() else { return Ok(None) };
        let Some((nonce, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some(frame_bytes_max) = rest.first_chunk() else { return Ok(None) };
        let verdict = Verdict::ALL.into_iter().find(|known| *known as u8 == *verdict);
        let verdict = verdict.unwrap_or(Verdict::Other);
        if verdict != Verdict::Accepted {
            return Err(ConnectionError::RejectedByPeer(verdict));
        }
        let nonce = u64::from_le_bytes(*nonce);
        let frame_bytes_max = u32::from_le_bytes(*frame_bytes_max);
        Ok(Some(Self { version, verdict, nonce, frame_bytes_max }))
    }
}

/// The version and the bytes after it; `None` while these are incomplete.
fn after_magic(bytes: &[u8]) -> Result<Option<(u8, &[u8])>, ConnectionError> {
    let seen = bytes.len().min(MAGIC.len());
    if bytes[..seen] != MAGIC[..seen] {
        let tls = bytes.first().is_some_and(|first| TLS.contains(first));
        return Err(if tls { ConnectionError::UnexpectedTls } else { ConnectionError::NotRaft });
    }
    Ok(bytes[seen..].split_first().map(|(version, rest)| (*version, rest)))
}

/// The number at the front.
fn number(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
