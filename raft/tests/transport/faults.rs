//! Cuts, loss and delay on a network inside one process.

use std::time::Duration;

use raft::Envelope;
use raft::transport::memory::{Hub, MemoryTransport};
use raft::transport::{
    Delivery, FaultPolicy, Faults, FaultyTransport, Inbox, LinkFaults, LinkState, Transport,
};
use tokio::sync::mpsc;

use super::support::{peer, vote, with_timeout};

struct Endpoint<F = Faults> {
    transport: FaultyTransport<MemoryTransport, F>,
    received: mpsc::Receiver<Envelope>,
}

/// Two peers, 1 and 2, and the faults between them.
fn pair(random: impl FnMut() -> u64 + Send + 'static) -> (Faults, [Endpoint; 2]) {
    let (hub, faults) = (Hub::default(), Faults::new(random));
    let ends = [1, 2].map(|name| {
        let (inbox, received) = Inbox::new(1024);
        let mut transport = FaultyTransport::new(hub.join(peer(name)), faults.clone());
        transport.start(inbox).expect("a hub accepts every peer");
        Endpoint { transport, received }
    });
    (faults, ends)
}

async fn next<F>(end: &mut Endpoint<F>) -> u64 {
    with_timeout(end.received.recv()).await.expect("it is open").id.number()
}

#[tokio::test]
async fn a_cut_drops_messages_in_flight_and_messages_sent_during_it() {
    let (faults, [mut one, mut two]) = pair(|| 0);
    one.transport.send(vote(1, peer(1), peer(2)));
    assert_eq!(next(&mut two).await, 1);

    // The receiving task has not run yet, so the message is in flight.
    one.transport.send(vote(2, peer(1), peer(2)));
    faults.cut(peer(1), peer(2));
    one.transport.send(vote(3, peer(1), peer(2)));
    two.transport.send(vote(4, peer(2), peer(1)));
    yield_to_tasks().await;
    faults.heal(peer(1), peer(2));
    one.transport.send(vote(5, peer(1), peer(2)));
    two.transport.send(vote(6, peer(2), peer(1)));
    assert_eq!((next(&mut two).await, next(&mut one).await), (5, 6));

    // A message sent during a cut is lost, even if it was not received before the cut ended.
    faults.cut(peer(1), peer(2));
    one.transport.send(vote(7, peer(1), peer(2)));
    faults.heal(peer(1), peer(2));
    one.transport.send(vote(8, peer(1), peer(2)));
    assert_eq!(next(&mut two).await, 8);
}

/// Lets every other task of this thread run until it waits.
async fn yield_to_tasks() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_direction_can_be_cut_alone() {
    let (faults, [mut one, mut two]) = pair(|| 0);
    faults.cut_one_way(peer(1), peer(2));
    one.transport.send(vote(1, peer(1), peer(2)));
    two.transport.send(vote(2, peer(2), peer(1)));
    assert_eq!(next(&mut one).await, 2);
    faults.clear();
    one.transport.send(vote(3, peer(1), peer(2)));
    assert_eq!(next(&mut two).await, 3);
}

#[tokio::test]
async fn losses_follow_the_random_source() {
    // Every third draw is below a half.
    let mut draws = [0, u64::MAX, u64::MAX].into_iter().cycle();
    let (faults, [mut one, mut two]) = pair(move || draws.next().unwrap());
    let half = LinkFaults { loss: 0.5, ..LinkFaults::NONE };
    faults.set_link_faults(peer(1), peer(2), half);
    for id in 1..=5 {
        one.transport.send(vote(id, peer(1), peer(2)));
    }
    // A message that passes draws a second time, for its delay.
    assert_eq!([next(&mut two).await, next(&mut two).await], [2, 4]);
}

#[tokio::test(start_paused = true)]
async fn delayed_messages_are_reordered_and_dropped_by_a_cut() {
    // A draw for the loss, then one for the delay.
    let mut draws = [0, u64::MAX, 0, 0, 0, u64::MAX].into_iter();
    let (faults, [mut one, mut two]) = pair(move || draws.next().unwrap());
    let delay = Duration::from_millis(10)..=Duration::from_millis(500);
    faults.set_link_faults(peer(1), peer(2), LinkFaults { delay, ..LinkFaults::NONE });
    let start = tokio::time::Instant::now();
    one.transport.send(vote(1, peer(1), peer(2)));
    one.transport.send(vote(2, peer(1), peer(2)));
    assert_eq!(next(&mut two).await, 2);
    assert_eq!(start.elapsed().as_millis(), 10);
    assert_eq!(next(&mut two).await, 1);

    one.transport.send(vote(3, peer(1), peer(2)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    faults.cut(peer(1), peer(2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(two.received.is_empty(), "the cut came before it did");
}

/// Duplicates every message a second later.
#[derive(Clone)]
struct Duplicating;

impl FaultPolicy for Duplicating {
    fn on_send(&self, _: &Envelope) -> LinkState {
        LinkState::Open
    }

    fn on_receive(&self, _: &Envelope) -> Delivery {
        Delivery::Twice(Duration::ZERO, Duration::from_secs(1))
    }

    fn on_delayed(&self, envelope: &Envelope) -> LinkState {
        if envelope.id.number() == 2 { LinkState::Cut } else { LinkState::Open }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_policy_may_duplicate_messages_and_drop_the_copy() {
    let hub = Hub::default();
    let (inbox, received) = Inbox::new(8);
    let mut two =
        Endpoint { transport: FaultyTransport::new(hub.join(peer(2)), Duplicating), received };
    two.transport.start(inbox).expect("a hub accepts every peer");
    let mut one = FaultyTransport::new(hub.join(peer(1)), Duplicating);
    let start = tokio::time::Instant::now();
    one.send(vote(1, peer(1), peer(2)));
    one.send(vote(2, peer(1), peer(2)));
    let first = [next(&mut two).await, next(&mut two).await];
    assert_eq!((first, start.elapsed()), ([1, 2], Duration::ZERO));
    assert_eq!((next(&mut two).await, start.elapsed().as_secs()), (1, 1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(two.received.is_empty(), "the second of the second was caught");
}
