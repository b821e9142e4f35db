//! What lies between a socket and the handshake: nothing, or TLS.

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

/// How connections are made safe.
#[derive(Clone, Debug)]
pub(super) enum Security {
    /// Not at all; asked for by name.
    Plain,
    /// Both sides have certificates.
    Tls(Arc<Tls>),
}

/// What is known of the other side before it says who it is.
#[derive(Clone, Debug)]
pub(super) enum PeerIdentity {
    /// Nothing.
    None,
    /// It has the key of this certificate, which the cluster's CA has signed.
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
    /// Whether the other side may call itself `peer`.
    pub(super) fn verify(&self, peer: PeerId) -> Result<(), ConnectionError> {
        match self {
            Self::None => Ok(()),
            Self::Certificate(certificate) => tls::verify_name(certificate, peer),
        }
    }
}
