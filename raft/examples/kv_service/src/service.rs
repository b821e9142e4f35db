//! The requests of clients, and the service until its end.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use raft::driver::{Outcome, RunState, WriteError};
use raft::{PeerId, Raft, Standing};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::http::{self, Deadlines};
use crate::state_machine::{Answer, Store, Write};

/// State shared by all requests.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) raft: Raft<Store>,
    /// The peers' HTTP addresses.
    pub(crate) http: Arc<BTreeMap<PeerId, String>>,
}

/// The query parameters of a write.
#[derive(Deserialize)]
struct WriteQuery {
    #[serde(rename = "if")]
    only_if: Option<String>,
    client: Option<u64>,
    serial: Option<u64>,
}

type KeyRequest = (Path<String>, Uri, State<Service>);

async fn read(Path(key): Path<String>, State(service): State<Service>) -> Response {
    match service.raft.read(move |store| store.values.get(&key).cloned()).await {
        Ok(Some(value)) => value.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no such key\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn put(request: KeyRequest, Query(query): Query<WriteQuery>, value: String) -> Response {
    write(request, query, Some(value)).await
}

async fn delete(request: KeyRequest, Query(query): Query<WriteQuery>) -> Response {
    write(request, query, None).await
}

async fn write(
    (Path(key), uri, State(service)): KeyRequest,
    WriteQuery { only_if, client, serial }: WriteQuery,
    value: Option<String>,
) -> Response {
    let session = client.zip(serial);
    if session.is_none() && (client.is_some() || serial.is_some()) {
        return (StatusCode::BAD_REQUEST, "client and serial must be given together\n")
            .into_response();
    }
    match service.raft.propose(Write { key, value, only_if, session }).await {
        Ok(Answer::Done { before }) => Json(json!({ "before": before })).into_response(),
        Ok(Answer::ConditionFailed { before }) => {
            (StatusCode::PRECONDITION_FAILED, Json(json!({ "before": before }))).into_response()
        }
        Ok(Answer::StaleSerial) => (StatusCode::CONFLICT, "stale serial\n").into_response(),
        Ok(Answer::SessionEnded) => {
            (StatusCode::GONE, "the session has ended: take a higher client number\n")
                .into_response()
        }
        Err(WriteError::NotLeader { leader: Some(leader), .. }) => service.redirect(leader, &uri),
        Err(error) => {
            let code = match (&error, error.outcome()) {
                (WriteError::TooLarge { .. }, _) => StatusCode::PAYLOAD_TOO_LARGE,
                (_, Outcome::Never) => StatusCode::SERVICE_UNAVAILABLE,
                (_, Outcome::Unknown) => StatusCode::GATEWAY_TIMEOUT,
            };
            (code, format!("{error}\n")).into_response()
        }
    }
}

async fn status(State(service): State<Service>) -> Json<Value> {
    let status = service.raft.status();
    let peers = status.peers.iter().map(|peer| {
        let (matched, next) = (peer.match_index.number(), peer.next_index.number());
        let lost = peer.loss.is_some();
        (peer.id.to_string(), json!({ "match": matched, "next": next, "lost": lost }))
    });
    let is_new = status.store.is_some_and(|store| store.standing == Standing::New);
    Json(json!({
        "id": status.id.number(),
        "role": status.role.as_str(),
        "member": format!("{:?}", status.member).to_lowercase(),
        "voters": numbers(status.membership.voters()),
        "outgoing": status.membership.outgoing().map(numbers),
        "store": if is_new { "new" } else { "confirmed" },
        "waits_for": numbers(&status.waits_for),
        "refused_by": status.refused.map(|refusal| refusal.by.number()),
        "state": status.run.to_string(),
        "term": status.current_term.number(),
        "leader": status.leader.map(PeerId::number),
        "commit": status.commit_index.number(),
        "applied": status.last_applied.number(),
        "peers": peers.collect::<serde_json::Map<_, _>>(),
    }))
}

fn numbers(peers: &BTreeSet<PeerId>) -> Vec<u64> {
    peers.iter().map(|peer| peer.number()).collect()
}

impl Service {
    fn redirect(&self, leader: PeerId, uri: &Uri) -> Response {
        match self.http.get(&leader) {
            Some(address) => Redirect::temporary(&format!("http://{address}{uri}")).into_response(),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }

    /// Serves requests until the process is stopped or the node stops.
    pub(crate) async fn serve(self, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        let app = Router::new()
            .route("/keys/{key}", get(read).put(put).delete(delete))
            .route("/status", get(status))
            .with_state(self.clone());
        let mut terminate = signal(SignalKind::terminate())?;
        let raft = self.raft.clone();
        let end = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
                () = stopped(&raft) => return,
            }
            // Transfers leadership before the shutdown, so that clients need not wait for an
            // election. Only a leader knows the others' progress; a failed transfer does not delay
            // the shutdown further.
            let best = raft.status().peers.into_iter().max_by_key(|peer| peer.match_index);
            if let Some(best) = best {
                let _ = raft.transfer_leadership(best.id).await;
            }
        };
        http::serve(listener, app, Deadlines::DEFAULT, end).await;
        let reason = self.raft.status().run;
        self.raft.shutdown().await;
        match reason {
            RunState::Running => Ok(()),
            RunState::Stopped(reason) => Err(format!("the node has stopped: {reason}").into()),
        }
    }
}

/// Waits until the node has stopped.
async fn stopped(raft: &Raft<Store>) {
    // The sender lives as long as the handle.
    let _ = raft.watch().wait_for(|status| matches!(status.run, RunState::Stopped(_))).await;
}
