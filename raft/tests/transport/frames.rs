//! Decoding of bytes in any pieces, without a socket.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use raft::Envelope;
use raft::transport::tcp::{
    ConnectionError, Expected, FrameWriter, Hello, Received, Receiver, VERSION, encode_frame,
};

use super::support::{append, chunk, origin, peer, vote};

const LIMIT: usize = 400_000;

fn receiver() -> Receiver {
    let cluster = "test".into();
    Receiver::new(Expected { me: peer(2), cluster, nonce: 42, frame_bytes_max: LIMIT })
}

fn handshake(version: u8) -> Vec<u8> {
    let mut bytes = Hello {
        version,
        from: peer(1),
        to: peer(2),
        cluster: "test".into(),
        origin: origin(version),
    }
    .encode();
    bytes.extend_from_slice(&42_u64.to_le_bytes());
    bytes
}

fn message() -> impl Strategy<Value = Envelope> {
    let command = vec(any::<u8>(), 0..300);
    prop_oneof![
        any::<u64>().prop_map(|id| vote(id, peer(1), peer(2))),
        (0..2000_usize).prop_map(|bytes| chunk(1, peer(1), peer(2), bytes)),
        (any::<u64>(), vec(command, 0..5)).prop_map(|(id, commands)| {
            let commands: Vec<&[u8]> = commands.iter().map(Vec::as_slice).collect();
            append(id, peer(1), peer(2), &commands)
        }),
        (1000..LIMIT - 200).prop_map(|bytes| append(3, peer(1), peer(2), &[&vec![9; bytes]])),
    ]
}

fn stream(version: u8, messages: &[Envelope]) -> Vec<u8> {
    let mut bytes = handshake(version);
    let frames = FrameWriter { version, nonce: 42, message_bytes_max: LIMIT };
    for message in messages {
        let pieces = frames.encode(message, &mut bytes).expect("it is within the limit");
        if let Some(mut pieces) = pieces {
            while !frames.next_piece(&mut pieces, &mut bytes) {}
        }
    }
    bytes
}

/// A version of frames.
fn version() -> impl Strategy<Value = u8> {
    prop_oneof![Just(1), Just(2), Just(3)]
}

/// Feeds the bytes in pieces of these sizes, again and again, and returns the messages.
fn feed(bytes: &[u8], pieces: &[usize]) -> Result<Vec<Envelope>, ConnectionError> {
    let (mut receiver, mut messages, mut rest) = (receiver(), Vec::new(), bytes);
    for piece in pieces.iter().cycle() {
        let (piece, later) = rest.split_at((*piece).min(rest.len()));
        rest = later;
        receiver.buffer().extend_from_slice(piece);
        while let Some(received) = receiver.take_next()? {
            if let Received::Message(envelope) = received {
                messages.push(envelope);
            }
        }
        assert!(receiver.memory_bytes() <= 4 * (bytes.len() + 64 * 1024));
        if rest.is_empty() {
            break;
        }
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn messages_survive_any_fragmentation(
        version in version(),
        messages in vec(message(), 0..8),
        pieces in vec(1..5000_usize, 1..20),
    ) {
        prop_assert_eq!(feed(&stream(version, &messages), &pieces), Ok(messages));
    }

    #[test]
    fn a_flipped_bit_is_detected_before_it_is_decoded(
        messages in vec(message(), 1..5),
        place in any::<proptest::sample::Index>(),
        bit in 0..8_u32,
        pieces in vec(1..5000_usize, 1..20),
    ) {
        let mut bytes = stream(VERSION, &messages);
        let frames = handshake(VERSION).len();
        let place = frames + place.index(bytes.len() - frames);
        bytes[place] ^= 1 << bit;
        // A flipped length may announce bytes that never come.
        match feed(&bytes, &pieces) {
            Ok(received) => prop_assert!(received.len() < messages.len()),
            Err(error) => prop_assert!(
                matches!(
                    error,
                    ConnectionError::DamagedFrame | ConnectionError::FrameTooLarge { .. }
                ),
                "{}", error
            ),
        }
    }

    #[test]
    fn damaged_bytes_give_valid_messages_or_an_error(
        version in version(),
        messages in vec(message(), 1..5),
        damage in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        pieces in vec(1..5000_usize, 1..20),
    ) {
        let mut bytes = stream(version, &messages);
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        for envelope in feed(&bytes, &pieces).unwrap_or_default() {
            prop_assert_eq!((envelope.from, envelope.to), (peer(1), peer(2)));
            let again = raft::codec::encode(&envelope);
            prop_assert_eq!(raft::codec::decode(&again), Ok(envelope));
        }
    }

    #[test]
    fn random_bytes_are_rejected(bytes in vec(any::<u8>(), 8..500)) {
        prop_assert!(feed(&bytes, &[7]).is_err());
    }
}

#[test]
fn an_announced_length_takes_no_memory_in_advance() {
    let mut receiver = receiver();
    receiver.buffer().extend(handshake(1));
    while receiver.take_next().expect("a good handshake").is_some() {}
    receiver.buffer().extend(u32::try_from(LIMIT).unwrap().to_le_bytes());
    assert_eq!(receiver.take_next(), Ok(None));
    assert!(receiver.memory_bytes() <= 64 * 1024 + 4096, "{}", receiver.memory_bytes());
}

#[test]
fn a_frame_of_exactly_the_limit_is_accepted() {
    let envelope = vote(1, peer(1), peer(2));
    let len = raft::codec::encode(&envelope).len();
    let mut bytes = vec![1, 2, 3];
    assert_eq!(encode_frame(&envelope, len - 1, &mut bytes), Err(len));
    assert_eq!(bytes, [1, 2, 3], "nothing is left of it");
    assert_eq!(encode_frame(&envelope, len, &mut bytes), Ok(()));
    assert_eq!(bytes.len(), 3 + 4 + len);
}

#[test]
fn the_buffer_shrinks_after_a_long_frame() {
    let mut receiver = Receiver::new(Expected {
        me: peer(2),
        cluster: "test".into(),
        nonce: 42,
        frame_bytes_max: 8 << 20,
    });
    let mut bytes = handshake(1);
    encode_frame(&append(1, peer(1), peer(2), &[&vec![1; 4 << 20]]), 8 << 20, &mut bytes).unwrap();
    receiver.buffer().extend(bytes);
    while receiver.take_next().expect("good bytes").is_some() {}
    assert!(receiver.memory_bytes() > 4 << 20);
    receiver.buffer();
    assert!(receiver.memory_bytes() <= 128 * 1024, "{}", receiver.memory_bytes());
}

#[test]
fn a_message_of_too_many_entries_is_rejected() {
    let most = raft::codec::ENTRIES_MAX;
    let commands = vec![&b""[..]; most + 1];
    for (count, accepted) in [(most, true), (most + 1, false)] {
        let bytes = raft::codec::encode(&append(1, peer(1), peer(2), &commands[..count]));
        assert_eq!(raft::codec::decode(&bytes).is_ok(), accepted, "{count} entries");
    }
}
