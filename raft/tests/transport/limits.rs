//! Limits: queues, frames, unidentified connections, connected peers.

use std::time::Duration;

use raft::transport::Transport as _;
use raft::transport::tcp::{TcpOptions, TcpTransport, encode_frame};

use super::support::{
    Log, Peer, RawClient, append, chunk, connected, heartbeat, options, peer, vote, with_timeout,
};

const CHUNK: usize = 64 * 1024;

#[tokio::test]
async fn heartbeats_and_votes_overtake_queued_chunks() {
    let options = TcpOptions { queue_bytes_max: 64 << 20, ..options() };
    let mut one = Peer::plain(1, options.clone());
    let transport = TcpTransport::plain(peer(2), "127.0.0.1:0").unwrap().with(options).unwrap();
    // Its inbox holds one message until it is read.
    let mut two = Peer::start(2, transport, 1);
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
    let last = 500;
    for id in 1..=last {
        one.transport.send(chunk(id, peer(1), peer(2), CHUNK));
    }
    assert_eq!(two.next().await.id.number(), 1);
    // Most of the chunks, 32 MB in all, are still queued.
    one.transport.send(append(1001, peer(1), peer(2), &[]));
    one.transport.send(vote(1002, peer(1), peer(2)));
    let mut order = Vec::new();
    while order.len() < 501 {
        order.push(two.next().await.id.number());
    }
    let position = |id| order.iter().position(|found| *found == id);
    let (heartbeat, vote) = (position(1001).unwrap(), position(1002).unwrap());
    assert!(heartbeat < 400 && vote == heartbeat + 1, "{heartbeat} and {vote} of 501");
    let chunks: Vec<_> = order.into_iter().filter(|id| *id <= last).collect();
    assert_eq!(chunks, (2..=last).collect::<Vec<_>>(), "chunks keep their order");
}

#[tokio::test]
async fn a_heartbeat_stays_behind_earlier_entries() {
    let [mut one, mut two] = connected(&options()).await;
    let large = vec![1; 1 << 20];
    one.transport.send(append(1, peer(1), peer(2), &[&large]));
    one.transport.send(heartbeat(2, peer(1), peer(2), 1));
    one.transport.send(vote(3, peer(1), peer(2)));
    let order = [two.next().await, two.next().await, two.next().await];
    assert_eq!(order.map(|envelope| envelope.id.number()), [3, 1, 2]);
}

/// Votes and heartbeats go between the pieces of a command that is being written, unless a heartbeat
/// refers to the command itself.
#[tokio::test]
async fn votes_and_heartbeats_overtake_a_large_command_on_its_way() {
    let [mut one, mut two] = with_large_command_on_its_way(options()).await;
    one.transport.send(heartbeat(2, peer(1), peer(2), 1));
    one.transport.send(heartbeat(3, peer(1), peer(2), 0));
    one.transport.send(vote(4, peer(1), peer(2)));
    assert_eq!(ids(&mut two, 4).await, [3, 4, 1, 2]);
}

/// Peers 1 and 2, with a command of 15 MiB between them, more than the system's buffers hold.
async fn with_large_command_on_its_way(options: TcpOptions) -> [Peer; 2] {
    let mut one = Peer::plain(1, options.clone());
    let transport = TcpTransport::plain(peer(2), "127.0.0.1:0").expect("a free port");
    let transport = transport.with(options).expect("good options");
    // Its inbox holds one message until it is read.
    let mut two = Peer::start(2, transport, 1);
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
    for id in [100, 101] {
        one.transport.send(vote(id, peer(1), peer(2)));
    }
    one.transport.send(append(1, peer(1), peer(2), &[&vec![1; 15 << 20]]));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ids(&mut two, 2).await, [100, 101]);
    [one, two]
}

/// The ids of the next messages.
async fn ids(two: &mut Peer, count: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        ids.push(two.next().await.id.number());
    }
    ids
}

/// The protocol may send a large command again before it has arrived.
#[tokio::test]
async fn a_large_command_on_its_way_is_not_queued_again() {
    let options = TcpOptions { queue_bytes_max: 100_000, ..options() };
    let [mut one, mut two] = with_large_command_on_its_way(options).await;
    one.transport.send(append(2, peer(1), peer(2), &[&vec![1; 15 << 20]]));
    one.transport.send(append(3, peer(1), peer(2), &[b"small"]));
    assert_eq!(ids(&mut two, 2).await, [1, 3]);
}

