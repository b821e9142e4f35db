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
///
/// The connecting peer begins with the newest version, and connects again with an older one if the
/// other side answers that it speaks no newer. So a cluster is upgraded one peer at a time, in any
/// order; a version is given up only with a new major version of this library.
pub const VERSION: u8 = 2;

/// The oldest version spoken.
pub const VERSION_MIN: u8 = 1;

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
    /// Another reason.
    Other = 255,
}

impl Verdict {
    pub(super) const ALL: [Self; 6] = [
        Self::Accepted,
        Self::WrongCluster,
        Self::Misrouted,
        Self::DuplicateId,
        Self::CertificateName,
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
            Self::Other => "rejected; the reason is in its log",
        })
    }
}
