//! The HTTP server: deadlines and limits for clients of any kind, and a graceful end.

use std::error::Error;
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
use raft::Raft;
use raft::driver::{Machine, RunState};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

/// The largest value, in bytes.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Pause after a failed accept, for example without a free socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time after which a failure is logged again: clients can cause it.
const REPEAT_AFTER: Duration = Duration::from_secs(60);

/// Limit on the headers of a request, and on the wait for one.
const HEADERS_MAX: Duration = Duration::from_secs(30);
/// Limit on a request with its body and its answer, above the deadline of a call.
const REQUEST_MAX: Duration = Duration::from_secs(15);
/// Limit on open requests at the end.
const GRACE: Duration = Duration::from_secs(10);

/// Serves requests until the process is told to end or the node stops.
///
/// # Errors
/// The node has stopped by itself.
pub async fn serve_peer<M: Machine>(
    raft: &Raft<M>,
    listener: TcpListener,
    app: Router,
) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let peer = raft.clone();
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = stopped(&peer) => return,
        }
        // Transfers leadership before the shutdown, so that clients need not wait for an
        // election. Only a leader knows the others' progress; a failed transfer does not delay
        // the shutdown further.
        let best = peer.status().peers.into_iter().max_by_key(|peer| peer.match_index);
        if let Some(best) = best {
            let _ = peer.transfer_leadership(best.id).await;
        }
    };
    serve(listener, app, HEADERS_MAX, end).await;
    let reason = raft.status().run;
    raft.shutdown().await;
    match reason {
        RunState::Running => Ok(()),
        RunState::Stopped(reason) => Err(format!("the node has stopped: {reason}").into()),
    }
}

/// Waits until the node has stopped.
async fn stopped<M: Machine>(raft: &Raft<M>) {
    // The sender lives as long as the handle.
    let _ = raft.watch().wait_for(|status| matches!(status.run, RunState::Stopped(_))).await;
}

/// Serves requests until `end`, then finishes those that are open.
async fn serve(
    listener: TcpListener,
    app: Router,
    headers_max: Duration,
    end: impl Future<Output = ()>,
) {
    let app = app.layer(DefaultBodyLimit::max(VALUE_BYTES_MAX)).layer(from_fn(within_limit));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(headers_max);
    let (open, mut said) = (GracefulShutdown::new(), None);
    tokio::pin!(end);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    if said.is_none_or(|said: Instant| said.elapsed() >= REPEAT_AFTER) {
                        eprintln!("cannot accept a connection: {error}");
                        said = Some(Instant::now());
                    }
                    sleep(ACCEPT_PAUSE).await;
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

async fn within_limit(request: Request, next: Next) -> Response {
    match timeout(REQUEST_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use axum::routing::get;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::client::{HANG, exchange};

    const HEADERS: Duration = Duration::from_millis(300);

    /// Waits until the server ends the connection.
    async fn wait_for_end(mut stream: impl AsyncRead + Unpin) {
        let mut rest = Vec::new();
        let read = timeout(HANG, stream.read_to_end(&mut rest)).await.expect("it is cut off");
        let ended = read.map_err(|error| error.kind());
        assert!(matches!(ended, Ok(_) | Err(ErrorKind::ConnectionReset)), "{ended:?}");
    }

    /// Sends a header that never ends, a byte at a time, until the server ends the connection.
    async fn trickle(mut stream: TcpStream) {
        stream.write_all(b"GET / HTTP/1.1\r\nx: ").await.expect("it reads");
        let (reader, mut writer) = stream.into_split();
        let bytes = async {
            while writer.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = wait_for_end(reader) => {}
            () = bytes => {}
        }
    }

    #[tokio::test]
    async fn slow_headers_are_cut_off_and_others_are_served_meanwhile() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = listener.local_addr().expect("it is bound");
        let client = async || TcpStream::connect(server).await.expect("it listens");
        let app = Router::new().route("/", get(|| async { "served" }));
        let (end, ended) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, app, HEADERS, async {
            let _ = ended.await;
        }));
        let slow = tokio::spawn(trickle(client().await));
        let silent = tokio::spawn(wait_for_end(client().await));
        let answer = exchange(server, "GET", "/", "").await;
        assert!(answer.ends_with("served"), "{answer}");
        for connection in [slow, silent] {
            connection.await.expect("it is cut off");
        }
        end.send(()).expect("it serves");
        serving.await.expect("it ends");
    }
}
