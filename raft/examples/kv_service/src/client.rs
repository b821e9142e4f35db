//! A client of tests, which sends what it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Limit on an answer, which only a hang reaches.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// Sends a request with this target and body, as it is; returns the whole answer.
pub(crate) async fn exchange(to: SocketAddr, method: &str, target: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(to).await.expect("it listens");
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    let read = timeout(HANG, stream.read_to_string(&mut answer)).await;
    read.expect("it answers in time").expect("it answers");
    answer
}
