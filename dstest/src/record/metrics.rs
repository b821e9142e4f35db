//! x

use serde::{Deserialize, Serialize};

/// What a lab test reports of itself in its `... Passed --` line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Seconds the cluster believes it ran (virtual or real).
    pub cluster_s: f64,
    /// Peers in the cluster.
    pub peers: u64,
    /// Messages sent.
    pub rpcs: u64,
    /// Bytes sent, where they are counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// Commands committed.
    pub commands: u64,
}
