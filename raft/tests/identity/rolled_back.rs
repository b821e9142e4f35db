//! Stores that lost their last writes without a trace: a disk that lied, or an old copy put back.

use raft::message::AppendEntriesReply;
use raft::progress::LossKind;
use raft::{Envelope, Input, Message};

use crate::cluster::{Cluster, peer};
use crate::{committed, formed, identified, loss, reseeding, run};

/// A follower that has acknowledged entries is put back to its disk of before.
fn rolled_back(change: fn(&mut raft::Config)) -> Cluster {
    let mut cluster = formed(change);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let copy = cluster.peers[&peer(1)].stored.clone();
    cluster.commit(peer(0), b"y");
    cluster.commit(peer(0), b"z");
    cluster.restart_from(peer(1), copy);
    cluster
}

#[test]
fn a_store_without_acknowledged_entries_counts_no_longer_and_is_served() {
    for change in [identified as fn(&mut raft::Config), |_| {}] {
        let mut cluster = rolled_back(change);
        run(&mut cluster);
        assert_eq!(loss(&cluster, 0, 1), Some(LossKind::RolledBack));
        assert_eq!(committed(&cluster, 1), committed(&cluster, 0), "it gets the entries again");
        let before = committed(&cluster, 0);
        cluster.cut(peer(2));
        cluster.propose(peer(0), b"more");
        cluster.deliver_all();
        assert_eq!(committed(&cluster, 0), before, "its acknowledgements are worth nothing");
    }
}

#[test]
fn a_late_rejection_is_no_loss() {
    let mut cluster = formed(identified);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    // Peer 1 misses an entry, rejects the next one, and is brought up to date.
    cluster.cut(peer(1));
    cluster.commit(peer(0), b"y");
    cluster.heal(peer(1));
    cluster.propose(peer(0), b"z");
    let mut rejections: Vec<Envelope> = Vec::new();
    cluster.poll_all();
    while let Some(envelope) = cluster.wire.pop_front() {
        let reply = &envelope.message;
        if matches!(reply, Message::AppendEntriesReply(AppendEntriesReply::Rejected { .. })) {
            rejections.push(envelope.clone());
        }
        let to = envelope.to;
        cluster.handle(to, Input::Receive(envelope));
        cluster.poll(to);
    }
    assert!(!rejections.is_empty());
    for _ in 0..3 {
        run(&mut cluster);
        for late in rejections.clone() {
            cluster.handle(peer(0), Input::Receive(late));
        }
    }
    run(&mut cluster);
    assert_eq!(loss(&cluster, 0, 1), None);
    assert_eq!(committed(&cluster, 1), committed(&cluster, 0));
}

#[test]
fn a_leader_reseeds_a_store_that_was_put_back_if_it_may() {
    let mut cluster = rolled_back(reseeding);
    run(&mut cluster);
    run(&mut cluster);
    assert_eq!(loss(&cluster, 0, 1), None);
    assert_eq!(cluster.node(peer(0)).membership().to_string(), "voters 0 1 2");
    assert!(cluster.node(peer(0)).membership_index().number() > 3, "it was a learner meanwhile");
    cluster.cut(peer(2));
    cluster.commit(peer(0), b"more");
}
