//! The errors of connections.

use std::net::SocketAddr;
use std::time::Duration;
use std::{fmt, io};

use super::wire::{VERSION, VERSION_MIN, Verdict};
use crate::cluster_view::{NotAccepted, OwnPlace, OwnRejection};
use crate::codec::DecodeError;
use crate::codec::frame::FrameError;
use crate::identity::ClusterId;
use crate::transport::RefusalKind;
use crate::types::{EntryId, PeerId};

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
    /// A handshake with a wrong checksum, or parts that no peer sends.
    #[error("its handshake was damaged on its way")]
    DamagedHandshake,
    /// A peer of another cluster, by its id.
    #[error(
        "it belongs to cluster {theirs}, this peer to {ours}: one of the two has a wrong address or \
         data directory"
    )]
    OtherCluster {
        /// Its cluster.
        theirs: ClusterId,
        /// This peer's cluster.
        ours: ClusterId,
    },
    /// Another process with its id is connected and alive.
    #[error(
        "another process with id {id} is connected from {address} and alive, with {stores}: stop one \
         of the two, or give it an id of its own"
    )]
    DuplicateProcess {
        /// The id.
        id: PeerId,
        /// The address of the other one's connection.
        address: SocketAddr,
        /// The stores of the two.
        stores: Stores,
    },
    /// Another process with this peer's id is connected and alive there.
    #[error(
        "rejected: another process with this peer's id is connected to it from {address} and alive, \
         with {stores}: stop one of the two, or give it an id of its own"
    )]
    OtherProcess {
        /// The address of the other one's connection.
        address: SocketAddr,
        /// The stores of the two.
        stores: Stores,
    },
    /// It is not a member, nor being added.
    #[error("it is not a member as of configuration {committed}, nor being added: {}", advice(*.place))]
    NotAMember {
        /// The committed configuration without it.
        committed: EntryId,
        /// Its place, as it states it.
        place: OwnPlace,
    },
    /// This peer is not a member.
    #[error("rejected: this peer {}", meaning(*.rejection))]
    NotAcceptedAsMember {
        /// The meaning for this peer.
        rejection: OwnRejection,
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
    /// The kind of reason, for the status.
    pub(super) const fn kind(&self) -> RefusalKind {
        match self.verdict() {
            Verdict::WrongCluster | Verdict::OtherCluster => RefusalKind::OtherCluster,
            Verdict::DuplicateProcess => RefusalKind::DuplicateProcess,
            Verdict::NotAMember => RefusalKind::NotAMember,
            Verdict::Accepted
            | Verdict::Misrouted
            | Verdict::DuplicateId
            | Verdict::CertificateName
            | Verdict::Other => RefusalKind::Other,
        }
    }

    /// True for what resolves itself: the leader adds the peer.
    pub(super) const fn is_expected(&self) -> bool {
        matches!(
            self,
            Self::NotAMember { place: OwnPlace::Joining, .. }
                | Self::NotAcceptedAsMember { rejection: OwnRejection::NotAdded }
        )
    }

    /// The verdict that reports an error to the other side, or was reported by it.
    pub(super) const fn verdict(&self) -> Verdict {
        match self {
            Self::WrongCluster { .. } => Verdict::WrongCluster,
            Self::Misrouted { .. } => Verdict::Misrouted,
            Self::DuplicateId { .. } => Verdict::DuplicateId,
            Self::CertificateName { .. } => Verdict::CertificateName,
            Self::OtherCluster { .. } => Verdict::OtherCluster,
            Self::DuplicateProcess { .. } | Self::OtherProcess { .. } => Verdict::DuplicateProcess,
            Self::NotAMember { .. } | Self::NotAcceptedAsMember { .. } => Verdict::NotAMember,
            Self::RejectedByPeer(verdict) => *verdict,
            Self::NotRaft
            | Self::UnexpectedTls
            | Self::Tls(_)
            | Self::VersionMismatch { .. }
            | Self::Replayed
            | Self::DamagedHandshake
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
            | Self::TooManyPeers { .. } => Verdict::Other,
        }
    }
}

const fn advice(place: OwnPlace) -> &'static str {
    match place {
        OwnPlace::Joining => "it waits until the leader adds it",
        OwnPlace::Member | OwnPlace::Removed => "stop it, or add it again on the leader",
    }
}

const fn meaning(rejection: OwnRejection) -> &'static str {
    match rejection {
        OwnRejection::NotAdded => "is not a member yet: add it on the leader",
        OwnRejection::Removed => {
            "was removed from the cluster: stop it, or add it again on the leader"
        }
        OwnRejection::OtherPeers => "is none of its `peers`: start all with the same ones",
    }
}

/// The stores of two processes with one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// One directory was copied, or one of the peers has no identity.
    Same,
    /// One of the two was started with another data directory.
    Different,
}

impl fmt::Display for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "a copy of its store",
            Self::Different => "another store",
        })
    }
}

impl From<NotAccepted> for ConnectionError {
    fn from(reason: NotAccepted) -> Self {
        match reason {
            NotAccepted::OtherCluster { theirs, ours } => Self::OtherCluster { theirs, ours },
            NotAccepted::NotAMember { place, committed } => Self::NotAMember { committed, place },
        }
    }
}

impl From<FrameError> for ConnectionError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLarge { found, max } => Self::FrameTooLarge { found, max },
            FrameError::Damaged => Self::DamagedFrame,
            FrameError::Unknown { found } => Self::UnknownFrame { found },
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
    /// The peer is accepted no more.
    #[error("{0}")]
    NotAccepted(ConnectionError),
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
            Self::Error(error) => error.is_expected(),
            Self::Stalled(_) => false,
            Self::NotAccepted(_) | Self::Replaced | Self::Moved | Self::Removed | Self::Closed => {
                true
            }
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
