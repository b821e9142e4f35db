//! Constants and codes of the connection format: magic, version, verdicts.

use std::fmt;

/// The first bytes of both sides.
pub const MAGIC: [u8; 8] = *b"raft/tcp";

/// The newest version of the connection format: the handshake and frames.
///
/// | version | frames |
/// |---|---|
/// | 1 | as long as the message, without a checksum |
/// | 2 | with a checksum; long messages in pieces; messages name the sender's store |
/// | 3 | the same; handshakes name the [`Process`](super::Process), and a listener may probe the other side |
///
/// The connecting peer begins with the newest version, and connects again with an older one if the
/// other side answers that it speaks no newer. So a cluster is upgraded one peer at a time, in any
/// order; a version is given up only with a new major version of this library.
pub const VERSION: u8 = 3;

/// The oldest version spoken.
pub const VERSION_MIN: u8 = 1;

/// The first version whose handshake names the process.
pub(super) const VERSION_OF_PROCESSES: u8 = crate::codec::frame::VERSION_OF_ALIVE;

/// The byte with which a listening peer asks whether the other side is alive, which answers with a
/// frame.
pub(super) const PROBE: u8 = 1;

/// Limit on a cluster's name, in bytes.
pub const CLUSTER_BYTES_MAX: usize = u8::MAX as usize;

/// The listening peer's verdict on a [`Hello`](super::Hello).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The connection is accepted.
    Accepted = 0,
    /// The connecting peer belongs to another cluster.
    WrongCluster = 1,
    /// The connecting peer expects another peer.
    Misrouted = 2,
    /// The connecting peer has the id of the listening one.
    DuplicateId = 3,
    /// The connecting peer's certificate does not name it.
    CertificateName = 4,
    /// The connecting peer belongs to another cluster, by its id.
    OtherCluster = 5,
    /// Another process with the connecting peer's id is connected and alive.
    DuplicateProcess = 6,
    /// The connecting peer is not a member, nor being added.
    NotAMember = 7,
    /// Another reason.
    Other = 255,
}

impl Verdict {
    pub(super) const ALL: [Self; 9] = [
        Self::Accepted,
        Self::WrongCluster,
        Self::Misrouted,
        Self::DuplicateId,
        Self::CertificateName,
        Self::OtherCluster,
        Self::DuplicateProcess,
        Self::NotAMember,
        Self::Other,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "it accepts the connection",
            Self::WrongCluster => "rejected: it belongs to another cluster",
            Self::Misrouted => "rejected: it is another peer than expected",
            Self::DuplicateId => "rejected: it has the same id as this peer",
            Self::CertificateName => "rejected: this peer's certificate does not name it",
            Self::OtherCluster => "rejected: it belongs to a cluster with another id",
            Self::DuplicateProcess => {
                "rejected: another process with this peer's id is connected to it"
            }
            Self::NotAMember => "rejected: this peer is not a member of its cluster",
            Self::Other => "rejected; the reason is in its log",
        })
    }
}
