//! The parts of a real run that all its peers share.

use std::sync::Arc;

use raft::verbose::Logger;
use tokio::runtime::Runtime;

use super::clock::RealClock;
use super::links::Links;
use super::service::ServiceRecords;
use super::sink::Elections;
use crate::case::Settings;

/// State shared by all peers.
pub(super) struct RunContext {
    /// The number of the first peer: groups of one run have peers with other numbers each.
    pub(super) first_peer: usize,
    pub(super) seed: u64,
    pub(super) settings: Settings,
    pub(super) runtime: Arc<Runtime>,
    pub(super) clock: RealClock,
    pub(super) links: Links,
    pub(super) records: ServiceRecords,
    pub(super) elections: Elections,
    pub(super) logger: Option<Logger>,
    /// The cluster's name: peers of other runs are refused.
    pub(super) cluster: String,
    /// Number of this world within the process.
    pub(super) number: usize,
}

impl RunContext {
    /// Address of a peer. On Linux every process has a loopback network of its own, so that a peer
    /// that is down keeps its address; elsewhere its ports follow from the process.
    pub(super) fn address(&self, server: usize) -> String {
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let port = self.number % WORLDS_MAX * PORTS_OF_A_WORLD + server;
        if cfg!(target_os = "linux") {
            return format!("127.{}.{middle}.{low}:{}", 1 + high % 254, PORT + port);
        }
        let process = usize::from(middle) << 8 | usize::from(low);
        format!("127.0.0.1:{}", PORT + (process % 30 * WORLDS_MAX * PORTS_OF_A_WORLD) + port)
    }
}

/// Above what systems reserve, below what they hand out by themselves.
const PORT: usize = 16_000;

/// Room for the largest scenario's peers.
const PORTS_OF_A_WORLD: usize = 8;

/// So many worlds of a process have addresses of their own.
const WORLDS_MAX: usize = 64;
