//! A server of a group: the requests of clients, and calls of other processes.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use kv_service::http;
use serde::{Deserialize, Serialize};
use services::controller::GroupId;
use services::driver::DriverReplica;
use services::key_value::{Operation, Write};
use services::replica::Service as _;
use services::session::RequestId;
use services::sharded::{Reply, Request, ShardedStore, shard_of};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout_at};

use crate::answers::{redirect, rejected, target, unavailable};
use crate::arguments::{LocalAddress, Place};
use crate::sessions::Sessions;
use crate::state::GroupState;
use crate::{calls, peer, work};

/// Status of a server, as the controller reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) group: GroupId,
    /// Figure 2's role, `leader` for one.
    pub(crate) role: String,
    pub(crate) term: u64,
    /// The number of the configuration in force.
    pub(crate) configuration: u64,
    pub(crate) serving: Vec<usize>,
    pub(crate) awaited: Vec<usize>,
    pub(crate) kept: Vec<usize>,
}

/// Runs a server until the process is told to end.
pub(crate) async fn run(
    group: GroupId,
    controllers: Vec<LocalAddress>,
    place: Place,
) -> Result<(), Box<dyn Error>> {
    let (publish, view) = watch::channel(GroupState::default());
    let observe = move |store: &ShardedStore| {
        publish.send_if_modified(|view| view.update(store));
    };
    let initial = ShardedStore::new(group);
    let peer = peer::start(format!("group-{group}"), place, initial, observe).await?;
    let controllers = controllers.into_iter().map(|address| address.0).collect();
    let work = work::run(peer.replica.clone(), view.clone(), controllers);
    let server = Server {
        group,
        replica: peer.replica,
        servers: peer.servers,
        view,
        sessions: Arc::default(),
    };
    let raft = server.replica.raft.clone();
    let app = Router::new()
        .route("/keys/{key}", get(read).put(put).post(append))
        .route("/status", get(status))
        .route("/call", post(call))
        .with_state(server);
    let local = LocalSet::new();
    local.spawn_local(work);
    local.run_until(http::serve_peer(&raft, peer.listener, app)).await
}

/// State shared by all requests.
#[derive(Clone)]
struct Server {
    group: GroupId,
    replica: DriverReplica<ShardedStore>,
    servers: Arc<[SocketAddr]>,
    view: watch::Receiver<GroupState>,
    sessions: Arc<Sessions>,
}

/// The query parameters of an operation.
#[derive(Deserialize)]
struct OperationQuery {
    client: Option<u64>,
    serial: Option<u64>,
    /// The configuration by which another server sent the client here.
    configuration: Option<u64>,
}

type KeyRequest = (Path<String>, Query<OperationQuery>, Uri, State<Server>);

async fn read(request: KeyRequest) -> Response {
    operate(request, Operation::Get).await
}

async fn put(request: KeyRequest, value: String) -> Response {
    operate(request, Operation::Write(Write::Put(value))).await
}

async fn append(request: KeyRequest, more: String) -> Response {
    operate(request, Operation::Write(Write::Append(more))).await
}

async fn call(State(server): State<Server>, body: Bytes) -> Response {
    calls::answer(&server.replica, body).await
}

async fn status(State(server): State<Server>) -> Json<Status> {
    let (peer, view) = (server.replica.raft.status(), server.view.borrow());
    Json(Status {
        group: server.group,
        role: peer.role.as_str().to_owned(),
        term: peer.current_term.number(),
        configuration: view.configuration.number,
        serving: view.serving.clone(),
        awaited: view.awaited.clone(),
        kept: view.kept.clone(),
    })
}

/// Does an operation, or says who can.
async fn operate(
    (Path(key), Query(query), uri, State(mut server)): KeyRequest,
    operation: Operation,
) -> Response {
    let sessions = server.sessions.clone();
    // A session of the server's own is in use to the end.
    let (_session, id) = match (query.client, query.serial) {
        (None, None) => {
            let own = sessions.begin();
            let id = own.id;
            (Some(own), id)
        }
        (Some(client), Some(number)) => (None, RequestId { client, number }),
        (Some(_), None) | (None, Some(_)) => {
            let text = "client and serial must be given together\n";
            return (StatusCode::BAD_REQUEST, text).into_response();
        }
    };
    let request = Request::Client { id, key: key.clone(), operation };
    let end = Instant::now() + WAIT_MAX;
    loop {
        // What is decided below is of this state or a later one.
        server.view.mark_unchanged();
        match ShardedStore::handle(&server.replica, request.clone()).await {
            Ok(Reply::Value(value)) => return value.into_response(),
            Ok(Reply::WrongGroup) => {}
            Ok(Reply::Shard(_) | Reply::NotKept | Reply::Deleted) => {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
            Err(rejection) => return rejected(rejection, &server.servers, &uri),
        }
        let (number, owner) = {
            let view = server.view.borrow();
            let owner = view.configuration.shards[shard_of(&key)];
            let servers = owner.filter(|owner| *owner != server.group);
            let servers = servers.and_then(|owner| view.configuration.groups.get(&owner).cloned());
            (view.configuration.number, servers)
        };
        if let Some(servers) = owner
            && query.configuration.is_none_or(|sent_by| number > sent_by)
        {
            // Any of them: one may be down.
            let at = usize::try_from(id.number).unwrap_or_default() % servers.len().max(1);
            let Some(server) = servers.get(at) else {
                return unavailable("its group has no servers");
            };
            return redirect(server, &target(&uri, Some(number)));
        }
        // It may be on its way to this group, or the next configuration is.
        if timeout_at(end, server.view.changed()).await.is_err() {
            let shard = shard_of(&key);
            return unavailable(&format!(
                "shard {shard} is not here yet, by configuration {number} of group {}",
                server.group
            ));
        }
    }
}

/// Longest wait for a shard.
const WAIT_MAX: Duration = Duration::from_secs(2);
