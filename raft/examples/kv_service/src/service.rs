//! The requests of clients, and the service until its end.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use raft::driver::{Outcome, WriteError};
use raft::{PeerId, Raft, Standing};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http;
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
            // As the client wrote it, for a decoded key may mean another path, but for a host that it
            // names.
            Some(address) => {
                let target = uri.path_and_query().map_or("/", |target| target.as_str());
                Redirect::temporary(&format!("http://{address}{target}")).into_response()
            }
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }

    /// Serves requests until the process is stopped or the node stops.
    pub(crate) async fn serve(self, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        let app = Router::new()
            .route("/keys/{key}", get(read).put(put).delete(delete))
            .route("/status", get(status))
            .with_state(self.clone());
        http::serve_peer(&self.raft, listener, app).await
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use raft::storage::MemoryStorage;
    use raft::transport::memory::Hub;

    use super::*;
    use crate::client::{HANG, exchange};

    /// Three peers in this process, which serve HTTP.
    struct Cluster {
        rafts: Vec<Raft<Store>>,
        servers: Vec<SocketAddr>,
    }

    impl Cluster {
        async fn start() -> Self {
            let (hub, mut listeners, mut servers) = (Hub::default(), Vec::new(), Vec::new());
            for _ in 1..=3 {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                servers.push(listener.local_addr().expect("it is bound"));
                listeners.push(listener);
            }
            let addresses = servers.iter().map(ToString::to_string);
            let http: BTreeMap<_, _> = (1..).map(PeerId::new).zip(addresses).collect();
            let (http, mut rafts) = (Arc::new(http), Vec::new());
            for (id, listener) in (1..).zip(listeners) {
                let peers = (1..=3).map(|id| (id, format!("peer-{id}")));
                let raft = Raft::builder(id)
                    .peers(peers)
                    .transport(hub.join(PeerId::new(id)))
                    .storage(MemoryStorage::default())
                    .state_machine(Store::default());
                let raft = raft.start().await.expect("it is in memory");
                let service = Service { raft: raft.clone(), http: Arc::clone(&http) };
                tokio::spawn(async move {
                    service.serve(listener).await.map_err(|error| error.to_string())
                });
                rafts.push(raft);
            }
            Self { rafts, servers }
        }

        /// The server of a peer that follows a leader.
        async fn follower(&self) -> SocketAddr {
            let is_led = |status: &raft::driver::Status| status.leader.is_some();
            let led = self.rafts[0].wait(is_led, HANG).await.expect("an election");
            let at = usize::from(led.leader == Some(PeerId::new(1)));
            let is_led_by_another =
                |status: &raft::driver::Status| status.leader.is_some_and(|it| it != status.id);
            self.rafts[at].wait(is_led_by_another, HANG).await.expect("it follows");
            self.servers[at]
        }

        /// Writes through a follower, and goes where that says.
        async fn write(&self, target: &str, value: &str) {
            let mut server = self.follower().await;
            let mut target = target.to_owned();
            let written = async {
                loop {
                    let answer = exchange(server, "PUT", &target, value).await;
                    if answer.starts_with("HTTP/1.1 200 ") {
                        return;
                    }
                    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
                    if let Some(location) = location {
                        let rest = location.strip_prefix("http://").expect("a URL");
                        let (host, path) = rest.split_once('/').expect("a path");
                        server = host.parse().expect("the address of a peer, not of another host");
                        target = format!("/{path}");
                    }
                    // There may be an election.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(HANG, written).await.expect("it is written");
        }
    }

    #[tokio::test]
    async fn a_redirected_write_changes_its_key_and_no_other() {
        let cluster = Cluster::start().await;
        let rows = [
            ("/keys/a%3Fb", "a?b"),
            ("/keys/a%3Fif=", "a?if="),
            ("/keys/a%23b", "a#b"),
            ("/keys/a%2Fb", "a/b"),
            ("/keys/%2E%2E%2Fstatus", "../status"),
            ("/keys/a%0D%0Ab", "a\r\nb"),
            ("/keys/%25", "%"),
            ("/keys/a%2525", "a%25"),
            ("/keys/a?x=%3F", "a"),
            ("/keys/c?client=1&serial=1", "c"),
            ("http://elsewhere.example/keys/d", "d"),
        ];
        for (target, key) in rows {
            cluster.write(target, key).await;
        }
        let copy = |store: &Store| {
            store.values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let values: BTreeMap<_, _> = cluster.rafts[0].read(copy).await.expect("it reads");
        let expected = rows.map(|(_, key)| (key.to_owned(), key.to_owned()));
        assert_eq!(values, BTreeMap::from(expected));
    }
}
