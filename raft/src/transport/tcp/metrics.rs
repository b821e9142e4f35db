//! The metrics of the transport, through the `metrics` facade: see [`NAMES`].
//!
//! Counters are registered when a peer is added or has connected: a recorder that is installed
//! later gets nothing.

use ::metrics::{Counter, Unit};

use crate::types::PeerId;

/// Every counter: name, unit and description. The label `peer` is the counting peer, and `other`
/// the peer at the other end.
pub const NAMES: [(&str, Unit, &str); 5] = [
    ("raft_tcp_sent_bytes_total", Unit::Bytes, "bytes of frames written to connections"),
    ("raft_tcp_received_bytes_total", Unit::Bytes, "bytes read from connections"),
    (
        "raft_tcp_dropped_messages_total",
        Unit::Count,
        "messages dropped: no connection, or a full queue",
    ),
    ("raft_tcp_connects_total", Unit::Count, "outgoing connections made"),
    ("raft_tcp_refusals_total", Unit::Count, "rejected incoming connections"),
];

fn counter(position: usize, me: PeerId, other: Option<PeerId>) -> Counter {
    let (name, unit, text) = NAMES[position];
    ::metrics::describe_counter!(name, unit, text);
    match other {
        Some(other) => {
            ::metrics::counter!(name, "peer" => me.to_string(), "other" => other.to_string())
        }
        None => ::metrics::counter!(name, "peer" => me.to_string()),
    }
}

/// Counters of one outgoing link.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) sent_bytes: Counter,
    pub(super) dropped: Counter,
    pub(super) connects: Counter,
}

impl Outgoing {
    pub(super) fn new(me: PeerId, other: PeerId) -> Self {
        let [sent_bytes, dropped, connects] =
            [0, 2, 3].map(|position| counter(position, me, Some(other)));
        Self { sent_bytes, dropped, connects }
    }
}

/// Bytes read from connections that `other` made.
pub(super) fn received_bytes(me: PeerId, other: PeerId) -> Counter {
    counter(1, me, Some(other))
}

/// Incoming connections rejected by `me`.
pub(super) fn rejected_connections(me: PeerId) -> Counter {
    counter(4, me, None)
}
