//! Transports that reorder messages: what it costs, and that late answers change nothing.

use std::time::Duration;

use raft::message::AppendEntriesReply;
use raft::{Config, Envelope, Input, Message, RoleName, codec};

use crate::cluster::{Cluster, peer};

/// The settings of `Config::new`.
fn defaults(config: &mut Config) {
    let plain = Config::new(config.id, config.peers.clone());
    *config = plain;
}

/// A generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// Traffic of a burst.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    requests: usize,
    bytes: usize,
}

impl Traffic {
    fn count(&mut self, envelope: &Envelope) {
        self.requests += usize::from(matches!(envelope.message, Message::AppendEntries(_)));
        self.bytes += codec::encode(envelope).len();
    }
}

/// Delivers the messages on the wire in any order, with these odds of a step before the next command.
fn deliver(cluster: &mut Cluster, random: &mut Random, traffic: &mut Traffic, until_empty: bool) {
    while !cluster.wire.is_empty() && (until_empty || random.below(3) > 0) {
        let at = random.below(cluster.wire.len());
        let envelope = cluster.wire.remove(at).expect("it is there");
        traffic.count(&envelope);
        let to = envelope.to;
        cluster.handle(to, Input::Receive(envelope));
        cluster.poll(to);
    }
}

/// The traffic of a burst of commands, each sent as soon as it is proposed. Messages arrive in order, or in an
/// order drawn from the seed.
fn burst(commands: usize, bytes: usize, order: Option<u64>) -> Traffic {
    let mut cluster = Cluster::with(3, defaults);
    cluster.elect(peer(0));
    cluster.deliver_all();
    let (mut random, mut traffic) = (Random(order.unwrap_or_default()), Traffic::default());
    for command in 0..commands {
        cluster.propose(peer(0), &vec![command as u8; bytes]);
        cluster.poll(peer(0));
        if order.is_some() {
            deliver(&mut cluster, &mut random, &mut traffic, false);
        }
    }
    if order.is_some() {
        deliver(&mut cluster, &mut random, &mut traffic, true);
    } else {
        while let Some(envelope) = cluster.wire.pop_front() {
            traffic.count(&envelope);
            let to = envelope.to;
            cluster.handle(to, Input::Receive(envelope));
            cluster.poll(to);
        }
    }
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    let last = cluster.node(peer(0)).log().last();
    assert_eq!(cluster.node(peer(0)).status().commit_index, last.index);
    for follower in [1, 2].map(peer) {
        assert_eq!(cluster.node(follower).log().last(), last);
    }
    traffic
}

#[test]
fn a_burst_costs_hardly_more_on_a_transport_that_reorders() {
    for (commands, bytes) in [(10, 100), (10, 5_000), (50, 100), (50, 8_000)] {
        let ordered = burst(commands, bytes, None);
        for seed in 0..50 {
            let found = burst(commands, bytes, Some(seed));
            assert!(
                5 * found.bytes <= 6 * ordered.bytes,
                "{commands} commands of {bytes} bytes, seed {seed}: {found:?}, in order {ordered:?}"
            );
        }
    }
}

/// The bound of TestCount2B of MIT's labs, which counts the calls for eleven commands.
#[test]
fn agreement_takes_no_more_requests_than_the_labs_allow_in_any_order() {
    for seed in 0..500 {
        let found = burst(11, 10, Some(seed));
        assert!(found.requests <= (10 + 1 + 3) * 3, "seed {seed}: {found:?}");
    }
}

/// Answers of before a disconnection arrive when the leader probes anew, and later.
#[test]
fn late_answers_change_nothing() {
    for follower_lags in [false, true] {
        let mut cluster = Cluster::with(3, defaults);
        cluster.elect(peer(0));
        cluster.deliver_all();
        let mut late: Vec<Envelope> = Vec::new();
        for command in 0..10_u8 {
            cluster.propose(peer(0), &[command; 100]);
            cluster.poll(peer(0));
            if follower_lags && command % 2 == 0 {
                cluster.wire.retain(|envelope| envelope.to != peer(1));
            }
            while let Some(envelope) = cluster.wire.pop_front() {
                let to = envelope.to;
                if envelope.from == peer(1) {
                    late.push(envelope);
                } else {
                    cluster.handle(to, Input::Receive(envelope));
                    cluster.poll(to);
                }
            }
        }
        assert!(!late.is_empty());
        // The pipeline counts as lost; the probe is answered at once.
        cluster.advance(Duration::from_millis(50));
        cluster.deliver_all();
        let sent = |cluster: &mut Cluster| {
            cluster.poll(peer(0));
            let entries = |envelope: &Envelope| {
                let Message::AppendEntries(append) = &envelope.message else { return 0 };
                append.slice.entries().len()
            };
            cluster.wire.drain(..).map(|envelope| entries(&envelope)).sum::<usize>()
        };
        let rejections = late.iter().filter(|envelope| {
            let reply = &envelope.message;
            matches!(reply, Message::AppendEntriesReply(AppendEntriesReply::Rejected { .. }))
        });
        assert_eq!(rejections.count() > 0, follower_lags);
        for envelope in late {
            cluster.handle(peer(0), Input::Receive(envelope));
            assert_eq!(sent(&mut cluster), 0, "nothing is sent again");
        }
    }
}

/// Each message puts off the heartbeat, and none is answered while the one before it is missing.
#[test]
fn a_lost_message_is_sent_again_however_many_follow_it() {
    let mut cluster = Cluster::with(2, defaults);
    cluster.elect(peer(0));
    cluster.deliver_all();
    cluster.propose(peer(0), b"lost");
    cluster.take_sent(peer(0));
    for _ in 0..30 {
        cluster.advance(Duration::from_millis(4));
        cluster.propose(peer(0), b"x");
        cluster.deliver_all();
    }
    let last = cluster.node(peer(0)).log().last();
    assert_eq!(cluster.node(peer(0)).status().commit_index, last.index);
}
