//! Frames: messages on a connection.
//!
//! ```text
//! version 1   len:u32 message
//! version 2   len:u32 part:u8 checksum:u64 bytes     part: 0 a message, 1 a piece of one, 2 its last piece
//! version 3   the same, and part 3: the answer to a probe, without bytes
//! ```
//!
//! Numbers are little-endian, and `len` counts the bytes after the header. The checksum is XXH3 of
//! the rest of the frame, with the nonce of the connection as its seed: a flipped bit, or bytes of
//! another connection, are detected before they are decoded. A message longer than
//! [`PIECE_BYTES`] goes in pieces, one message at a time; whole messages may go between them, so
//! that no vote or heartbeat waits for a large command.

use xxhash_rust::xxh3::Xxh3;

use crate::codec;
use crate::message::{Envelope, Message};

/// The length of a frame's header in version 1, in bytes.
pub const FRAME_HEADER_BYTES: usize = 4;
/// The length of a frame's header in version 2, in bytes.
const HEADER_BYTES: usize = 13;
/// The longest frame in version 2, without its header, in bytes. Long enough for a chunk of a
/// snapshot, and written within milliseconds.
pub const PIECE_BYTES: usize = 128 * 1024;

/// The first version in which a probe is answered.
pub(crate) const VERSION_OF_ALIVE: u8 = 3;

/// The content of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A message.
    Message = 0,
    /// A piece of a long one.
    Piece = 1,
    /// Its last piece.
    LastPiece = 2,
    /// The answer to a probe.
    Alive = 3,
}

/// Appends a message's frame of version 1 to `bytes`. A frame longer than `frame_bytes_max` leaves
/// `bytes` unchanged, and its length is the error.
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

/// The frames of a connection.
#[derive(Clone, Copy, Debug)]
pub struct FrameWriter {
    /// The connection's version.
    pub version: u8,
    /// The connection's nonce.
    pub nonce: u64,
    /// The longest message, in bytes.
    pub message_bytes_max: usize,
}

/// A message that goes in pieces.
#[derive(Debug)]
pub struct Pieces {
    bytes: Vec<u8>,
    at: usize,
}

impl FrameWriter {
    /// Appends a message's frame to `bytes`, or returns its pieces. A message over the limit leaves
    /// `bytes` unchanged, and its length is the error.
    ///
    /// # Errors
    /// The message is too long.
    pub fn encode(
        &self,
        envelope: &Envelope,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Pieces>, usize> {
        if self.version == 1 {
            return self.encode_without_store(envelope, bytes).map(|()| None);
        }
        let start = bytes.len();
        bytes.extend_from_slice(&[0; HEADER_BYTES]);
        codec::encode_onto(envelope, bytes);
        let body = start + HEADER_BYTES;
        let len = bytes.len() - body;
        if len > self.message_bytes_max {
            bytes.truncate(start);
            return Err(len);
        }
        if len > PIECE_BYTES {
            let pieces = Pieces { bytes: bytes.split_off(body), at: 0 };
            bytes.truncate(start);
            return Ok(Some(pieces));
        }
        let header = self.header(Part::Message, &bytes[body..]);
        bytes[start..body].copy_from_slice(&header);
        Ok(None)
    }

    /// Appends a frame of version 1, which knows no stores: the messages about them are left out.
    fn encode_without_store(&self, envelope: &Envelope, bytes: &mut Vec<u8>) -> Result<(), usize> {
        if matches!(envelope.message, Message::Register | Message::RegisterReply(_)) {
            return Ok(());
        }
        let plain = Envelope { store: None, ..envelope.clone() };
        encode_frame(&plain, self.message_bytes_max, bytes)
    }

    /// Appends the next piece of a message to `bytes`; returns whether it was the last one.
    pub fn next_piece(&self, pieces: &mut Pieces, bytes: &mut Vec<u8>) -> bool {
        let end = pieces.bytes.len().min(pieces.at + PIECE_BYTES);
        let (piece, last) = (&pieces.bytes[pieces.at..end], end == pieces.bytes.len());
        bytes.extend_from_slice(
            &self.header(if last { Part::LastPiece } else { Part::Piece }, piece),
        );
        bytes.extend_from_slice(piece);
        pieces.at = end;
        last
    }

    /// Appends the answer to a probe to `bytes`.
    pub fn alive(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.header(Part::Alive, &[]));
    }

