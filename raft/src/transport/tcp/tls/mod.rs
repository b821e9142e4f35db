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
mod peer_name;

pub use self::files::TlsFiles;
pub(super) use self::peer_name::server_name;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::ParsedCertificate;

use self::errors::connection_error;
use self::files::Keys;
use self::peer_name::dns_name;
use super::error::ConnectionError;
use crate::transport::TransportError;
use crate::types::PeerId;

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

/// Checks that a valid certificate names `peer`.
pub(super) fn verify_name(
    certificate: &CertificateDer<'_>,
    peer: PeerId,
) -> Result<(), ConnectionError> {
    let expected = server_name(peer)?;
    let parsed =
        ParsedCertificate::try_from(certificate).map_err(|error| connection_error(&error))?;
    let mismatch = |_| ConnectionError::CertificateName { expected: dns_name(peer) };
    verify_server_name(&parsed, &expected).map_err(mismatch)
}
