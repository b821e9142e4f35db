//! Calls between processes: `POST /call`, with a request and its answer in the encoding of commands.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use services::client::Servers;
use services::controller::{self, Configuration};
use services::replica::{Rejection, Replica, Service};
use services::sharded::{self, Groups};
use services::state_machine::{decode, encode};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Handles a call.
pub(crate) async fn answer<M>(replica: &impl Replica<M>, body: Bytes) -> Response
where
    M: Service<Request: DeserializeOwned, Reply: Serialize>,
{
    match decode::<M::Request>(&body) {
        Ok(request) => encode(&M::handle(replica, request).await).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// Calls a server.
async fn call<Q: Serialize, A: DeserializeOwned>(
    server: &str,
    request: &Q,
) -> Result<A, Rejection> {
    let body = encode(request);
    let answered = timeout(CALL_TIMEOUT, exchange(server, Method::POST, "/call", body)).await;
    let Ok(Ok(bytes)) = answered else { return Err(Rejection::NoAnswer) };
    decode(&bytes).unwrap_or(Err(Rejection::NoAnswer))
}

/// Sends one request over a connection of its own: the body of a good answer.
pub(crate) async fn exchange(
    server: &str,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; the answer tells whether it failed.
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::builder().method(method).uri(path).header("host", server);
    let answer = sender.send_request(request.body(Body::from(body))?).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!("{server} answered {}", answer.status()).into());
    }
    Ok(to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await?)
}

/// Links to the servers of the controller.
pub(crate) struct Controllers {
    servers: Arc<[SocketAddr]>,
    start: Instant,
}

impl Controllers {
    pub(crate) fn new(servers: Arc<[SocketAddr]>) -> Self {
        Self { servers, start: Instant::now() }
    }
}

impl Servers for Controllers {
    type Request = controller::Request;
    type Reply = Configuration;

    fn count(&self) -> usize {
        self.servers.len()
    }

    async fn call(
        &self,
        server: usize,
        request: controller::Request,
    ) -> Result<Configuration, Rejection> {
        call(&self.servers[server].to_string(), &request).await
    }

    async fn pause(&self, duration: Duration) {
        sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Links to the servers of all groups, whose names are their HTTP addresses.
pub(crate) struct AllGroups;

impl Groups for AllGroups {
    async fn call(
        &self,
        server: &str,
        request: sharded::Request,
    ) -> Result<sharded::Reply, Rejection> {
        call(server, &request).await
    }
}

/// Longest wait for the answer to a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// The largest answer: a shard.
const ANSWER_BYTES_MAX: usize = 64 << 20;