    fn header(&self, part: Part, bytes: &[u8]) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        // A frame is at most PIECE_BYTES long.
        header[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        header[4] = part as u8;
        let checksum = checksum(&header[..5], bytes, self.nonce);
        header[5..].copy_from_slice(&checksum.to_le_bytes());
        header
    }
}

fn checksum(header: &[u8], bytes: &[u8], nonce: u64) -> u64 {
    let mut hash = Xxh3::with_seed(nonce);
    hash.update(header);
    hash.update(bytes);
    hash.digest()
}

/// A frame of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its kind.
    pub part: Part,
    /// Its bytes without the header.
    pub content: &'a [u8],
    /// Its length, with the header.
    pub len: usize,
}

/// A frame that was damaged on its way, or that no peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame over the limit.
    #[error("a frame of {found} bytes, the limit is {max}")]
    TooLarge {
        /// The frame's length, in bytes.
        found: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// A frame with a wrong checksum: bytes were changed on their way, or by a broken machine.
    #[error("a damaged frame: its checksum is wrong")]
    Damaged,
    /// A frame of an unknown kind, with a valid checksum.
    #[error("a frame of the unknown kind {found}")]
    Unknown {
        /// The kind.
        found: u8,
    },
}

/// The frame of version 2 or later at the beginning of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// It is damaged, or of another kind.
pub fn decode_frame(
    bytes: &[u8],
    version: u8,
    nonce: u64,
) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [a, b, c, d, part, sum @ ..] = *header;
    let found = u32::from_le_bytes([a, b, c, d]) as usize;
    if found > PIECE_BYTES {
        return Err(FrameError::TooLarge { found, max: PIECE_BYTES });
    }
    let Some(content) = rest.get(..found) else { return Ok(None) };
    if checksum(&header[..5], content, nonce) != u64::from_le_bytes(sum) {
        return Err(FrameError::Damaged);
    }
    let part = match part {
        0 => Part::Message,
        1 if found > 0 => Part::Piece,
        2 => Part::LastPiece,
        3 if found == 0 && version >= VERSION_OF_ALIVE => Part::Alive,
        // Its sender has computed a checksum over it.
        found => return Err(FrameError::Unknown { found }),
    };
    Ok(Some(Frame { part, content, len: HEADER_BYTES + found }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Incarnation, Standing, StoreStamp};
    use crate::message::Vote;
    use crate::types::{MessageId, PeerId, Term};

    #[test]
    fn version_1_hears_nothing_of_stores() {
        let stamp = StoreStamp { incarnation: Incarnation::new(7), standing: Standing::New };
        let envelope = |message| Envelope {
            id: MessageId::new(1),
            from: PeerId::new(1),
            to: PeerId::new(2),
            term: Term::new(1),
            store: Some(stamp),
            message,
        };
        let frames = FrameWriter { version: 1, nonce: 0, message_bytes_max: 1000 };
        let mut bytes = Vec::new();
        let none = frames.encode(&envelope(Message::Register), &mut bytes).map(|_| ());
        assert_eq!((none, bytes.len()), (Ok(()), 0));
        let vote = envelope(Message::RequestVoteReply(Vote::Granted));
        let sent = frames.encode(&vote, &mut bytes).map(|_| ());
        let read = codec::decode(&bytes[FRAME_HEADER_BYTES..]);
        assert_eq!((sent, read), (Ok(()), Ok(Envelope { store: None, ..vote })));
    }
}
