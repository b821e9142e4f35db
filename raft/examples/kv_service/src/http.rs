//! The HTTP server: deadlines and limits for clients of any kind, and a graceful end.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// The largest value, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 1 << 20;
/// Limit on the headers of a request, and on the wait for one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Limit on a request with its body and its answer, above the deadline of a call.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Limit on open requests at the end.
const GRACE: Duration = Duration::from_secs(10);
/// Pause after a failed accept, for example without a free socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves requests until `end`, then finishes those that are open.
pub(crate) async fn serve(listener: TcpListener, app: Router, end: impl Future<Output = ()>) {
    let app = app.layer(DefaultBodyLimit::max(VALUE_BYTES_MAX)).layer(from_fn(within_timeout));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let open = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = &mut end => break,
        };
        let service = TowerToHyperService::new(app.clone());
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // The client may break off.
            let _ = connection.await;
        });
    }
    drop(listener);
    // A request that hangs does not delay the end further.
    let _ = timeout(GRACE, open.shutdown()).await;
}

async fn pause_after(error: &std::io::Error) {
    eprintln!("kv_service: cannot accept a connection: {error}");
    sleep(ACCEPT_PAUSE).await;
}

async fn within_timeout(request: Request, next: Next) -> Response {
    match timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response(),
    }
}
