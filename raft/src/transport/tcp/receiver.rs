//! The decoder of an incoming connection, from bytes to messages: handshake, frames, checks.
//!
//! It has no socket, so that it can be tested and fuzzed. [`codec::frame`] has the format of frames,
//! and [`codec`] that of messages.
//!
//! # Memory
//! A connection has one buffer, and one for a message in pieces. They grow with the received bytes,
//! never with an announced length: at most 4 KiB before the peer is identified, then twice the
//! longest message, and they shrink again after a long one.

use super::error::ConnectionError;
use super::handshake::Hello;
use super::wire::{MAGIC, VERSION, VERSION_MIN};
use crate::codec;
use crate::codec::frame::{FRAME_HEADER_BYTES, Frame, Part, decode_frame};
use crate::message::Envelope;
use crate::types::PeerId;

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
    /// The longest message, in bytes.
    pub frame_bytes_max: usize,
}

/// A decoded item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The other side's handshake, with its claimed id. An answer is due.
    Hello(Hello),
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
/// let hello = |to| Hello { version: 2, from: one, to, cluster: "example".into(), origin: None };
/// let expected = Expected { me: two, cluster: "example".into(), nonce: 7, frame_bytes_max: 100 };
///
/// let mut receiver = Receiver::new(expected.clone());
/// receiver.buffer().extend(hello(two).encode());
/// assert_eq!(receiver.take_next(), Ok(Some(Received::Hello(hello(two)))));
/// assert_eq!(receiver.take_next(), Ok(None));
///
/// let mut receiver = Receiver::new(expected);
/// receiver.buffer().extend(hello(PeerId::new(3)).encode());
/// assert_eq!(receiver.take_next(), Err(ConnectionError::Misrouted { expected: PeerId::new(3) }));
/// ```
#[derive(Debug)]
pub struct Receiver {
    expected: Expected,
    stage: Stage,
    bytes: Vec<u8>,
    // Everything before it is consumed.
    start: usize,
    /// The pieces of a message so far.
    pieces: Vec<u8>,
    /// Number of complete frames.
    frames: u64,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Hello,
    Nonce { from: PeerId, version: u8 },
    Frames { from: PeerId, version: u8 },
}

impl Receiver {
    /// A decoder without received bytes.
    #[must_use]
    pub const fn new(expected: Expected) -> Self {
        Self {
            expected,
            stage: Stage::Hello,
            bytes: Vec::new(),
            start: 0,
            pieces: Vec::new(),
            frames: 0,
        }
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

    /// Capacity of the buffers, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.pieces.capacity()
    }

    /// The version of the answer to the hello at the beginning of the received bytes.
    pub(super) fn answer_version(&self) -> u8 {
        let stated = self.bytes.get(MAGIC.len()).copied();
        stated.filter(|version| (VERSION_MIN..=VERSION).contains(version)).unwrap_or(VERSION)
    }

    /// Progress of an unfinished frame, `None` without one: a number that changes with every byte
    /// in version 1, whose frames are long, and with every complete frame later.
    pub(super) fn unfinished(&self) -> Option<u64> {
        let rest = self.rest().len();
        let progress = match self.stage {
            Stage::Frames { version: 1, .. } => rest as u64,
            Stage::Hello | Stage::Nonce { .. } | Stage::Frames { .. } => self.frames,
        };
        (rest > 0).then_some(progress)
    }

    /// The next complete item; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The connection must end; further results are meaningless.
    pub fn take_next(&mut self) -> Result<Option<Received>, ConnectionError> {
        match self.stage {
            Stage::Hello => self.hello(),
            Stage::Nonce { from, version } => self.nonce(from, version),
            Stage::Frames { from, version: 1 } => self.frame(from),
            Stage::Frames { from, version } => self.checked_frame(from, version),
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
        self.stage = Stage::Nonce { from: hello.from, version: hello.version };
        Ok(Some(Received::Hello(hello)))
    }

    fn nonce(&mut self, from: PeerId, version: u8) -> Result<Option<Received>, ConnectionError> {
        let Some(nonce) = self.rest().first_chunk() else { return Ok(None) };
        if u64::from_le_bytes(*nonce) != self.expected.nonce {
            return Err(ConnectionError::Replayed);
        }
        self.start += nonce.len();
        self.stage = Stage::Frames { from, version };
        Ok(Some(Received::Identified(from)))
    }

    /// The next frame of version 1.
    fn frame(&mut self, from: PeerId) -> Result<Option<Received>, ConnectionError> {
        let Some((len, rest)) = self.rest().split_first_chunk() else { return Ok(None) };
        let max = self.expected.frame_bytes_max;
        let found = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        if found > max {
            return Err(ConnectionError::FrameTooLarge { found, max });
        }
        let Some(frame) = rest.get(..found) else { return Ok(None) };
        let envelope = self.message(frame, from)?;
        self.start += FRAME_HEADER_BYTES + found;
        Ok(Some(Received::Message(envelope)))
    }

    /// The next message of version 2 or later. Answers to probes are no messages: that bytes came in is
    /// their news.
    fn checked_frame(
        &mut self,
        from: PeerId,
        version: u8,
    ) -> Result<Option<Received>, ConnectionError> {
        let max = self.expected.frame_bytes_max;
        loop {
            let rest = &self.bytes[self.start..];
            let Some(frame) = decode_frame(rest, version, self.expected.nonce)? else {
                return Ok(None);
            };
            let Frame { part, content, len } = frame;
            let envelope = match part {
                Part::Message => Some(self.message(content, from)?),
                Part::Alive => None,
                Part::Piece | Part::LastPiece => {
                    let found = self.pieces.len() + content.len();
                    if found > max {
                        return Err(ConnectionError::FrameTooLarge { found, max });
                    }
                    self.pieces.extend_from_slice(content);
                    match part {
                        Part::LastPiece => Some(self.message(&self.pieces, from)?),
                        Part::Message | Part::Piece | Part::Alive => None,
                    }
                }
            };
            if part == Part::LastPiece {
                self.pieces.clear();
                self.pieces.shrink_to(BUFFER_KEPT_BYTES);
            }
            self.start += len;
            self.frames += 1;
            if let Some(envelope) = envelope {
                return Ok(Some(Received::Message(envelope)));
            }
        }
    }

    fn message(&self, bytes: &[u8], from: PeerId) -> Result<Envelope, ConnectionError> {
        let envelope = codec::decode(bytes)?;
        if envelope.from != from {
            return Err(ConnectionError::WrongSender { found: envelope.from });
        }
        if envelope.to != self.expected.me {
            return Err(ConnectionError::WrongReceiver { found: envelope.to });
        }
        Ok(envelope)
    }
}
