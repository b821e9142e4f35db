//! The options of sockets.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::transport::TransportError;

/// Limit on unsent bytes in the system's buffer, where urgent messages cannot overtake.
const UNSENT_MAX: u32 = 128 * 1024;

/// Listens on an address.
pub(super) fn listen(address: &str) -> Result<TcpListener, TransportError> {
    let listen_error = |source| TransportError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).map_err(listen_error)?;
    listener.set_nonblocking(true).map_err(listen_error)?;
    Ok(listener)
}

/// Disables delayed sending, and detects a vanished machine: on Linux within `silence_max`,
/// elsewhere by keepalive, after the system's number of probes.
pub(super) fn prepare(stream: &TcpStream, silence_max: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let probe = silence_max.div_f64(4.0).max(Duration::from_secs(1));
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(probe).with_interval(probe))?;
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        socket.set_tcp_user_timeout(Some(silence_max))?;
        socket.set_tcp_notsent_lowat(UNSENT_MAX)?;
    }
    Ok(())
}
