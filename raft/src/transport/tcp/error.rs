//! The errors of connections.

use std::io;
use std::time::Duration;

use super::wire::{VERSION, VERSION_MIN, Verdict};
use crate::codec::DecodeError;
use crate::types::PeerId;

/// A rejected connection: an invalid, unexpected or excess peer at the other end, "it" in the
/// messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The first bytes belong to another protocol.
    #[error("its first bytes belong to another protocol")]
    NotRaft,
    /// The first bytes begin a TLS handshake.
    #[error("it speaks TLS, this peer is configured for plain TCP")]
    UnexpectedTls,
    /// No TLS where it is expected, or an invalid certificate, with the reason.
    #[error("{0}")]
    Tls(String),
    /// An unknown version.
    #[error(
        "it speaks version {found} of the protocol, this peer versions {VERSION_MIN} to {VERSION}"
    )]
    VersionMismatch {
        /// Its version.
        found: u8,
    },
    /// A peer of another cluster.
    #[error("it belongs to cluster `{theirs}`, this peer to `{ours}`")]
    WrongCluster {
        /// Its cluster.
        theirs: String,
        /// This peer's cluster.
        ours: String,
    },
    /// It expects another peer.
    #[error("misrouted: it expects peer {expected} here")]
    Misrouted {
        /// The expected peer.
        expected: PeerId,
    },
    /// It has the id of this peer.
    #[error("it uses this peer's id, {id}")]
    DuplicateId {
        /// The id.
        id: PeerId,
    },
    /// Its certificate is valid, but another peer's.
    #[error("its certificate lacks the DNS name `{expected}`")]
    CertificateName {
        /// The required name.
        expected: String,
    },
    /// Its handshake was recorded on another connection.
    #[error("its handshake belongs to another connection")]
    Replayed,
    /// A frame over the limit.
    #[error("it announces a frame of {found} bytes, the limit is {max} (`frame_bytes_max`)")]
    FrameTooLarge {
        /// The frame's length, in bytes.
        found: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// A frame with a wrong checksum: bytes were changed on their way, or by a broken machine.
    #[error("a frame was damaged on its way: its checksum is wrong")]
    DamagedFrame,
    /// A frame of an unknown kind, with a valid checksum.
    #[error("it sent a frame of the unknown kind {found}")]
    UnknownFrame {
        /// The kind.
        found: u8,
    },
    /// A frame that did not become complete.
    #[error("a frame was unfinished for {limit:?} (`silence_max`)")]
    FrameTimeout {
        /// The time limit.
        limit: Duration,
    },
    /// Unfinished frames of peers that are not members hold too much memory.
    #[error("unfinished messages of unknown peers hold {max} bytes, as much as they may")]
    TooMuchUnfinished {
        /// The limit, in bytes.
        max: usize,
    },
    /// It has sent nothing.
    #[error("it sent nothing within {limit:?} (half of `handshake_timeout`)")]
    Silent {
        /// The time limit.
        limit: Duration,
    },
    /// A newer connection takes its place before it was identified.
    #[error("it made room for a newer connection: {open} are unidentified (`unidentified_max`)")]
    Evicted {
        /// Their number.
        open: usize,
    },
    /// A frame without a valid message.
    #[error("it sent an invalid message: {0}")]
    InvalidMessage(#[from] DecodeError),
    /// A message with another sender.
    #[error("it sent a message of peer {found}")]
    WrongSender {
        /// The message's sender.
        found: PeerId,
    },
    /// A message with another receiver.
    #[error("it sent a message for peer {found}")]
    WrongReceiver {
        /// The message's receiver.
        found: PeerId,
    },
    /// No connection or no handshake in time.
    #[error("no handshake within {limit:?} (`handshake_timeout`)")]
    HandshakeTimeout {
        /// The time limit.
        limit: Duration,
    },
    /// Too many connected peers that are not members.
    #[error("connection limit reached: {connected} peers that are not members are connected")]
    TooManyPeers {
        /// Their number.
        connected: usize,
    },
    /// The receiver rejected the connection.
    #[error("{0}")]
    RejectedByPeer(Verdict),
}

impl ConnectionError {
    /// The verdict that reports an error to the other side.
    pub(super) const fn verdict(&self) -> Verdict {
        match self {
            Self::WrongCluster { .. } => Verdict::WrongCluster,
            Self::Misrouted { .. } => Verdict::Misrouted,
            Self::DuplicateId { .. } => Verdict::DuplicateId,
            Self::CertificateName { .. } => Verdict::CertificateName,
            Self::NotRaft
            | Self::UnexpectedTls
            | Self::Tls(_)
            | Self::VersionMismatch { .. }
            | Self::Replayed
            | Self::FrameTooLarge { .. }
            | Self::DamagedFrame
            | Self::UnknownFrame { .. }
            | Self::FrameTimeout { .. }
            | Self::TooMuchUnfinished { .. }
            | Self::Evicted { .. }
            | Self::Silent { .. }
            | Self::InvalidMessage(_)
            | Self::WrongSender { .. }
            | Self::WrongReceiver { .. }
            | Self::HandshakeTimeout { .. }
            | Self::TooManyPeers { .. }
            | Self::RejectedByPeer(_) => Verdict::Other,
        }
    }
}

/// The end of a connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Disconnect {
    /// A rejected connection: logged as a warning.
    #[error(transparent)]
    Error(#[from] ConnectionError),
    /// A failure of the network or the other process.
    #[error("{0}")]
    Lost(io::Error),
    /// The other side accepted nothing for too long.
    #[error("it accepted nothing for {0:?} (`silence_max`)")]
    Stalled(Duration),
    /// The peer has connected again.
    #[error("the peer has connected again")]
    Replaced,
    /// The peer has a new address.
    #[error("the peer has a new address")]
    Moved,
    /// The peer was removed, and its last messages are sent.
    #[error("the peer was removed")]
    Removed,
    /// The driver has stopped.
    #[error("the driver has stopped")]
    Closed,
}

impl Disconnect {
    /// True for ends that peers cause by starting, stopping and losing connections. The rest needs
    /// an operator.
    pub(super) fn is_transient(&self) -> bool {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
            NetworkUnreachable, TimedOut, UnexpectedEof,
        };
        match self {
            Self::Error(_) | Self::Stalled(_) => false,
            Self::Replaced | Self::Moved | Self::Removed | Self::Closed => true,
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
