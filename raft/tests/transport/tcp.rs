//! Connections over TCP: established, lost, re-established.

use std::time::Duration;

use raft::transport::tcp::{TcpOptions, TcpTransport};
use raft::transport::{Faults, FaultyTransport, Inbox, Transport as _, TransportError};

use super::support::{Log, Peer, RawClient, append, connected, options, peer, vote, with_timeout};

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order() {
    let count = 10_000;
    let limits = TcpOptions { queue_messages_max: 20_000, ..options() };
    let [mut one, mut two] = connected(&limits).await;
    for id in 0..count {
        one.transport.send(vote(id, peer(1), peer(2)));
    }
    for id in 0..count {
        assert_eq!(two.next().await, vote(id, peer(1), peer(2)));
    }
}

#[tokio::test]
async fn ten_thousand_messages_of_all_sizes_arrive_unchanged() {
    let count = 10_000;
    let [mut one, mut two] = connected(&options()).await;
    let entries = vec![5; 70_000];
    let message = |id| {
        let size = usize::try_from(id * 7919).unwrap() % if id % 100 == 0 { 70_000 } else { 200 };
        append(id, peer(1), peer(2), &[&entries[..size], b"", &entries[..size / 2]])
    };
    let mut expected = 0;
    for id in 0..count {
        one.transport.send(message(id));
        // No more than the queue holds may be under way.
        let enough = if id + 1 == count { count } else { id.saturating_sub(50) };
        while expected < enough {
            assert_eq!(two.next().await, message(expected));
            expected += 1;
        }
    }
    assert_eq!(expected, count);
}

#[tokio::test]
async fn all_peers_connect_to_all() {
    let mut peers = [1, 2, 3].map(|number| Peer::plain(number, options()));
    let addresses = [0, 1, 2].map(|at: usize| (peers[at].name, peers[at].address()));
    for peer in &mut peers {
        for (name, address) in &addresses {
            peer.transport.set_address(*name, address);
        }
    }
    for (from, to) in [(0, 1), (1, 0), (1, 2), (2, 1), (2, 0), (0, 2)] {
        let [one, two] = peers.get_disjoint_mut([from, to]).unwrap();
        one.wait_connected(two).await;
    }
}

/// A peer at an address that was just given up.
async fn restarted(number: u64, address: &str) -> Peer {
    let transport = with_timeout(async {
        loop {
            match TcpTransport::plain(peer(number), address) {
                Ok(transport) => return transport,
                // The older one's socket goes with its task.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    Peer::start(number, transport.await.with(options()).expect("good settings"), 1024)
}

#[tokio::test]
async fn a_restarted_receiver_is_reconnected() {
    let log = Log::capture();
    let [mut one, mut two] = connected(&options()).await;
    let address = two.address();
    for _ in 0..3 {
        drop(two);
        two = restarted(2, &address).await;
        one.wait_connected(&mut two).await;
        // What was sent to the older one is not sent again.
        one.transport.send(vote(1, peer(1), peer(2)));
        assert_eq!(two.next().await.id.number(), 1);
    }
    assert!(log.warnings().is_empty(), "a restart is nothing to warn of");
}

#[tokio::test]
async fn a_peer_is_reconnected_at_its_new_address() {
    let [mut one, mut two] = connected(&options()).await;
    let mut elsewhere = Peer::plain(2, options());
    one.set_peer(&elsewhere);
    one.wait_connected(&mut elsewhere).await;
    assert!(two.received.try_recv().is_err());
}

#[tokio::test]
async fn an_invalid_address_is_a_warning_and_an_absent_peer_is_not() {
    let log = Log::capture();
    let mut one = Peer::plain(1, options());
    let two = Peer::plain(2, options());
    let gone = two.address();
    drop(two);
    one.transport.set_address(peer(2), &gone);
    log.wait_for("no connection to peer").await;
    assert!(log.warnings().is_empty());
    one.transport.set_address(peer(3), "nowhere");
    log.wait_for("cannot send to peer").await;
    let warnings = log.warnings();
    assert!(warnings[0].contains("peer=3 address=\"nowhere\""), "{warnings:?}");
}

#[tokio::test]
async fn cuts_and_heals_work_over_tcp() {
    let faults = Faults::new(|| 0);
    let mut received = Vec::new();
    let transports = [1, 2].map(|number| {
        let inner = TcpTransport::plain(peer(number), "127.0.0.1:0").expect("a free port");
        let address = inner.local_address().to_string();
        let mut transport = FaultyTransport::new(inner, faults.clone());
        let (inbox, queue) = Inbox::new(64);
        transport.start(inbox).expect("it starts once");
        received.push(queue);
        (transport, address)
    });
    let [(mut one, _), (_two, address)] = transports;
    one.set_address(peer(2), &address);
    let mut arrives = async |id| {
        with_timeout(async {
            loop {
                one.send(vote(id, peer(1), peer(2)));
                let next = received[1].recv();
                if let Ok(next) = tokio::time::timeout(Duration::from_millis(5), next).await {
                    return next.expect("it is there").id.number();
                }
                if id == 2 {
                    return 0;
                }
            }
        })
        .await
    };
    assert_eq!(arrives(1).await, 1);
    faults.cut(peer(1), peer(2));
    while arrives(2).await != 0 {}
    assert_eq!(arrives(2).await, 0);
    faults.heal(peer(1), peer(2));
    assert_eq!(arrives(3).await, 3);
}

#[tokio::test]
async fn a_removed_peer_gets_no_message_until_it_is_added_again() {
    let log = Log::capture();
    let [mut one, mut two] = connected(&options()).await;
    one.transport.remove_peer(peer(2));
    one.transport.send(vote(1, peer(1), peer(2)));
    log.wait_for("incoming connection closed peer=1").await;
    assert!(two.received.is_empty());
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
}

#[tokio::test]
async fn a_newer_connection_of_a_peer_replaces_the_older() {
    let log = Log::capture();
    let two = Peer::plain(2, options());
    let older = RawClient::after_handshake(1, &two).await;
    let _newer = RawClient::after_handshake(1, &two).await;
    older.read_to_end().await;
    log.wait_for("the peer has connected again").await;
    assert!(log.warnings().is_empty());
}

#[tokio::test]
async fn dropping_the_transport_ends_its_connections() {
    let two = Peer::plain(2, options());
    let raw = RawClient::after_handshake(1, &two).await;
    let address = two.address();
    drop(two);
    raw.read_to_end().await;
    drop(restarted(2, &address).await);
}

#[tokio::test]
async fn a_taken_address_is_named_and_a_transport_starts_once() {
    let mut one = Peer::plain(1, options());
    let taken = TcpTransport::plain(peer(2), &one.address()).expect_err("it is taken").to_string();
    assert!(taken.starts_with(&format!("cannot listen on {}: ", one.address())), "{taken}");
    let (inbox, _received) = Inbox::new(1);
    assert!(matches!(one.transport.start(inbox), Err(TransportError::Started)));
}
