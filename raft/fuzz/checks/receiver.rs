//! Any bytes over an incoming connection, in any pieces: no panic, no memory for bytes that have
//! not arrived, and decoded messages encode to the same bytes.
//!
//! The first byte is the position of the given bytes, the second the size of the pieces.

use raft::transport::tcp::{
    Answer, Expected, FRAME_HEADER_BYTES, Hello, Origin, Process, ProcessStart, Received, Receiver,
    Verdict, encode_frame,
};
use raft::{PeerId, StatedIdentity};

const NONCE: u64 = 42;
const LIMIT: usize = 16 * 1024;

/// Checks the property on one input.
pub(crate) fn check(input: &[u8]) {
    let Some(([begin, pieces], bytes)) = input.split_first_chunk() else { return };
    match begin % 6 {
        // The whole connection.
        0 => receive(&[], bytes, *pieces),
        // Frames, after a valid handshake.
        1 => receive(&handshake(1), bytes, *pieces),
        // The same in versions 2 and 3, which no bytes pass but those of a peer.
        4 => receive(&handshake(2), bytes, *pieces),
        5 => receive(&handshake(3), bytes, *pieces),
        // One frame with a valid length.
        2 => {
            let len = u32::try_from(bytes.len()).expect("inputs are small");
            receive(&handshake(1), &[&len.to_le_bytes(), bytes].concat(), *pieces);
        }
        _ => answer(bytes),
    }
}

/// The handshake of peer 1.
fn handshake(version: u8) -> Vec<u8> {
    let process = Process { start: ProcessStart::new(1), identity: StatedIdentity::default() };
    let origin = (version >= 3).then_some(Origin { process, address: None });
    let (from, to, cluster) = (PeerId::new(1), PeerId::new(2), "fuzz".into());
    let hello = Hello { version, from, to, cluster, origin };
    [&hello.encode()[..], &NONCE.to_le_bytes()].concat()
}

fn receive(before: &[u8], bytes: &[u8], pieces: u8) {
    let cluster = "fuzz".into();
    let expected = Expected { me: PeerId::new(2), cluster, nonce: NONCE, frame_bytes_max: LIMIT };
    let mut receiver = Receiver::new(expected);
    let stream = [before, bytes].concat();
    // Frames of later versions may be cut in other places.
    let (mut again, mut compared) = (Vec::new(), true);
    let (mut came, size) = (0, usize::from(pieces).pow(2) + 1);
    for piece in stream.chunks(size) {
        receiver.buffer().extend_from_slice(piece);
        came += piece.len();
        loop {
            match receiver.take_next() {
                Ok(Some(received)) => {
                    compared &= !matches!(&received, Received::Hello(hello) if hello.version > 1);
                    note(&received, &mut again);
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return;
                }
            }
            assert!(
                !compared || stream[..came].starts_with(&again),
                "{again:?} is not what came in"
            );
        }
        // The received bytes, doubled by growth, and spare capacity.
        let bound = 2 * (came.min(LIMIT + FRAME_HEADER_BYTES) + size) + 128 * 1024;
        assert!(receiver.memory_bytes() <= bound, "{} > {bound}", receiver.memory_bytes());
    }
}

/// Encodes a received item again, as the sender would.
fn note(received: &Received, again: &mut Vec<u8>) {
    match received {
        Received::Hello(hello) => again.extend(hello.encode()),
        Received::Identified(_) => again.extend_from_slice(&NONCE.to_le_bytes()),
        Received::Message(envelope) => {
            encode_frame(envelope, LIMIT, again).expect("it came within the limit");
        }
    }
}

fn answer(bytes: &[u8]) {
    for version in [1, 2, 3] {
        // An unknown verdict is another reason.
        if let Ok(Some(answer)) = Answer::decode(bytes, version)
            && answer.verdict != Verdict::Other
        {
            assert!(bytes.starts_with(&answer.encode()));
        }
    }
}
