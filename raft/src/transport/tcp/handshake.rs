//! The handshake of a connection: both peers check cluster, ids, processes and version.
//!
//! ```text
//! connecting peer                                     listening peer
//!   magic[8] version:u8 from:u64 to:u64
//!   cluster_len:u8 cluster                    ──►
//!   since version 3: process
//!   address_len:u8 address checksum:u64       ──►
//!                                             ◄──     magic[8] version:u8 verdict:u8
//!                                                     nonce:u64 frame_bytes_max:u32
//!                                             ◄──     since version 3: process conflict
//!                                                     checksum:u64
//!   nonce:u64, then frames                    ──►
//! ```
//!
//! Numbers are little-endian; `process.rs` has the parts of version 3, whose checksums are XXH3 of all
//! bytes before. Both sides check the magic byte by byte as it arrives, so that another protocol is
//! detected at once. The nonce is the listener's and new for every connection, so that a recorded
//! connection cannot be replayed.

use xxhash_rust::xxh3::xxh3_64;

use super::error::ConnectionError;
use super::process::{Conflict, Process};
use super::wire::{CLUSTER_BYTES_MAX, MAGIC, VERSION, VERSION_MIN, VERSION_OF_PROCESSES, Verdict};
use crate::types::PeerId;

/// The possible first bytes of TLS: an alert or a handshake.
const TLS: [u8; 2] = [0x15, 0x16];
const CHECKSUM_BYTES: usize = 8;

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
    /// Its process, since version 3.
    pub origin: Option<Origin>,
}

/// The process of a connecting peer, and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The process.
    pub process: Process,
    /// The address on which the peer listens, if it knows one; at most 255 bytes.
    pub address: Option<String>,
}

