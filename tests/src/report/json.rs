//! The report as JSON, for programs: what a failed run leaves in its directory as `report.json`.

use raft::RoleName;
use serde_json::{Value, json};

use super::failure::FailureReport;
use crate::failure::Failure;
use crate::sim::network::Connection;
use crate::world::PeerView;

/// The version of the form.
const SCHEMA: u32 = 1;

impl FailureReport {
    /// Everything in it; `signature` and `text` are what dstest shows.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let peers: Vec<Value> = self.peers.iter().map(peer).collect();
        json!({
            "schema": SCHEMA,
            "test": self.name,
            "part": self.part.to_string(),
            "seed": self.seed,
            "at_us": self.at.as_nanos() / 1000,
            "event": self.events,
            "trace": self.trace.to_string(),
            "second_run": self.evidence.as_ref().map(|evidence| {
                evidence.difference.clone().unwrap_or_else(|| "same".to_owned())
            }),
            "failure": failure(&self.failure),
            "peers": peers,
            "causes": self.evidence.as_ref().map(|evidence| &evidence.causes),
            "replay": self.replay(),
            "build": self.build(),
            "signature": self.failure.headline(),
            "text": self.to_string(),
        })
    }
}

fn failure(failure: &Failure) -> Value {
    json!({ "kind": failure.signature(), "text": failure.to_string() })
}

fn peer(view: &PeerView) -> Value {
    let node = view.status.zip(view.log).map(|(status, (base, last))| {
        json!({
            "role": role(status.role),
            "term": status.current_term.number(),
            "vote": status.voted_for.map(raft::PeerId::number),
            "log": {
                "first": base.index.next().number(),
                "last": last.index.number(),
                "last_term": last.term.number(),
            },
            "commit": status.commit_index.number(),
        })
    });
    json!({
        "peer": view.peer.number(),
        "node": node,
        "applied": view.service.number(),
        "disk": {
            "term": view.disk_term.number(),
            "last": view.disk_last.index.number(),
            "last_term": view.disk_last.term.number(),
            "pending_writes": view.disk_pending,
        },
        "connected": view.connection == Connection::Up,
    })
}

fn role(role: RoleName) -> String {
    role.to_string()
}