#[tokio::test]
async fn a_full_queue_drops_messages_and_later_ones_arrive() {
    let log = Log::capture();
    let options = TcpOptions { queue_bytes_max: 1 << 20, ..options() };
    let [mut one, mut two] = connected(&options).await;
    let count = 2000;
    for id in 1..=count {
        one.transport.send(chunk(id, peer(1), peer(2), CHUNK));
        tokio::task::yield_now().await;
    }
    log.wait_for("the queue is full").await;
    let mut ids = Vec::new();
    with_timeout(async {
        while ids.last() != Some(&u64::MAX) {
            one.transport.send(chunk(u64::MAX, peer(1), peer(2), 1));
            ids.push(two.next().await.id.number());
        }
    })
    .await;
    assert!(ids.is_sorted(), "the order stays");
    assert!(ids.len() < 1800, "{} of {count} chunks of {CHUNK} bytes arrived", ids.len());
}

#[tokio::test]
async fn a_stalled_receiver_is_disconnected_and_reconnected() {
    let log = Log::capture();
    let mut one =
        Peer::plain(1, TcpOptions { silence_max: Duration::from_millis(50), ..options() });
    let transport = TcpTransport::plain(peer(2), "127.0.0.1:0").unwrap().with(options()).unwrap();
    let mut two = Peer::start(2, transport, 1);
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
    // More than the system buffers for a receiver.
    with_timeout(async {
        while !log.contains("to peer peer=2") {
            one.transport.send(chunk(1, peer(1), peer(2), CHUNK));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    with_timeout(async {
        loop {
            one.transport.send(vote(2, peer(1), peer(2)));
            let next = tokio::time::timeout(Duration::from_millis(5), two.received.recv()).await;
            if next.is_ok_and(|next| next.is_some_and(|next| next.id.number() == 2)) {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_strangers_leaves_few_warnings_and_a_count() {
    let log = Log::capture();
    let two = Peer::plain(2, options());
    for _ in 0..500 {
        let mut raw = RawClient::connect(&two).await;
        raw.write(b"GET / HTTP/1.1\r\n\r\n").await;
        raw.read_to_end().await;
    }
    let lines = log.warnings();
    assert!(lines.len() < 20, "{} lines of 500", lines.len());
    tokio::time::pause();
    log.wait_for("more incoming connections").await;
}

#[tokio::test]
async fn a_message_over_the_receivers_limit_is_dropped_by_the_sender() {
    let log = Log::capture();
    let mut one = Peer::plain(1, options());
    let mut two = Peer::plain(2, TcpOptions { frame_bytes_max: 1000, ..options() });
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
    one.transport.send(append(1, peer(1), peer(2), &[&[0; 2000]]));
    one.transport.send(append(2, peer(1), peer(2), &[&[0; 500]]));
    assert_eq!(two.next().await.id.number(), 2);
    let warnings = log.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("raise `frame_bytes_max` on both sides"), "{warnings:?}");
}

#[tokio::test]
async fn a_single_message_may_be_larger_than_the_queue() {
    let [mut one, mut two] = connected(&TcpOptions { queue_bytes_max: 100, ..options() }).await;
    let large = append(1, peer(1), peer(2), &[&vec![3; 5 << 20]]);
    one.transport.send(large.clone());
    assert_eq!(two.next().await, large);
}

#[tokio::test]
async fn a_silent_connection_times_out() {
    let log = Log::capture();
    let within = Duration::from_millis(30);
    let two = Peer::plain(2, TcpOptions { handshake_timeout: within, ..options() });
    let received = RawClient::connect(&two).await.read_to_end().await;
    assert!(received.is_empty(), "{received:?}");
    log.wait_for("it sent nothing within 15ms (half of `handshake_timeout`)").await;
    let mut half = RawClient::connect(&two).await;
    half.write(&raft::transport::tcp::MAGIC).await;
    half.read_to_end().await;
    log.wait_for("no handshake within 30ms (`handshake_timeout`)").await;
}

#[tokio::test]
async fn an_unfinished_frame_times_out_and_an_idle_connection_does_not() {
    let log = Log::capture();
    let silence_max = Duration::from_millis(50);
    let mut two = Peer::plain(2, TcpOptions { silence_max, ..options() });
    let mut idle = RawClient::after_handshake(3, &two).await;
    let mut half = RawClient::after_handshake(1, &two).await;
    half.write(&[200, 0, 0, 0, 1]).await;
    half.read_to_end().await;
    log.wait_for("a frame was unfinished for 50ms (`silence_max`)").await;
    let mut frame = Vec::new();
    encode_frame(&vote(1, peer(3), peer(2)), 1000, &mut frame).expect("it is short");
    idle.write(&frame).await;
    assert_eq!(two.next().await.id.number(), 1);
}

#[tokio::test]
async fn unfinished_messages_of_strangers_have_a_bound_for_all_together() {
    const LIMIT: usize = 1 << 20;
    let log = Log::capture();
    let options = TcpOptions { frame_bytes_max: LIMIT, ..options() };
    let mut two = Peer::plain(2, options.clone());
    let mut one = Peer::plain(1, options);
    two.set_peer(&one);
    let half = [&(LIMIT as u32).to_le_bytes()[..], &vec![0; LIMIT - 1]].concat();
    let mut strangers = Vec::new();
    for name in 10..20 {
        let mut stranger = RawClient::after_handshake(name, &two).await;
        stranger.write(&half).await;
        strangers.push(stranger);
    }
    log.wait_for("unfinished messages of unknown peers hold 4194304 bytes, as much as they may")
        .await;
    let closed = log.warnings().len();
    assert!((2..10).contains(&closed), "{closed} of 10");
    // A member's messages still come in.
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
    let large = append(1, peer(1), peer(2), &[&vec![7; LIMIT - 1000]]);
    one.transport.send(large.clone());
    assert_eq!(two.next().await, large);
}

#[tokio::test]
async fn idle_connections_keep_no_peer_out() {
    let log = Log::capture();
    let forever = Duration::from_secs(3600);
    let limits = TcpOptions { unidentified_max: 3, handshake_timeout: forever, ..options() };
    let [mut one, mut two] = connected(&limits).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(RawClient::connect(&two).await);
    }
    let mut three = Peer::plain(3, limits);
    three.set_peer(&two);
    three.wait_connected(&mut two).await;
    one.transport.send(vote(9, peer(1), peer(2)));
    assert_eq!(two.next().await.id.number(), 9);

    let oldest = silent.remove(0);
    silent.push(RawClient::connect(&two).await);
    oldest.read_to_end().await;
    log.wait_for("it made room for a newer connection: 3 are unidentified").await;
}

// It needs 514 sockets, more than the default limit of some systems.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn too_many_peers_are_rejected() {
    let log = Log::capture();
    let two = Peer::plain(2, options());
    let mut there = Vec::new();
    for name in 10..10 + 256 {
        there.push(RawClient::after_handshake(name, &two).await);
    }
    RawClient::after_handshake(1000, &two).await.read_to_end().await;
    log.wait_for("peer=1000").await;
    let warnings = log.warnings();
    assert!(warnings[0].contains("connection limit reached: 256 peers that are not members are"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    // A connected peer may reconnect.
    let again = RawClient::after_handshake(10, &two).await;
    there.remove(0).read_to_end().await;
    assert!(log.warnings().is_empty());
    drop(again);
}

#[test]
fn a_wrong_setting_is_named() {
    type Change = fn(&mut TcpOptions);
    let rows: [(Change, &str); 6] = [
        (|o| o.cluster = "x".repeat(256), "`cluster` must be at most 255 bytes long"),
        (|o| o.frame_bytes_max = usize::MAX, "`frame_bytes_max` must be below 4 GiB"),
        (|o| o.reconnect_max = Duration::ZERO, "`reconnect_max` must be at least `reconnect_min`"),
        (|o| o.queue_bytes_max = 0, "`queue_bytes_max` must be at least 1"),
        (|o| o.unidentified_max = 0, "`unidentified_max` must be at least 1"),
        (|o| o.silence_max = Duration::ZERO, "`silence_max` must be longer than zero"),
    ];
    for (change, expected) in rows {
        let mut options = TcpOptions::default();
        change(&mut options);
        let transport = TcpTransport::plain(peer(1), "127.0.0.1:0").unwrap();
        assert_eq!(transport.with(options).expect_err(expected).to_string(), expected);
    }
}

#[tokio::test]
async fn no_message_is_queued_for_a_disconnected_peer() {
    let mut one = Peer::plain(1, options());
    let mut two = Peer::plain(2, options());
    one.transport.send(vote(1, peer(1), peer(2)));
    one.set_peer(&two);
    // There is no connection yet: no task has run since.
    one.transport.send(vote(2, peer(1), peer(2)));
    with_timeout(async {
        while two.received.is_empty() {
            one.transport.send(vote(3, peer(1), peer(2)));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(two.next().await.id.number(), 3);
}
