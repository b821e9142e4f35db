//! A peer whose process is paused: its system still accepts bytes and connections for it.

use std::time::Duration;

use raft::transport::Transport as _;
use raft::transport::tcp::TcpOptions;

use super::child_process::{Process, is_child};
use super::support::{Log, Peer, chunk, options, peer, vote, with_timeout};

#[tokio::test]
async fn a_paused_process_delays_no_other_peer_and_is_reconnected() {
    if is_child(&options()).await {
        return;
    }
    let log = Log::capture();
    let mut two = Process::start(
        "paused_process::a_paused_process_delays_no_other_peer_and_is_reconnected",
        2,
    );
    let options = TcpOptions {
        silence_max: Duration::from_millis(200),
        handshake_timeout: Duration::from_millis(500),
        queue_bytes_max: 1 << 20,
        ..options()
    };
    let [mut one, mut three] = [1, 3].map(|name| Peer::plain(name, options.clone()));
    one.transport.set_address(peer(2), &two.address().await);
    one.set_peer(&three);
    one.wait_connected(&mut three).await;
    assert_eq!(reaches(&mut one, &mut two, 1).await, 1);

    two.signal("STOP");
    let mut sent = 0;
    // Some systems detect it themselves, and may be first.
    let given_up = ["it accepted nothing for 200ms (`silence_max`)", "timed out"];
    let is_given_up = || given_up.iter().any(|reason| log.contains(reason));
    with_timeout(async {
        while !is_given_up() {
            sent += 1;
            for _ in 0..10 {
                one.transport.send(chunk(sent, peer(1), peer(2), 64 * 1024));
            }
            one.transport.send(vote(sent, peer(1), peer(3)));
            assert_eq!(three.next().await.id.number(), sent, "peer 3 is not delayed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(log.contains("message dropped: the queue is full"), "{sent} times 640 KiB were sent");
    // Its system accepts new connections, but the process does not answer.
    log.wait_for("no handshake within 500ms").await;

    two.signal("CONT");
    assert_eq!(reaches(&mut one, &mut two, u64::MAX).await, u64::MAX);
}

/// Sends a vote of this number until one of it arrives.
async fn reaches(one: &mut Peer, two: &mut Process, id: u64) -> u64 {
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    with_timeout(async {
        loop {
            tokio::select! {
                received = two.next_received() => if received == id { return received },
                _ = pause.tick() => one.transport.send(vote(id, peer(1), peer(2))),
            }
        }
    })
    .await
}
