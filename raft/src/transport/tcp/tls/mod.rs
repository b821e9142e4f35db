//! Mutual TLS: both sides prove their id by certificates of the cluster's own CA.
//!
//! The CA is the cluster's own: every certificate it signs belongs to a peer. A peer's certificate
//! names it by the DNS name `raft-peer-3` (3 being its [`PeerId`]) among its subject alternative
//! names; it may have further names. It serves both as a server's and as a client's certificate, so
//! if it restricts its use, it must allow both. TLS 1.3 is the only version: both sides are this
//! library.
//!
//! # Rotation
//! The files are read again for new connections once they were read longer ago than
//! [`certificates_reread_after`](super::TcpOptions::certificates_reread_after). Unusable files are
//! a warning then, and the previous certificates stay in use. An existing connection keeps the
//! certificates of its handshake: that of a revoked one ends when either peer restarts.

mod errors;
mod files;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use self::errors::connection_error;
use super::error::ConnectionError;
use crate::transport::TransportError;
use crate::types::PeerId;

/// The certificate files of a peer, in PEM form.
///
/// Create them with the example `make_certificates` (`cargo run --example make_certificates --
/// certificates 1 2 3`), or with openssl:
///
/// ```sh
/// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
///     -subj '/CN=raft CA' -keyout ca.key -out ca.pem
/// openssl req -x509 -CA ca.pem -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
///     -days 365 -subj '/CN=raft-peer-1' -addext 'subjectAltName=DNS:raft-peer-1' \
///     -addext 'basicConstraints=CA:FALSE' -keyout peer-1.key -out peer-1.pem
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the cluster's CA. During the replacement of the CA, both certificates.
    pub ca: PathBuf,
    /// This peer's certificate, followed by intermediate certificates, if there are any.
    pub certificate: PathBuf,
    /// The key of this peer's certificate.
    pub key: PathBuf,
    /// The CA's certificate revocation list (CRL), if it keeps one: of each CA, if there are two.
    /// Its expiry date is ignored.
    pub revoked: Option<PathBuf>,
}

/// The certificates of a peer, reread from time to time.
#[derive(Debug)]
pub(super) struct Tls {
    me: PeerId,
    files: TlsFiles,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    keys: Keys,
    read_at: Instant,
}

/// Connector and acceptor with the certificates of one reading.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) connector: TlsConnector,
    pub(super) acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Tls {
    /// Reads the files and checks them against each other.
    pub(super) fn read(me: PeerId, files: TlsFiles) -> Result<Self, TransportError> {
        let keys = files::read(me, &files)?;
        let current = Mutex::new(Current { keys, read_at: Instant::now() });
        Ok(Self { me, files, current })
    }

    /// The certificates for a new connection, reread if older than `age_max`.
    pub(super) async fn keys(&self, age_max: Duration) -> Keys {
        if let Some(keys) = self.cached(age_max) {
            return keys;
        }
        let (me, files) = (self.me, self.files.clone());
        match tokio::task::spawn_blocking(move || files::read(me, &files)).await {
            Ok(Ok(keys)) => self.lock().keys = keys,
            Ok(Err(reason)) => {
                tracing::warn!(%reason, "new certificates are unusable; keeping the previous ones");
            }
            // The runtime ends.
            Err(_) => {}
        }
        self.lock().keys.clone()
    }

    /// The previous certificates; `None` if the caller has to read them again.
    fn cached(&self, age_max: Duration) -> Option<Keys> {
        let mut current = self.lock();
        if current.read_at.elapsed() < age_max {
            return Some(current.keys.clone());
        }
        // Other connections use the previous ones meanwhile.
        current.read_at = Instant::now();
        None
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The DNS name required in a peer's certificate.
pub(super) fn dns_name(peer: PeerId) -> String {
    format!("raft-peer-{peer}")
}

/// The same, as TLS asks for it.
pub(super) fn server_name(peer: PeerId) -> Result<ServerName<'static>, ConnectionError> {
    let unusable = |error| {
        ConnectionError::Tls(format!("{} is not a valid DNS name: {error}", dns_name(peer)))
    };
    ServerName::try_from(dns_name(peer)).map_err(unusable)
}

/// Checks that a valid certificate names `peer`.
pub(super) fn verify_name(
    certificate: &CertificateDer<'_>,
    peer: PeerId,
) -> Result<(), ConnectionError> {
    let expected = server_name(peer)?;
    let parsed =
        ParsedCertificate::try_from(certificate).map_err(|error| connection_error(&error))?;
    let refuse = |_| ConnectionError::CertificateName { expected: dns_name(peer) };
    verify_server_name(&parsed, &expected).map_err(refuse)
}
