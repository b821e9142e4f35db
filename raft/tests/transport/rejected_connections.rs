//! Invalid connections: each ends with one warning, and others continue.

use std::time::Duration;

use raft::codec;
use raft::transport::Transport as _;
use raft::transport::tcp::{
    Answer, FrameWriter, Hello, MAGIC, TcpOptions, VERSION, Verdict, encode_frame,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::support::{
    CLUSTER, Log, Peer, RawClient, append, options, origin, peer, vote, with_timeout,
};

/// Invalid bytes, and their position.
enum Violation {
    /// Instead of the handshake.
    First(Vec<u8>),
    /// After the hello, instead of the nonce.
    AfterHello(Vec<u8>),
    /// After a handshake as peer 1.
    Frame(Vec<u8>),
}

fn hello(from: u64, to: u64, cluster: &str) -> Vec<u8> {
    Hello { version: 1, from: peer(from), to: peer(to), cluster: cluster.into(), origin: None }
        .encode()
}

fn frame(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).expect("it is short");
    [&len.to_le_bytes(), body].concat()
}

fn rows() -> Vec<(Violation, &'static str)> {
    use Violation::{AfterHello, First, Frame};
    let ours = |body: &[u8]| Frame(frame(body));
    let good = codec::encode(&vote(1, peer(1), peer(2)));
    let mut broken = codec::encode(&append(1, peer(1), peer(2), &[b"a"]));
    let start = broken.len() - 14;
    broken[start..start + 8].fill(0);
    let mut noop = codec::encode(&append(1, peer(1), peer(2), &[b"a"]));
    let kind = noop.len() - 6;
    noop[kind] = 0;
    vec![
        (First(b"GET / HTTP/1.1\r\n\r\n".to_vec()), "its first bytes belong to another protocol"),
        (First(b"raft/udp".to_vec()), "its first bytes belong to another protocol"),
        (First(vec![0x16, 3, 1, 2, 0, 1]), "it speaks TLS, this peer is configured for plain TCP"),
        (
            First([&MAGIC[..], &[9]].concat()),
            "it speaks version 9 of the protocol, this peer versions 1 to 3",
        ),
        (First(hello(1, 2, "other")), "it belongs to cluster `other`, this peer to `test`"),
        (First(hello(1, 3, CLUSTER)), "misrouted: it expects peer 3 here"),
        (First(hello(2, 2, CLUSTER)), "it uses this peer's id, 2"),
        (AfterHello(vec![1; 8]), "its handshake belongs to another connection"),
        (Frame(u32::MAX.to_le_bytes().to_vec()), "it announces a frame of 4294967295 bytes"),
        (ours(&[]), "invalid message: the message is cut off"),
        (ours(&good[..good.len() - 1]), "invalid message: the message is cut off"),
        (ours(&[&good[..], &[0]].concat()), "invalid message: 1 bytes too many"),
        (ours(&[&[99], &good[1..]].concat()), "invalid message: unknown message 99"),
        (ours(&broken), "invalid message: entry 1@0 cannot follow 0@0"),
        (ours(&noop), "invalid message: 1 bytes too many"),
        (ours(&codec::encode(&vote(1, peer(7), peer(2)))), "it sent a message of peer 7"),
        (ours(&codec::encode(&vote(1, peer(1), peer(7)))), "it sent a message for peer 7"),
    ]
}

#[tokio::test]
async fn invalid_bytes_end_only_their_connection_with_one_warning() {
    let log = Log::capture();
    let [mut good, mut two] = [3, 2].map(|number| Peer::plain(number, options()));
    good.set_peer(&two);
    good.wait_connected(&mut two).await;
    for (wrong, reason) in rows() {
        let (raw, bytes, names_peer) = match wrong {
            Violation::First(bytes) => (RawClient::connect(&two).await, bytes, false),
            Violation::AfterHello(bytes) => {
                (RawClient::connect(&two).await, [hello(1, 2, CLUSTER), bytes].concat(), false)
            }
            Violation::Frame(bytes) => (RawClient::after_handshake(1, &two).await, bytes, true),
        };
        let mut raw = raw;
        let address = raw.0.local_addr().unwrap().to_string();
        raw.write(&bytes).await;
        raw.read_to_end().await;
        log.wait_for(reason).await;
        let warnings = log.warnings();
        assert_eq!(warnings.len(), 1, "{reason}: {warnings:#?}");
        assert!(warnings[0].contains(&address), "{warnings:?} should name {address}");
        assert_eq!(warnings[0].contains("peer=1 "), names_peer, "{warnings:?}");

        good.transport.send(vote(5, peer(3), peer(2)));
        assert_eq!(two.next().await, vote(5, peer(3), peer(2)), "after {reason}");
        // A quiet minute, so that the next one is no flood.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
    }
    assert!(two.received.is_empty(), "nothing else has come in");
}

