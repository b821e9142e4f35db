//! The end of a node whose disk is busy.

use raft::driver::{Outcome, Settings};
use raft::storage::Storage as _;

use super::{Behaviour, Disk, DiskControl, no_disk_timeout};
use crate::support::{Add, Cluster, TEST_TIMEOUT};

#[tokio::test]
async fn a_stuck_disk_delays_a_shutdown_by_the_shutdown_timeout_at_most() {
    let control = DiskControl::new();
    let cluster =
        Cluster::start_with(1, no_disk_timeout(), |_, store| Disk::new(store, control.clone()))
            .await;
    let raft = cluster.leader().await;
    control.set(Behaviour::Stuck);
    let call = raft.propose(Add(1));
    tokio::time::timeout(TEST_TIMEOUT, raft.shutdown()).await.expect("the wait is limited");
    let error = call.await.expect_err("the node has ended");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    control.set(Behaviour::Healthy);
}

#[tokio::test]
async fn a_shutdown_writes_the_queue_and_a_kill_does_not() {
    for (killed, expected) in [(false, 2), (true, 1)] {
        let control = DiskControl::new();
        let settings = Settings { shutdown_timeout: TEST_TIMEOUT, ..no_disk_timeout() };
        let cluster =
            Cluster::start_with(1, settings, |_, store| Disk::new(store, control.clone())).await;
        let raft = cluster.leader().await;
        control.set(Behaviour::Stuck);
        let mut calls = Vec::new();
        for _ in 0..2 {
            let last_log = raft.status().last_log;
            calls.push(raft.propose(Add(1)));
            raft.wait(|status| status.last_log > last_log, TEST_TIMEOUT).await.expect("it leads");
            // The first one is on its way to the disk, and the second one is behind it.
            control.held().await;
        }
        let end = async { if killed { raft.kill().await } else { raft.shutdown().await } };
        let release = async {
            let ended = calls.pop().expect("two calls").await;
            ended.expect_err("the node ends");
            control.set(Behaviour::Healthy);
        };
        tokio::join!(end, release);
        let stored = cluster.stores[0].clone().load().expect("it is in memory");
        let commands = stored.entries.iter().filter(|e| !e.payload.bytes().is_empty()).count();
        assert_eq!(commands, expected, "killed: {killed}");
    }
}
