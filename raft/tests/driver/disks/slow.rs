//! Writes that take time.

use std::sync::{Arc, Mutex};

use super::{Behaviour, Disk, DiskControl, NOT_POISONED, counters_on_disks, no_disk_timeout};
use crate::support::{Add, Cluster, TEST_TIMEOUT};

#[tokio::test]
async fn commands_commit_on_slow_disks() {
    let (cluster, _switches) = counters_on_disks(no_disk_timeout()).await;
    let leader = cluster.leader().await;
    let calls: Vec<_> = (0..500).map(|_| leader.propose(Add(1))).collect();
    for (position, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("it leads"), position as u64 + 1);
    }
}

#[tokio::test]
async fn writes_during_a_flush_share_the_next_flush() {
    let control = DiskControl::new();
    let flushes = Arc::new(Mutex::new(Vec::new()));
    let cluster = Cluster::start_with(1, no_disk_timeout(), |_, store| {
        let mut disk = Disk::new(store, control.clone());
        disk.flushes = Arc::clone(&flushes);
        disk
    })
    .await;
    let raft = cluster.leader().await;
    raft.propose(Add(1)).await.expect("it leads");
    control.set(Behaviour::Stuck);
    flushes.lock().expect(NOT_POISONED).clear();
    let mut calls = Vec::new();
    for expected in 1..=20 {
        // Each in a write of its own: the node takes it before the next one comes.
        let last_log = raft.status().last_log;
        calls.push(raft.propose(Add(1)));
        let taken = raft.wait(|status| status.last_log > last_log, TEST_TIMEOUT).await;
        assert_eq!(taken.expect("it leads").last_log, last_log.next(), "call {expected}");
    }
    control.set(Behaviour::Healthy);
    for call in calls {
        call.await.expect("the disk came back before it was given up");
    }
    let flushes = flushes.lock().expect(NOT_POISONED);
    assert_eq!(flushes.iter().sum::<usize>(), 20, "{flushes:?}");
    assert!(flushes.len() <= 2, "the first write, then all others at once: {flushes:?}");
}
