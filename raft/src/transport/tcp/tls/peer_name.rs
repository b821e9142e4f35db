//! The names of peers in certificates.

use tokio_rustls::rustls::pki_types::ServerName;

use crate::transport::tcp::error::ConnectionError;
use crate::types::PeerId;

/// The DNS name required in a peer's certificate.
pub(crate) fn dns_name(peer: PeerId) -> String {
    format!("raft-peer-{peer}")
}

/// The same, as TLS asks for it.
pub(crate) fn server_name(peer: PeerId) -> Result<ServerName<'static>, ConnectionError> {
    let unusable = |error| {
        ConnectionError::Tls(format!("{} is not a valid DNS name: {error}", dns_name(peer)))
    };
    ServerName::try_from(dns_name(peer)).map_err(unusable)
}
