//! The security layer between socket and handshake: none, or TLS.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::error::{ConnectionError, Disconnect};
use super::options::TcpOptions;
use super::tls::{self, Tls};
use crate::types::PeerId;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The security of connections.
#[derive(Clone, Debug)]
pub(super) enum Security {
    /// None, by explicit request.
    Plain,
    /// Mutual TLS.
    Tls(Arc<Tls>),
}

/// The other side's proven identity.
#[derive(Clone, Debug)]
pub(super) enum PeerIdentity {
    /// Nothing.
    None,
    /// The key of this certificate, signed by the cluster's CA.
    Certificate(CertificateDer<'static>),
}

impl Security {
    /// The connecting side.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        to: PeerId,
        options: &TcpOptions,
    ) -> Result<Box<dyn Stream>, Disconnect> {
        match self {
            Self::Plain => Ok(Box::new(stream)),
            Self::Tls(tls) => {
                let keys = tls.keys(options.certificates_reread_after).await;
                let name = tls::server_name(to)?;
                Ok(Box::new(keys.connector.connect(name, stream).await?))
            }
        }
    }

    /// The listening side.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        options: &TcpOptions,
    ) -> Result<(Box<dyn Stream>, PeerIdentity), Disconnect> {
        match self {
            Self::Plain => Ok((Box::new(stream), PeerIdentity::None)),
            Self::Tls(tls) => {
                let keys = tls.keys(options.certificates_reread_after).await;
                let stream = keys.acceptor.accept(stream).await?;
                let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let Some(own) = certificates.first() else {
                    return Err(ConnectionError::Tls("it has no certificate".into()).into());
                };
                let identity = PeerIdentity::Certificate(own.clone().into_owned());
                Ok((Box::new(stream), identity))
            }
        }
    }
}

impl PeerIdentity {
    /// Checks that the other side may be `peer`.
    pub(super) fn verify(&self, peer: PeerId) -> Result<(), ConnectionError> {
        match self {
            Self::None => Ok(()),
            Self::Certificate(certificate) => tls::verify_name(certificate, peer),
        }
    }
}
