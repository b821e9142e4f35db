//! The metrics of a node, through the `metrics` facade: see [`NAMES`].
//!
//! Instruments are registered once, when a node starts: a recorder that is installed later gets
//! nothing. Without a recorder each is an empty handle.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Unit};

use super::error::StopReason;
use crate::transport::RefusalKind;
use crate::types::PeerId;

/// Every instrument: name, unit and description. All have the label `peer`, `raft_stopped` also
/// `reason`, see [`StopReason::NAMES`], and so has `raft_links_refused`, see [`RefusalKind::name`].
pub const NAMES: [(&str, Unit, &str); 24] = [
    ("raft_commands_appended_total", Unit::Count, "commands appended by this leader"),
    ("raft_commands_refused_total", Unit::Count, "commands rejected before the append"),
    ("raft_entries_applied_total", Unit::Count, "entries applied to the state machine"),
    ("raft_reads_total", Unit::Count, "linearizable reads requested from this peer"),
    ("raft_messages_sent_total", Unit::Count, "messages passed to the transport"),
    ("raft_messages_received_total", Unit::Count, "messages received from the transport"),
    ("raft_disk_flushes_total", Unit::Count, "durable writes to the store"),
    ("raft_snapshots_total", Unit::Count, "snapshots made by the state machine"),
    ("raft_snapshot_failures_total", Unit::Count, "snapshots that failed or were too large"),
    ("raft_terms_refused_total", Unit::Count, "messages whose term no elections can have reached"),
    ("raft_term", Unit::Count, "the current term"),
    ("raft_is_leader", Unit::Count, "1 while the peer is leader, else 0"),
    ("raft_commit_index", Unit::Count, "the last index known to be committed"),
    ("raft_calls_waiting", Unit::Count, "pending calls"),
    ("raft_disk_stuck", Unit::Count, "1 while the disk does not answer in time, else 0"),
    ("raft_removed", Unit::Count, "1 once the peer's removal from the cluster is committed"),
    ("raft_stopped", Unit::Count, "1 once the node has stopped for this reason, else 0"),
    ("raft_store_new", Unit::Count, "1 while the peer has no vote as its store is new, else 0"),
    ("raft_terms_exhausted", Unit::Count, "1 while no term is left for an election, else 0"),
    ("raft_members_lost", Unit::Count, "members whose data is lost, as the leader sees them"),
    ("raft_links_refused", Unit::Count, "links whose handshakes fail for this reason"),
    ("raft_write_seconds", Unit::Seconds, "time from a command's append to its answer"),
    ("raft_apply_seconds", Unit::Seconds, "time from commit to apply, per batch of entries"),
    ("raft_disk_flush_seconds", Unit::Seconds, "time of a flush, from the first write it covers"),
];

/// The instruments of one node.
pub(super) struct Metrics {
    pub(super) appended: Counter,
    pub(super) rejected: Counter,
    pub(super) applied: Counter,
    pub(super) reads: Counter,
    pub(super) sent: Counter,
    pub(super) received: Counter,
    pub(super) flushes: Counter,
    pub(super) snapshots: Counter,
    pub(super) snapshot_failures: Counter,
    pub(super) terms_refused: Counter,
    pub(super) term: Gauge,
    pub(super) is_leader: Gauge,
    pub(super) commit_index: Gauge,
    pub(super) calls_waiting: Gauge,
    pub(super) disk_stuck: Gauge,
    pub(super) removed: Gauge,
    stopped: [Gauge; StopReason::NAMES.len()],
    pub(super) store_new: Gauge,
    pub(super) terms_exhausted: Gauge,
    pub(super) members_lost: Gauge,
    links_refused: [Gauge; RefusalKind::ALL.len()],
    pub(super) write: Histogram,
    pub(super) apply: Histogram,
    pub(super) flush: Histogram,
}

impl Metrics {
    pub(super) fn new(peer: PeerId) -> Self {
        let [
            appended,
            rejected,
            applied,
            reads,
            sent,
            received,
            flushes,
            snapshots,
            snapshot_failures,
            terms_refused,
            term,
            is_leader,
            commit_index,
            calls_waiting,
            disk_stuck,
            removed,
            stopped,
            store_new,
            terms_exhausted,
            members_lost,
            links_refused,
            write,
            apply,
            flush,
        ] = NAMES;
        let peer = peer.to_string();
        let counter = |(name, unit, text): (&'static str, Unit, &'static str)| {
            metrics::describe_counter!(name, unit, text);
            metrics::counter!(name, "peer" => peer.clone())
        };
        let gauge = |(name, unit, text): (&'static str, Unit, &'static str)| {
            metrics::describe_gauge!(name, unit, text);
            metrics::gauge!(name, "peer" => peer.clone())
        };
        let gauge_of = |(name, unit, text): (&'static str, Unit, &'static str), reason| {
            metrics::describe_gauge!(name, unit, text);
            metrics::gauge!(name, "peer" => peer.clone(), "reason" => reason)
        };
        let histogram = |(name, unit, text): (&'static str, Unit, &'static str)| {
            metrics::describe_histogram!(name, unit, text);
            metrics::histogram!(name, "peer" => peer.clone())
        };
        Self {
            appended: counter(appended),
            rejected: counter(rejected),
            applied: counter(applied),
            reads: counter(reads),
            sent: counter(sent),
            received: counter(received),
            flushes: counter(flushes),
            snapshots: counter(snapshots),
            snapshot_failures: counter(snapshot_failures),
            terms_refused: counter(terms_refused),
            term: gauge(term),
            is_leader: gauge(is_leader),
            commit_index: gauge(commit_index),
            calls_waiting: gauge(calls_waiting),
            disk_stuck: gauge(disk_stuck),
            removed: gauge(removed),
            stopped: StopReason::NAMES.map(|reason| gauge_of(stopped, reason)),
            links_refused: RefusalKind::ALL.map(|kind| gauge_of(links_refused, kind.name())),
            store_new: gauge(store_new),
            terms_exhausted: gauge(terms_exhausted),
            members_lost: gauge(members_lost),
            write: histogram(write),
            apply: histogram(apply),
            flush: histogram(flush),
        }
    }
}

impl Metrics {
    /// Notes the node's start, for a process that starts it again.
    pub(super) fn start(&self) {
        self.stopped.iter().chain([&self.removed]).for_each(|gauge| gauge.set(0.0));
        self.set_links_refused([0; RefusalKind::ALL.len()]);
    }

    /// Sets the number of links that fail, of each kind.
    pub(super) fn set_links_refused(&self, counts: [u32; RefusalKind::ALL.len()]) {
        for (gauge, count) in self.links_refused.iter().zip(counts) {
            gauge.set(f64::from(count));
        }
    }

    /// Notes the node's end, and that it neither leads nor serves any more.
    pub(super) fn stop(&self, reason: &str) {
        for (name, gauge) in StopReason::NAMES.iter().zip(&self.stopped) {
            gauge.set(f64::from(u8::from(*name == reason)));
        }
        for gauge in [&self.is_leader, &self.calls_waiting, &self.disk_stuck] {
            gauge.set(0.0);
        }
    }
}

/// Seconds, as instruments take them.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
