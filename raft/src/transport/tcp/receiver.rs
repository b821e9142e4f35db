//! The decoder of an incoming connection, from bytes to messages: handshake, frames, checks.
//!
//! It has no socket, so that it can be tested and fuzzed. A frame is `len:u32`, little-endian, and
//! as many bytes, decoded by [`codec`].
//!
//! # Memory
//! A connection has one buffer. It grows with the received bytes, never with an announced length:
//! at most 4 KiB before the peer is identified, then twice the longest frame, and it shrinks again
//! after a long one.

use super::error::ConnectionError;
use super::handshake::Hello;
use crate::codec;
use crate::message::Envelope;
use crate::types::PeerId;

/// The length of a frame's length, in bytes.
pub const FRAME_HEADER_BYTES: usize = 4;

/// Read size before the peer is identified.
const HELLO_READ_BYTES: usize = 1024;
/// Read size afterwards.
const READ_BYTES: usize = 64 * 1024;
/// Capacity above which an empty buffer shrinks.
const BUFFER_KEPT_BYTES: usize = 1024 * 1024;

/// The expected handshake and limits.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The listening peer.
    pub me: PeerId,
    /// The name of its cluster.
    pub cluster: String,
    /// Number for the connecting peer to repeat.
    pub nonce: u64,
    /// The longest frame, in bytes, without its length.
    pub frame_bytes_max: usize,
}

/// A decoded item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The other side's claimed id. An answer is due.
    Hello(PeerId),
    /// The other side has repeated the nonce: it is live, not a replay.
    Identified(PeerId),
    /// A message from that peer to this one.
    Message(Envelope),
}

/// The receiving end of a connection, without the socket.
///
/// ```
/// use raft::PeerId;
/// use raft::transport::tcp::{Expected, Hello, Received, Receiver, ConnectionError};
///
/// let [one, two] = [1, 2].map(PeerId::new);
/// let hello = |to| Hello { from: one, to, cluster: "example".into() }.encode();
/// let expected = Expected { me: two, cluster: "example".into(), nonce: 7, frame_bytes_max: 100 };
///
/// let mut receiver = Receiver::new(expected.clone());
/// receiver.buffer().extend(hello(two));
/// assert_eq!(receiver.take_next(), Ok(Some(Received::Hello(one))));
/// assert_eq!(receiver.take_next(), Ok(None));
///
/// let mut receiver = Receiver::new(expected);
/// receiver.buffer().extend(hello(PeerId::new(3)));
/// assert_eq!(receiver.take_next(), Err(ConnectionError::Misrouted { expected: PeerId::new(3) }));
/// ```
#[derive(Debug)]
pub struct Receiver {
    expected: Expected,
    stage: Stage,
    bytes: Vec<u8>,
    // Everything before it is consumed.
    start: usize,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Hello,
    Nonce { from: PeerId },
    Frames { from: PeerId },
}

impl Receiver {
    /// A decoder without received bytes.
    #[must_use]
    pub const fn new(expected: Expected) -> Self {
        Self { expected, stage: Stage::Hello, bytes: Vec::new(), start: 0 }
    }

    /// The buffer to append received bytes to, with some spare capacity.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        // What is left is the beginning of a frame.
        self.bytes.drain(..self.start);
        self.start = 0;
        if self.bytes.is_empty() && self.bytes.capacity() > BUFFER_KEPT_BYTES {
            self.bytes.shrink_to(READ_BYTES);
        }
        let spare = match self.stage {
            Stage::Hello | Stage::Nonce { .. } => HELLO_READ_BYTES,
            Stage::Frames { .. } => READ_BYTES,
        };
        if self.bytes.capacity() - self.bytes.len() < spare / 2 {
            self.bytes.reserve(spare);
        }
        &mut self.bytes
    }

    /// Capacity of the buffer, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The next complete item; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The connection must end; further results are meaningless.
    pub fn take_next(&mut self) -> Result<Option<Received>, ConnectionError> {
        match self.stage {
            Stage::Hello => self.hello(),
            Stage::Nonce { from } => self.nonce(from),
            Stage::Frames { from } => self.message(from),
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn hello(&mut self) -> Result<Option<Received>, ConnectionError> {
        let Some((hello, len)) = Hello::decode(self.rest())? else { return Ok(None) };
        let Expected { me, cluster, .. } = &self.expected;
        if hello.cluster != *cluster {
            return Err(ConnectionError::WrongCluster {
                theirs: hello.cluster,
                ours: cluster.clone(),
            });
        }
        if hello.to != *me {
            return Err(ConnectionError::Misrouted { expected: hello.to });
        }
        if hello.from == *me {
            return Err(ConnectionError::DuplicateId { id: *me });
        }
        self.start += len;
        self.stage = Stage::Nonce { from: hello.from };
        Ok(Some(Received::Hello(hello.from)))
    }

    fn nonce(&mut self, from: PeerId) -> Result<Option<Received>, ConnectionError> {
        let Some(nonce) = self.rest().first_chunk() else { return Ok(None) };
        if u64::from_le_bytes(*nonce) != self.expected.nonce {
            return Err(ConnectionError::Replayed);
        }
        self.start += nonce.len();
        self.stage = Stage::Frames { from };
        Ok(Some(Received::Identified(from)))
    }

    fn message(&mut self, from: PeerId) -> Result<Option<Received>, ConnectionError> {
        let Some((len, rest)) = self.rest().split_first_chunk() else { return Ok(None) };
        let max = self.expected.frame_bytes_max;
        let found = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        if found > max {
            return Err(ConnectionError::FrameTooLarge { found, max });
        }
        let Some(frame) = rest.get(..found) else { return Ok(None) };
        let envelope = codec::decode(frame)?;
        if envelope.from != from {
            return Err(ConnectionError::WrongSender { found: envelope.from });
        }
        if envelope.to != self.expected.me {
            return Err(ConnectionError::WrongReceiver { found: envelope.to });
        }
        self.start += FRAME_HEADER_BYTES + found;
        Ok(Some(Received::Message(envelope)))
    }
}

/// Appends a message's frame to `bytes`. A frame longer than `frame_bytes_max` leaves `bytes`
/// unchanged, and its length is the error.
///
/// # Errors
/// The frame would be too long.
pub fn encode_frame(
    envelope: &Envelope,
    frame_bytes_max: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), usize> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    codec::encode_onto(envelope, bytes);
    let len = bytes.len() - start - FRAME_HEADER_BYTES;
    match u32::try_from(len) {
        Ok(header) if len <= frame_bytes_max => {
            bytes[start..start + FRAME_HEADER_BYTES].copy_from_slice(&header.to_le_bytes());
            Ok(())
        }
        Ok(_) | Err(_) => {
            bytes.truncate(start);
            Err(len)
        }
    }
}
