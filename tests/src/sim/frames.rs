//! Frames with flipped bits, as a connection carries messages: the checksum of a frame notices them,
//! and the connection is closed.

use raft::Envelope;
use raft::codec::frame::{Frame, FrameWriter, decode_frame};

use super::random::{Domain, Stream};

/// A message's frame with up to three flipped bits, which `flips` draws, as its receiver decodes it.
/// `None` if it notices, or if the message goes in pieces.
#[must_use]
pub fn with_flips(envelope: &Envelope, nonce: u64, flips: u32) -> Option<Vec<u8>> {
    let frames = FrameWriter { version: 3, nonce, message_bytes_max: usize::MAX };
    let mut bytes = Vec::new();
    let pieces = frames.encode(envelope, &mut bytes).ok()?;
    if pieces.is_some() {
        return None;
    }
    let mut rng = Stream::new(u64::from(flips), Domain::Flip, [0, 0]);
    let first = rng.index(bytes.len() * 8);
    // A second and third one nearby, as on a bad wire.
    for more in 0..=rng.below(3) {
        let bit = (first + more as usize * (1 + rng.index(40))).min(bytes.len() * 8 - 1);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    let Frame { content, .. } = decode_frame(&bytes, 3, nonce).ok()??;
    Some(content.to_vec())
}
