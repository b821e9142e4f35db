//! Why a connection ends.

use std::io;
use std::time::Duration;

use super::handshake::{VERSION, Verdict};
use crate::codec::DecodeError;
use crate::types::PeerId;

/// What the peer at the other end did, or is, that its connection ends for. The text completes "the
/// connection of this peer ends: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The first bytes are somebody else's.
    #[error("its first bytes are not those of this protocol")]
    NotRaft,
    /// The first bytes begin a TLS handshake.
    #[error("it speaks TLS, and this peer was told to speak plain TCP")]
    UnexpectedTls,
    /// TLS was expected and something else came, or the certificates do not fit; says which.
    #[error("{0}")]
    Tls(String),
    /// A version this peer does not know.
    #[error("it speaks version {found} of the protocol, and this peer version {VERSION}")]
    VersionMismatch {
        /// The version it named.
        found: u8,
    },
    /// A peer of another cluster.
    #[error("it is of the cluster `{theirs}`, and this peer of `{ours}`")]
    WrongCluster {
        /// The name it gave.
        theirs: String,
        /// The name given to this peer.
        ours: String,
    },
    /// It looks for another peer.
    #[error("it looks for peer {expected} at this peer's address")]
    Misrouted {
        /// Whom it looks for.
        expected: PeerId,
    },
    /// It has the name of this peer.
    #[error("it has the name of this very peer, {id}")]
    DuplicateId {
        /// The name.
        id: PeerId,
    },
    /// Its certificate is valid, but that of somebody else.
    #[error("its certificate does not name it: it lacks the DNS name `{expected}`")]
    CertificateName {
        /// The name that must be in it.
        expected: String,
    },
    /// Its handshake was made for another connection.
    #[error("its handshake belongs to another connection")]
    Replayed,
    /// A frame over the limit.
    #[error("it announces a frame of {found} bytes, and this peer takes {max} (`frame_bytes_max`)")]
    FrameTooLarge {
        /// The frame's length, in bytes.
        found: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// A frame that is no message.
    #[error("it sent a frame that is no message: {0}")]
    InvalidMessage(#[from] DecodeError),
    /// A message whose sender is somebody else.
    #[error("it sent a message of peer {found}")]
    WrongSender {
        /// Whom the message names as its sender.
        found: PeerId,
    },
    /// A message whose receiver is somebody else.
    #[error("it sent a message for peer {found}")]
    WrongReceiver {
        /// Whom the message names as its receiver.
        found: PeerId,
    },
    /// The connection was not made, or not identified, in time.
    #[error("no handshake within {limit:?} (`handshake_timeout`)")]
    HandshakeTimeout {
        /// The time it had.
        limit: Duration,
    },
    /// There are too many like it.
    #[error("{open} other connections wait to be identified (`unidentified_max`)")]
    TooManyUnidentified {
        /// How many.
        open: usize,
    },
    /// There are too many peers.
    #[error("{connected} other peers are connected, and no more may be")]
    TooManyPeers {
        /// How many.
        connected: usize,
    },
    /// The receiver said no.
    #[error("{0}")]
    RejectedByPeer(Verdict),
}

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Disconnect {
    /// The other side broke the rules: worth a warning.
    #[error(transparent)]
    Error(#[from] ConnectionError),
    /// The network or the other process ended it, as it happens.
    #[error("{0}")]
    Lost(io::Error),
    /// The other side took nothing for too long.
    #[error("it took nothing for {0:?} (`silence_max`)")]
    Stalled(Duration),
    /// The same peer has connected again.
    #[error("the peer has connected again")]
    Replaced,
    /// The peer has a new address.
    #[error("the peer has another address")]
    Moved,
    /// The driver has ended.
    #[error("the driver has ended")]
    Closed,
}

impl Disconnect {
    /// Whether this happens by itself where peers start, stop and lose each other. The rest is for
    /// somebody to mend.
    pub(super) fn is_transient(&self) -> bool {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
            NetworkUnreachable, TimedOut, UnexpectedEof,
        };
        match self {
            Self::Error(_) | Self::Stalled(_) => false,
            Self::Replaced | Self::Moved | Self::Closed => true,
            Self::Lost(error) => matches!(
                error.kind(),
                BrokenPipe
                    | ConnectionAborted
                    | ConnectionRefused
                    | ConnectionReset
                    | HostUnreachable
                    | NetworkUnreachable
                    | TimedOut
                    | UnexpectedEof
            ),
        }
    }

    /// The other side closed the connection.
    pub(super) fn eof() -> Self {
        Self::Lost(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"))
    }
}
