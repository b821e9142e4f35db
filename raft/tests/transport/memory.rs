//! The network inside one process.

use raft::transport::memory::Hub;
use raft::transport::{Inbox, Transport};

use super::support::{peer, vote};

#[test]
fn messages_arrive_in_order_at_their_receiver() {
    let hub = Hub::default();
    let mut sender = hub.join(peer(1));
    let mut received = [2, 3].map(|name| {
        let mut transport = hub.join(peer(name));
        let (inbox, received) = Inbox::new(100);
        transport.start(inbox).unwrap();
        (transport, received)
    });
    for id in 0..100 {
        sender.send(vote(id, peer(1), peer(2 + id % 2)));
    }
    for (position, (_, received)) in received.iter_mut().enumerate() {
        let ids: Vec<_> =
            std::iter::from_fn(|| received.try_recv().ok()).map(|e| e.id.number()).collect();
        let expected: Vec<_> = (0..100).filter(|id| id % 2 == position as u64).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn undeliverable_messages_are_lost() {
    let hub = Hub::default();
    let mut sender = hub.join(peer(1));
    sender.send(vote(1, peer(1), peer(2)));

    let mut receiver = hub.join(peer(2));
    let (inbox, mut received) = Inbox::new(1);
    receiver.start(inbox).unwrap();
    sender.send(vote(2, peer(1), peer(2)));
    sender.send(vote(3, peer(1), peer(2)));
    assert_eq!(received.try_recv().map(|envelope| envelope.id.number()), Ok(2));
    assert!(received.try_recv().is_err(), "the queue held one message");

    drop(received);
    sender.send(vote(4, peer(1), peer(2)));
}

#[test]
fn a_restarted_peer_gets_its_messages_although_the_old_transport_ends_later() {
    let hub = Hub::default();
    let mut sender = hub.join(peer(1));
    let (mut before, mut after) = (hub.join(peer(2)), hub.join(peer(2)));
    let (inbox, mut old) = Inbox::new(8);
    before.start(inbox).unwrap();
    let (inbox, mut new) = Inbox::new(8);
    after.start(inbox).unwrap();
    drop(before);
    sender.send(vote(1, peer(1), peer(2)));
    assert!(old.try_recv().is_err());
    assert_eq!(new.try_recv().map(|envelope| envelope.id.number()), Ok(1));

    drop(after);
    sender.send(vote(2, peer(1), peer(2)));
    assert!(new.try_recv().is_err(), "a peer that has ended is not there");
}
