//! What lies between a socket and the handshake: nothing, or TLS.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::refusal::{End, Refusal};
use crate::types::PeerId;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How connections are made safe.
#[derive(Clone, Debug)]
pub(super) enum Security {
    /// Not at all; asked for by name.
    Plain,
}

/// What is known of the other side before it says who it is.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// Nothing.
    None,
}

impl Security {
    /// The connecting side.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        _to: PeerId,
    ) -> Result<Box<dyn Stream>, End> {
        match self {
            Self::Plain => Ok(Box::new(stream)),
        }
    }

    /// The listening side.
    pub(super) async fn accept(&self, stream: TcpStream) -> Result<(Box<dyn Stream>, Proof), End> {
        match self {
            Self::Plain => Ok((Box::new(stream), Proof::None)),
        }
    }
}

impl Proof {
    /// Whether the other side may call itself `peer`.
    pub(super) fn names(&self, _peer: PeerId) -> Result<(), Refusal> {
        match self {
            Self::None => Ok(()),
        }
    }
}
