//! Metrics of the transport.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use raft::transport::Transport as _;
use raft::transport::tcp::metrics::NAMES;

use super::support::{Log, Peer, RawClient, options, peer, vote};

/// Keeps counters by their name and labels.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Counts {
    fn of(&self, name: &str) -> u64 {
        let counts = self.0.lock().expect("not poisoned");
        let counts = counts.iter().filter(|(key, _)| key.starts_with(name));
        counts.map(|(_, count)| count.load(Ordering::Relaxed)).sum()
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        assert!(NAMES.iter().any(|(known, ..)| *known == name.as_str()), "{name:?}");
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counts = self.0.lock().expect("not poisoned");
        Counter::from_arc(Arc::clone(counts.entry(format!("{} {key}", key.name())).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn bytes_drops_connections_and_rejections_are_counted() {
    let (counts, log) = (Counts::default(), Log::capture());
    let _here = set_default_local_recorder(&counts);
    let [mut one, mut two] = [1, 2].map(|number| Peer::plain(number, options()));
    one.set_peer(&two);
    one.transport.send(vote(1, peer(1), peer(2)));
    assert_eq!(counts.of("raft_tcp_dropped_messages_total"), 1, "it is not connected yet");
    one.wait_connected(&mut two).await;
    assert_eq!(counts.of("raft_tcp_connects_total"), 1);
    let (sent, received) = ("raft_tcp_sent_bytes_total", "raft_tcp_received_bytes_total");
    let before = counts.of(received);
    one.transport.send(vote(2, peer(1), peer(2)));
    two.next().await;
    let frame = 13 + raft::codec::encode(&vote(2, peer(1), peer(2))).len() as u64;
    assert_eq!(counts.of(received) - before, frame);
    assert!(counts.of(sent) >= frame);

    let mut raw = RawClient::connect(&two).await;
    raw.write(b"GET / HTTP/1.1").await;
    raw.read_to_end().await;
    log.wait_for("its first bytes belong to another protocol").await;
    assert_eq!(counts.of("raft_tcp_refusals_total"), 1);
}