#[tokio::test]
async fn a_replayed_handshake_is_rejected() {
    let log = Log::capture();
    let mut two = Peer::plain(2, options());
    let mut recorded = hello(1, 2, CLUSTER);
    let mut raw = RawClient::connect(&two).await;
    raw.write(&recorded).await;
    let mut answer = [0; Answer::BYTES];
    with_timeout(tokio::io::AsyncReadExt::read_exact(&mut raw.0, &mut answer)).await.unwrap();
    let nonce = Answer::decode(&answer, 1).unwrap().unwrap().nonce;
    let mut rest = nonce.to_le_bytes().to_vec();
    encode_frame(&vote(1, peer(1), peer(2)), 1000, &mut rest).unwrap();
    raw.write(&rest).await;
    assert_eq!(two.next().await.id.number(), 1);

    recorded.extend(rest);
    let mut replayed = RawClient::connect(&two).await;
    replayed.write(&recorded).await;
    replayed.read_to_end().await;
    log.wait_for("its handshake belongs to another connection").await;
    assert!(two.received.is_empty());
}

#[tokio::test]
async fn a_rejected_peer_logs_the_reason_once() {
    let log = Log::capture();
    let mut one = Peer::plain(1, options());
    let two = Peer::plain(2, TcpOptions { cluster: "other".into(), ..options() });
    one.set_peer(&two);
    log.wait_for("cannot send to peer peer=2").await;
    // Further attempts are not logged as warnings.
    for _ in 0..5 {
        log.wait_for("still not connected").await;
    }
    let warnings = log.warnings();
    let ours: Vec<_> = warnings.iter().filter(|line| line.contains("cannot send")).collect();
    assert_eq!(ours.len(), 1, "{warnings:#?}");
    assert!(ours[0].contains("rejected: it belongs to another cluster"), "{ours:?}");
}

#[tokio::test]
async fn an_invalid_answer_is_rejected() {
    let answer = |verdict| answer(VERSION, verdict).encode();
    let welcome = answer(Verdict::Accepted);
    let rows = [
        (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "its first bytes belong to another protocol"),
        ([&MAGIC[..], &[VERSION + 1]].concat(), "it speaks version 4 of the protocol"),
        (answer(Verdict::WrongCluster), "rejected: it belongs to another cluster"),
        (answer(Verdict::Other), "rejected; the reason is in its log"),
        ([&welcome[..9], &[1], &welcome[10..]].concat(), "its handshake was damaged on its way"),
        ([&welcome[..], b"more"].concat(), "its first bytes belong to another protocol"),
    ];
    for (answer, reason) in rows {
        let log = Log::capture();
        let mut one = Peer::plain(1, options());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        one.transport.set_address(peer(2), &listener.local_addr().unwrap().to_string());
        let (stream, _) = with_timeout(listener.accept()).await.unwrap();
        let mut raw = RawClient(stream);
        raw.write(&answer).await;
        log.wait_for(reason).await;
        assert!(log.warnings().iter().any(|line| line.contains("peer=2")));
    }
}

/// A listener of an earlier version, which knows no other.
#[tokio::test]
async fn a_peer_of_an_earlier_version_is_sent_to_in_its_version() {
    for (version, expected) in [(1, "its length"), (2, "a checksum of it")] {
        let log = Log::capture();
        let mut one = Peer::plain(1, options());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        one.transport.set_address(peer(2), &listener.local_addr().unwrap().to_string());
        for round in 1..=2 {
            let (stream, _) = with_timeout(listener.accept()).await.unwrap();
            let mut newest = RawClient(stream);
            let mut first = vec![0; hello_of(VERSION).encode().len()];
            with_timeout(newest.0.read_exact(&mut first)).await.unwrap();
            assert_eq!(first[8], VERSION, "round {round}: it may have been upgraded meanwhile");
            newest.write(&answer(version, Verdict::Other).encode()).await;
            drop(newest);

            let (stream, _) = with_timeout(listener.accept()).await.unwrap();
            let mut older = RawClient(stream);
            let mut first = vec![0; hello_of(version).encode().len()];
            with_timeout(older.0.read_exact(&mut first)).await.unwrap();
            assert_eq!(first, hello_of(version).encode());
            let welcome = answer(version, Verdict::Accepted);
            older.write(&welcome.encode()).await;
            let mut nonce = [0; 8];
            with_timeout(older.0.read_exact(&mut nonce)).await.unwrap();
            assert_eq!(u64::from_le_bytes(nonce), welcome.nonce);
            log.wait_for("connected peer=2").await;
            let frames = FrameWriter { version, nonce: welcome.nonce, message_bytes_max: 1000 };
            let mut sent = Vec::new();
            frames.encode(&vote(round, peer(1), peer(2)), &mut sent).unwrap();
            one.transport.send(vote(round, peer(1), peer(2)));
            let mut frame = vec![0; sent.len()];
            with_timeout(older.0.read_exact(&mut frame)).await.unwrap();
            assert_eq!(frame, sent, "a frame with {expected}");
            assert_eq!(log.warnings(), [""; 0], "an upgrade is nothing to warn of");
        }
    }
}

fn hello_of(version: u8) -> Hello {
    let (cluster, origin) = (CLUSTER.into(), origin(version));
    Hello { version, from: peer(1), to: peer(2), cluster, origin }
}

fn answer(version: u8, verdict: Verdict) -> Answer {
    let (process, conflict) = (origin(version).map(|origin| origin.process), None);
    Answer { version, verdict, nonce: 7, frame_bytes_max: 1000, process, conflict }
}
