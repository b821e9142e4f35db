//! A real peer as reports show it.

use std::fmt;

use raft::driver::Status;
use raft::{EntryId, Index, Term};
use serde_json::{Value, json};

use crate::sim::network::Connection;

/// A peer as the report shows it.
#[derive(Clone, Debug)]
pub struct RealPeerView {
    /// The peer's number.
    pub(super) number: usize,
    /// Status of the driver; `None` while the peer is down.
    pub(super) status: Option<Status>,
    /// The last index that its service has applied.
    pub(super) applied: Index,
    /// Durable term, last entry of the snapshot, and last entry of the log.
    pub(super) durable: (Term, EntryId, EntryId),
    pub(super) connection: Connection,
}

impl RealPeerView {
    pub(super) fn to_json(&self) -> Value {
        let (term, base, last) = self.durable;
        let node = self.status.as_ref().map(|status| {
            json!({
                "role": status.role.to_string(),
                "term": status.current_term.number(),
                "log": { "first": status.snapshot.next().number(), "last": status.last_log.number() },
                "commit": status.commit_index.number(),
            })
        });
        json!({
            "peer": self.number,
            "node": node,
            "applied": self.applied.number(),
            "disk": {
                "term": term.number(),
                "first": base.index.next().number(),
                "last": last.index.number(),
                "last_term": last.term.number(),
            },
            "connected": self.connection == Connection::Up,
        })
    }
}

impl fmt::Display for RealPeerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.status {
            Some(status) => {
                let log = format!("[{}..{}]", status.snapshot.next(), status.last_log);
                let (role, term, commit) = (status.role, status.current_term, status.commit_index);
                write!(f, "{role:<9} {term:<4} {commit:<6} {log:<14} ")?;
            }
            None => write!(f, "{:<36} ", "down")?,
        }
        let (term, base, last) = self.durable;
        let disk = format!("{term}/[{}..{last}]", base.index.next());
        let net = match self.connection {
            Connection::Up => "up",
            Connection::Cut => "cut",
        };
        write!(f, "{:<8} {disk:<19} {net}", self.applied)
    }
}
