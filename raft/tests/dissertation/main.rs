//! Tests of the sections of Diego Ongaro's dissertation *Consensus: Bridging Theory and Practice*,
//! and of bugs that other implementations had in them.

#![expect(clippy::unwrap_used, reason = "a test stops where its own set-up is wrong")]

mod check_quorum;
#[path = "../paper/cluster.rs"]
#[expect(dead_code, reason = "the tests of the paper need more of it")]
mod cluster;
mod follower_reads;
mod leases;
mod limits;
mod pre_vote;
mod reads;
mod transfer;

use std::time::Duration;

use raft::{CheckQuorum, Config, PreVote};

use self::cluster::Cluster;

/// The default settings.
fn default_protocol(config: &mut Config) {
    config.pre_vote = PreVote::On;
    config.check_quorum = CheckQuorum::On;
}

fn default_cluster(size: u64) -> Cluster {
    Cluster::with(size, default_protocol)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