impl Hello {
    /// Encodes it.
    ///
    /// # Panics
    /// The cluster's name is too long, or the origin does not fit the version.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = self.cluster.len();
        assert!(len <= CLUSTER_BYTES_MAX, "a cluster's name of {len} bytes is too long");
        let mut bytes = Vec::with_capacity(MAGIC.len() + 18 + len);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(self.version);
        bytes.extend_from_slice(&self.from.number().to_le_bytes());
        bytes.extend_from_slice(&self.to.number().to_le_bytes());
        push_text(&self.cluster, &mut bytes);
        let named = self.version >= VERSION_OF_PROCESSES;
        assert_eq!(self.origin.is_some(), named, "an origin in version {}", self.version);
        if let Some(Origin { process, address }) = &self.origin {
            process.encode(&mut bytes);
            push_text(address.as_deref().unwrap_or_default(), &mut bytes);
            push_checksum(&mut bytes);
        }
        bytes
    }

    /// Decodes it from the received bytes, with its length; `None` while it is incomplete.
    ///
    /// # Errors
    /// The bytes are not the beginning of one.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ConnectionError> {
        let Some((version, rest)) = after_magic(bytes)? else { return Ok(None) };
        if !(VERSION_MIN..=VERSION).contains(&version) {
            return Err(ConnectionError::VersionMismatch { found: version });
        }
        let Some((from, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((to, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((cluster, rest)) = split_text(rest) else { return Ok(None) };
        let (from, to) = (u64::from_le_bytes(*from), u64::from_le_bytes(*to));
        let cluster = String::from_utf8_lossy(cluster).into_owned();
        let (origin, rest) = if version < VERSION_OF_PROCESSES {
            (None, rest)
        } else {
            let Some((origin, rest)) = Origin::decode(bytes, rest)? else { return Ok(None) };
            (Some(origin), rest)
        };
        let (from, to) = (PeerId::new(from), PeerId::new(to));
        let taken = bytes.len() - rest.len();
        Ok(Some((Self { version, from, to, cluster, origin }, taken)))
    }
}

impl Origin {
    /// Decodes it from `rest`, the end of `all`, with what follows; `None` while it is incomplete.
    fn decode<'a>(all: &[u8], rest: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, ConnectionError> {
        let Some((process, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((address, rest)) = split_text(rest) else { return Ok(None) };
        let Some(rest) = after_checksum(all, rest)? else { return Ok(None) };
        let process = Process::decode(process).ok_or(ConnectionError::DamagedHandshake)?;
        let address = str::from_utf8(address).map_err(|_| ConnectionError::DamagedHandshake)?;
        let address = (!address.is_empty()).then(|| address.to_owned());
        Ok(Some((Self { process, address }, rest)))
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
    /// Its process, since version 3.
    pub process: Option<Process>,
    /// The process for which the connecting one is rejected.
    pub conflict: Option<Conflict>,
}

impl Answer {
    /// The length of an answer of versions 1 and 2, in bytes.
    pub const BYTES: usize = MAGIC.len() + 14;

    /// The length of an answer of a version, in bytes.
    #[must_use]
    pub const fn len_of(version: u8) -> usize {
        if version < VERSION_OF_PROCESSES {
            return Self::BYTES;
        }
        Self::BYTES + Process::BYTES + Conflict::BYTES + CHECKSUM_BYTES
    }

    /// Encodes it.
    ///
    /// # Panics
    /// The process does not fit the version.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::len_of(self.version));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[self.version, self.verdict as u8]);
        bytes.extend_from_slice(&self.nonce.to_le_bytes());
        bytes.extend_from_slice(&self.frame_bytes_max.to_le_bytes());
        let named = self.version >= VERSION_OF_PROCESSES;
        assert_eq!(self.process.is_some(), named, "a process in version {}", self.version);
        if let Some(process) = &self.process {
            process.encode(&mut bytes);
            Conflict::encode(self.conflict.as_ref(), &mut bytes);
            push_checksum(&mut bytes);
        }
        bytes
    }

    /// Decodes the answer to a hello of this version from the received bytes; `None` while it is
    /// incomplete.
    ///
    /// # Errors
    /// The bytes are not the beginning of one. A lower version than the hello's is a
    /// [`ConnectionError::VersionMismatch`]: the other side speaks no newer one.
    pub fn decode(bytes: &[u8], version: u8) -> Result<Option<Self>, ConnectionError> {
        let Some((found, rest)) = after_magic(bytes)? else { return Ok(None) };
        if found != version {
            return Err(ConnectionError::VersionMismatch { found });
        }
        let Some((verdict, rest)) = rest.split_first() else { return Ok(None) };
        let Some((nonce, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((frame_bytes_max, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let verdict = Verdict::ALL.into_iter().find(|known| *known as u8 == *verdict);
        let verdict = verdict.unwrap_or(Verdict::Other);
        let nonce = u64::from_le_bytes(*nonce);
        let frame_bytes_max = u32::from_le_bytes(*frame_bytes_max);
        let (process, conflict) = (None, None);
        let answer = Self { version, verdict, nonce, frame_bytes_max, process, conflict };
        if version < VERSION_OF_PROCESSES {
            return Ok(Some(answer));
        }
        let Some((process, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((conflict, rest)) = rest.split_first_chunk() else { return Ok(None) };
        if after_checksum(bytes, rest)?.is_none() {
            return Ok(None);
        }
        let process = Process::decode(process).ok_or(ConnectionError::DamagedHandshake)?;
        let conflict = Conflict::decode(conflict).ok_or(ConnectionError::DamagedHandshake)?;
        Ok(Some(Self { process: Some(process), conflict, ..answer }))
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

/// Appends a text of at most 255 bytes; a longer one is left out.
fn push_text(text: &str, bytes: &mut Vec<u8>) {
    let (len, text) = u8::try_from(text.len()).map_or((0, ""), |len| (len, text));
    bytes.push(len);
    bytes.extend_from_slice(text.as_bytes());
}

/// The text at the beginning, and what follows; `None` while it is incomplete.
fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

fn push_checksum(bytes: &mut Vec<u8>) {
    let checksum = xxh3_64(bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
}

/// Checks the checksum at the beginning of `rest`, the end of `all`, and returns what follows; `None`
/// while it is incomplete.
fn after_checksum<'a>(all: &[u8], rest: &'a [u8]) -> Result<Option<&'a [u8]>, ConnectionError> {
    let before = &all[..all.len() - rest.len()];
    match rest.split_first_chunk() {
        None => Ok(None),
        Some((stated, after)) if u64::from_le_bytes(*stated) == xxh3_64(before) => Ok(Some(after)),
        Some(_) => Err(ConnectionError::DamagedHandshake),
    }
}
