//! A server of the controller: changes by administrators, and the shard map.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use kv_service::http;
use services::controller::{Change, Command, Controller, GroupId, Request, SHARDS};
use services::driver::DriverReplica;
use services::replica::{Replica as _, Service as _};
use tokio::sync::watch;

use crate::answers::rejected;
use crate::arguments::{LocalAddress, Place};
use crate::map::{self, ShardMap};
use crate::sessions::Sessions;
use crate::state::ControllerState;
use crate::{calls, peer};

/// Runs a server until the process is told to end.
pub(crate) async fn run(place: Place) -> Result<(), Box<dyn Error>> {
    let (publish, view) = watch::channel(ControllerState::default());
    let observe = move |controller: &Controller| {
        publish.send_if_modified(|view| view.update(controller));
    };
    let peer = peer::start("controller".to_owned(), place, Controller::default(), observe).await?;
    let server =
        Server { replica: peer.replica, servers: peer.servers, view, sessions: Arc::default() };
    let raft = server.replica.raft.clone();
    let app = Router::new()
        .route("/", get(async || Html(map::PAGE)))
        .route("/map", get(shard_map))
        .route("/configuration", get(newest))
        .route("/configuration/{number}", get(numbered))
        .route("/groups/{group}", put(join).delete(leave))
        .route("/shards/{shard}", put(move_shard))
        .route("/call", post(call))
        .with_state(server);
    http::serve_peer(&raft, peer.listener, app).await
}

/// State shared by all requests.
#[derive(Clone)]
struct Server {
    replica: DriverReplica<Controller>,
    servers: Arc<[SocketAddr]>,
    view: watch::Receiver<ControllerState>,
    sessions: Arc<Sessions>,
}

/// The map as this server knows it: the page of a server that is cut off from the others still moves.
async fn shard_map(State(server): State<Server>) -> Json<ShardMap> {
    let view = server.view.borrow().clone();
    Json(map::gather(view).await)
}

async fn newest(State(server): State<Server>, uri: Uri) -> Response {
    server.answer(Request::Query(None), &uri).await
}

async fn numbered(Path(number): Path<u64>, State(server): State<Server>, uri: Uri) -> Response {
    server.answer(Request::Query(Some(number)), &uri).await
}

async fn join(
    Path(group): Path<GroupId>,
    State(server): State<Server>,
    uri: Uri,
    servers: String,
) -> Response {
    let addresses = servers.trim().split(',').map(|address| address.trim().parse());
    match addresses.collect::<Result<Vec<LocalAddress>, String>>() {
        Ok(addresses) => {
            let names = addresses.iter().map(|address| address.0.to_string()).collect();
            server.change(Change::Join([(group, names)].into()), &uri).await
        }
        Err(error) => {
            let text = format!(
                "the body must be the HTTP addresses of the group's servers, with commas: {error}\n"
            );
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

async fn leave(Path(group): Path<GroupId>, State(server): State<Server>, uri: Uri) -> Response {
    server.change_joined(group, Change::Leave(vec![group]), &uri).await
}

async fn move_shard(
    Path(shard): Path<usize>,
    State(server): State<Server>,
    uri: Uri,
    group: String,
) -> Response {
    if shard >= SHARDS {
        let text = format!("no shard {shard}: shards have numbers below {SHARDS}\n");
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    let Ok(group) = group.trim().parse() else {
        return (StatusCode::BAD_REQUEST, "the body must be the number of a group\n")
            .into_response();
    };
    server.change_joined(group, Change::Move { shard, group }, &uri).await
}

async fn call(State(server): State<Server>, body: Bytes) -> Response {
    calls::answer(&server.replica, body).await
}

fn not_joined(group: GroupId) -> Response {
    let text = format!("group {group} has not joined: PUT /groups/{group} with its servers\n");
    (StatusCode::NOT_FOUND, text).into_response()
}

impl Server {
    /// Makes a change that needs this group.
    async fn change_joined(&self, group: GroupId, change: Change, uri: &Uri) -> Response {
        let has_joined = move |it: &Controller| it.configuration(None).groups.contains_key(&group);
        match self.replica.read(has_joined).await {
            Ok(true) => self.change(change, uri).await,
            Ok(false) => not_joined(group),
            Err(rejection) => rejected(rejection, &self.servers, uri),
        }
    }

    async fn answer(&self, request: Request, uri: &Uri) -> Response {
        match Controller::handle(&self.replica, request).await {
            Ok(configuration) => Json(configuration).into_response(),
            Err(rejection) => rejected(rejection, &self.servers, uri),
        }
    }

    /// Makes the next configuration; the newest one.
    async fn change(&self, change: Change, uri: &Uri) -> Response {
        let session = self.sessions.begin();
        let command = Request::Change(Command { id: session.id, change });
        match Controller::handle(&self.replica, command).await {
            Ok(_) => self.answer(Request::Query(None), uri).await,
            Err(rejection) => rejected(rejection, &self.servers, uri),
        }
    }
}
