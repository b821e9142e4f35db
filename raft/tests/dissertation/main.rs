//! What the library does beyond the paper, by the sections of Diego Ongaro's dissertation
//! *Consensus: Bridging Theory and Practice*, cited as "dissertation", and what other implementations of
//! it have got wrong.

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

use raft::{CheckQuorum, Config, PreVote};

/// The settings somebody has who changes nothing.
fn as_deployed(config: &mut Config) {
    config.pre_vote = PreVote::On;
    config.check_quorum = CheckQuorum::On;
}
